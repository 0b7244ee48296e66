#include "store/audit.h"

#include "base/clock.h"
#include "base/memory.h"
#include "domain/donor_number.h"
#include "store/access_store.h"
#include "store/certificate_row.h"
#include "store/failure.h"
#include "store/row.h"

void audit_begin(struct audit *audit, const struct store *store, const struct actor *actor)
{
	*audit = (struct audit){ .store = store, .actor = actor,
				 .key_id = keyring_active(store->keyring, KEY_HASH) };
	audit->out.buf = &audit->buf;
	jout_array(&audit->out, NULL);
}

static const char *audit_digest(const struct audit *audit, const struct buf *image, char out[DIGEST_HEX_SIZE])
{
	if (!image)
		return NULL;
	keyring_digest(audit->store->keyring, audit->key_id, "audit", image->data, image->len, out);
	return out;
}

static void audit_write(struct audit *audit, const char *action, const char *subject_kind, const char *subject_id,
			const char *before, const char *after)
{
	struct json_out *out = &audit->out;
	const struct actor *actor = audit->actor;
	char id[UUID_TEXT_SIZE];

	uuid7_make(id, clock_wall_us(audit->store->clock));
	jout_object(out, NULL);
	jout_text(out, "id", id);
	jout_text(out, "actor_kind", actor->kind);
	jout_text(out, "actor_id", actor->id);
	jout_text(out, "actor_role", role_text(actor->role));
	jout_text(out, "action", action);
	jout_text(out, "subject_kind", subject_kind);
	jout_text(out, "subject_id", subject_id);
	jout_text(out, "request_id", actor->request_id);
	jout_int(out, "key_id", audit->key_id);
	jout_text(out, "digest_before", before);
	jout_text(out, "digest_after", after);
	jout_end(out);
}

void audit_add(struct audit *audit, const char *action, const char *subject_kind, const char *subject_id,
	       const struct buf *before, const struct buf *after)
{
	char digests[2][DIGEST_HEX_SIZE];

	audit_write(audit, action, subject_kind, subject_id, audit_digest(audit, before, digests[0]),
		    audit_digest(audit, after, digests[1]));
}

void audit_add_reading(struct audit *audit, const char *action, const char *subject_kind, const char *subject_id,
		       const char *asked)
{
	audit_write(audit, action, subject_kind, subject_id, asked, NULL);
}

const char *audit_end(struct audit *audit, struct arena *arena)
{
	const char *text;

	jout_end(&audit->out);
	text = arena_strdup(arena, audit->buf.data);
	buf_release(&audit->buf);
	return text;
}

const char *audit_told(const struct store *store, const struct actor *actor, const char *action, int most, struct arena *arena)
{
	struct audit audit;

	audit_begin(&audit, store, actor);
	while (most-- > 0)
		audit_add_reading(&audit, action, "donor", "", NULL);
	return audit_end(&audit, arena);
}

/* Reading it back. */

#define AUDIT_SELECT(source) \
	"SELECT id, " SQL_MICROS("at") ", actor_kind, actor_id, actor_role, action, subject_kind," \
	" subject_id, request_id, key_id, encode(digest_before, 'hex'), encode(digest_after, 'hex')," \
	" (SELECT seal.position FROM audit_seal AS seal WHERE seal.entry_id = entry.id)" \
	" FROM " source
#define AUDIT_BEFORE "id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')"
#define AUDIT_MATCHES "($2::text IS NULL OR actor_id = $2) AND ($3::text IS NULL OR action = $3)"

/*
 * Two statements, because "or NULL" keeps a generic plan from using the index
 * of subjects. Without a subject the record is walked backwards, fenced off
 * (OFFSET 0) so that nobody thinks of sorting all of it.
 */
static const struct db_statement list_all = {
	AUDIT_SELECT("(SELECT * FROM audit_entry WHERE " AUDIT_BEFORE " ORDER BY id DESC OFFSET 0) AS entry")
	" WHERE " AUDIT_MATCHES " AND ($5::text IS NULL OR subject_kind = $5)"
	" AND ($6::text IS NULL OR subject_id = $6) LIMIT $4::integer"
};
static const struct db_statement list_subject = {
	AUDIT_SELECT("audit_entry AS entry") " WHERE " AUDIT_BEFORE " AND " AUDIT_MATCHES
	" AND subject_kind = $5 AND subject_id = $6 ORDER BY id DESC LIMIT $4::integer"
};

/* A donor, by id or number, with all that is one with it, all that was recorded of it, and who looked it up. */
static const struct db_statement list_donor = {
	"WITH one AS (SELECT coalesce(a.into_id, k.id) AS id FROM donor AS k LEFT JOIN donor_alias AS a ON a.donor_id = k.id"
	"  WHERE k.id = $5::uuid OR k.number = $6),"
	" own AS (SELECT id FROM one UNION ALL SELECT a.donor_id FROM donor_alias AS a JOIN one ON one.id = a.into_id),"
	" thing (kind, id) AS (SELECT 'donor', id::text FROM own"
	"  UNION ALL SELECT 'consent', c.id::text FROM own JOIN consent AS c ON c.donor_id = own.id"
	"  UNION ALL SELECT 'donor_request', q.id::text FROM own JOIN donor_request AS q ON q.donor_id = own.id"
	"  UNION ALL SELECT 'deferral', f.id::text FROM own JOIN deferral AS f ON f.donor_id = own.id"
	"  UNION ALL SELECT 'deferral_lift', x.id::text FROM own JOIN deferral_lift AS x ON x.donor_id = own.id"
	"  UNION ALL SELECT 'donation', n.id::text FROM own JOIN donation AS n ON n.donor_id = own.id"
	"  UNION ALL SELECT 'certificate', " CERTIFICATE_SUBJECT("c") " FROM own JOIN certificate AS c ON c.donor_id = own.id"
	"  UNION ALL SELECT 'redemption', e.id::text FROM own JOIN certificate AS c ON c.donor_id = own.id"
	"   JOIN redemption AS e ON e.certificate_id = c.id"
	"  UNION ALL SELECT 'appointment', p.id::text FROM own JOIN appointment AS p ON p.donor_id = own.id"
	"  UNION ALL SELECT 'seat_group', b.id::text FROM own JOIN seat_group AS b ON b.contact_id = own.id"
	"  UNION ALL SELECT 'gift', g.id::text FROM own JOIN gift AS g ON g.donor_id = own.id"
	"  UNION ALL SELECT 'honour', h.id::text FROM own JOIN honour AS h ON h.donor_id = own.id"
	"  UNION ALL SELECT 'family_member', m.id::text FROM own JOIN family_member AS m ON m.donor_id = own.id"
	"  UNION ALL SELECT 'lookup', l.id::text FROM donor_lookup AS l WHERE l.found && ARRAY(SELECT id FROM own)) "
	AUDIT_SELECT("(SELECT e.* FROM thing JOIN audit_entry AS e ON e.subject_kind = thing.kind"
		     " AND e.subject_id = thing.id) AS entry")
	" WHERE " AUDIT_BEFORE " AND " AUDIT_MATCHES " ORDER BY id DESC LIMIT $4::integer"
};

static void audit_row_read(struct audit_row *entry, struct arena *arena, const struct db_result *result,
			   int row)
{
	row_uuid(result, row, 0, entry->id);
	entry->at_us = row_time(result, row, 1);
	entry->actor_kind = row_text(arena, result, row, 2);
	entry->actor_id = row_text(arena, result, row, 3);
	entry->actor_role = row_text(arena, result, row, 4);
	entry->action = row_text(arena, result, row, 5);
	entry->subject_kind = row_text(arena, result, row, 6);
	entry->subject_id = row_text(arena, result, row, 7);
	entry->request_id = row_text(arena, result, row, 8);
	entry->key_id = row_int(result, row, 9, 0);
	entry->digest_before = row_text(arena, result, row, 10);
	entry->digest_after = row_text(arena, result, row, 11);
	entry->position = db_int(result, row, 12, 0);
}

static void audit_list_on_done(struct db_query *query, const struct db_result *result)
{
	struct audit_list *list = container_of(query, struct audit_list, query);
	int nrows;

	if (result_ok(result, &list->error)) {
		nrows = db_rows(result);
		list->more = nrows > list->limit;
		list->nrows = (size_t)(list->more ? list->limit : nrows);
		list->rows = arena_alloc(list->arena, (list->nrows + 1) * sizeof(*list->rows));
		for (size_t i = 0; i < list->nrows; i++)
			audit_row_read(&list->rows[i], list->arena, result, (int)i);
	}
	list->done(list);
}

void audit_list_send(struct store *store, struct audit_list *list)
{
	bool subject = list->subject_kind && list->subject_id;
	char *number = arena_alloc(list->arena, DONOR_NUMBER_SIZE);

	list->store = store;
	query_begin(&list->query, list->donor ? &list_donor : subject ? &list_subject : &list_all, DB_SLOW,
		    audit_list_on_done);
	query_text(&list->query, list->after[0] ? uuid_or_nil(list->after) : NULL);
	query_text(&list->query, list->actor_id);
	query_text(&list->query, list->action);
	query_text(&list->query, page_limit(list->limit, list->limit_text));
	if (list->donor) {
		query_text(&list->query, uuid_or_nil(list->donor));
		query_text(&list->query, donor_number_parse(list->donor, number) == DONOR_NUMBER_FINE ? number : "");
	} else {
		query_text(&list->query, list->subject_kind);
		query_text(&list->query, list->subject_id);
	}
	db_send(store->db, &list->query);
}
