#ifndef HTTP_PERCENT_H
#define HTTP_PERCENT_H

/* The byte of "%XX" at p, which points at the '%'; -1 when it is not one whole escape before end. */
int percent_decode(const char *p, const char *end);

#endif
