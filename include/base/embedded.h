#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

#include <stddef.h>

/* A file whose bytes are part of the program (cmake/embed.cmake). A NUL follows them. */
struct embedded_file {
	const char          *name;       /* base name; NULL ends an array */
	const unsigned char *bytes;
	size_t               size;       /* without the NUL */
};

#endif
