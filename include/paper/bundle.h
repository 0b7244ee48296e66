#ifndef PAPER_BUNDLE_H
#define PAPER_BUNDLE_H

#include <stdbool.h>

/* Documents in one .zip, in memory alone (they hold names). One bundle belongs to one thread. */
struct buf;
struct bundle;
struct error;

/* NULL and ERR_INTERNAL: memory ran out. */
struct bundle *bundle_new(struct error *err);
void bundle_free(struct bundle *bundle);                 /* NULL is fine */
/* `name` is the file's, each once. Takes the bytes over: `document` is empty afterwards. False and ERR_INTERNAL. */
bool bundle_add(struct bundle *bundle, const char *name, struct buf *document, struct error *err)
	__attribute__((warn_unused_result));
/* Appends the whole; nothing more can be added. False and ERR_INTERNAL. */
bool bundle_finish(struct bundle *bundle, struct buf *out, struct error *err) __attribute__((warn_unused_result));

#endif
