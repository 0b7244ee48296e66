#ifndef HTTP_STATUS_H
#define HTTP_STATUS_H

/* "200 OK". */
const char *http_status_line(int status);

#endif
