#include "paper/bundle.h"

#include <stdlib.h>
#include <zip.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"

struct bundle {
	zip_source_t *source;            /* what is written; ours as long as there is a bundle */
	zip_t        *zip;               /* NULL: closed */
};

static bool fail(struct error *err)
{
	return error_set(err, ERR_INTERNAL, "The documents cannot be packed together. Tell the administrator.",
			 "Không gói được các tài liệu lại. Hãy báo người quản trị.");
}

struct bundle *bundle_new(struct error *err)
{
	struct bundle *bundle = xcalloc(1, sizeof(*bundle));

	bundle->source = zip_source_buffer_create(NULL, 0, 0, NULL);
	if (bundle->source) {
		zip_source_keep(bundle->source);
		bundle->zip = zip_open_from_source(bundle->source, ZIP_TRUNCATE, NULL);
		if (bundle->zip)
			return bundle;
		zip_source_free(bundle->source);         /* what the archive did not take */
	}
	bundle_free(bundle);
	fail(err);
	return NULL;
}

void bundle_free(struct bundle *bundle)
{
	if (!bundle)
		return;
	if (bundle->zip)
		zip_discard(bundle->zip);
	if (bundle->source)
		zip_source_free(bundle->source);
	free(bundle);
}

/* Not compressed: a PDF is already. */
bool bundle_add(struct bundle *bundle, const char *name, struct buf *document, struct error *err)
{
	zip_source_t *source = zip_source_buffer(bundle->zip, document->data, document->len, 1);
	zip_int64_t at;

	if (!source) {
		buf_release(document);
		return fail(err);
	}
	*document = (struct buf){ 0 };
	at = zip_file_add(bundle->zip, name, source, ZIP_FL_ENC_UTF_8);
	if (at < 0) {
		zip_source_free(source);
		return fail(err);
	}
	return zip_set_file_compression(bundle->zip, (zip_uint64_t)at, ZIP_CM_STORE, 0) == 0 || fail(err);
}

/* The bytes that the archive was written to. */
static bool copy_bytes(zip_source_t *source, struct buf *out)
{
	zip_stat_t stat;
	bool fine;

	if (zip_source_stat(source, &stat) < 0 || zip_source_open(source) < 0)
		return false;
	fine = zip_source_read(source, buf_reserve(out, stat.size), stat.size) == (zip_int64_t)stat.size;
	if (fine)
		out->len += stat.size;
	zip_source_close(source);
	return fine;
}

bool bundle_finish(struct bundle *bundle, struct buf *out, struct error *err)
{
	if (zip_close(bundle->zip) < 0)
		return fail(err);
	bundle->zip = NULL;
	return copy_bytes(bundle->source, out) || fail(err);
}
