#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

enum { UUID_TEXT_SIZE = 37 };

/*
 * A new UUIDv7 (RFC 9562) of that instant, lower case; random part from the kernel. Ids that one thread makes
 * within a millisecond sort as they were made (at least 2,048 of them): rows of one statement keep their order.
 */
void uuid7_make(char out[UUID_TEXT_SIZE], int64_t wall_us);
/* Any UUID in canonical 8-4-4-4-12 form, either case. */
bool uuid_valid(const char *text);
/* The bytes of one; false when it is none. */
enum { UUID_BYTES = 16 };
bool uuid_bytes(const char *text, unsigned char out[UUID_BYTES]);

#endif
