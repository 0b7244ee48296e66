#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/failure.h"
#include "store/honour_store.h"
#include "store/row.h"

/* The list for the ceremony. It opens names, so each of them has its audit row in the same statement. */

/*
 * The last word about publication is what counts, on whatever channel: who withdraws by SMS need not remember the form
 * of paper. $1 audit rows, $2 state, $3 ladder, $4 units, $5 limit, $6 only those who agreed.
 */
static const struct db_statement names_statement = {
	"WITH d AS MATERIALIZED (SELECT h.id AS honour, s.id, s.number, s.birth_year, s.unit_id, h.family_id, h.ladder, h.step, h.bar,"
	"   h.reached_on, h.state, h.document, h.approved_on, h.handed_on, h.given_by, s.wrap_key_id, s.wrapped_key, s.sealed,"
	"   coalesce((SELECT c.given FROM consent AS c WHERE c.donor_id = ANY (person_records(s.id))"
	"    AND c.purpose = 'honours_publication' ORDER BY c.at DESC, c.given, c.id DESC LIMIT 1), false) AS agreed"
	"  FROM honour AS h LEFT JOIN donor_alias AS a ON a.donor_id = h.donor_id"
	"   JOIN donor AS s ON s.id = coalesce(a.into_id, h.donor_id, family_head(h.family_id))"
	"  WHERE h.state = $2 AND ($3::text IS NULL OR h.ladder = $3) AND s.erased_at IS NULL"
	"   AND ($4::text[] IS NULL OR s.unit_id = ANY ($4))),"
	" t AS MATERIALIZED (SELECT * FROM d WHERE agreed OR NOT $6::boolean ORDER BY ladder, bar DESC, honour LIMIT $5::integer),"
	" told AS (SELECT u.id::text AS id, row_number() OVER () AS n FROM (SELECT DISTINCT id FROM t) AS u"
	"  WHERE (SELECT count(*) FROM t) < $5::integer),"       /* too many are told to nobody */
	" audit AS (INSERT INTO audit_entry (" AUDIT_COLUMNS ")"
	"  SELECT (e.row->>'id')::uuid, e.row->>'actor_kind', e.row->>'actor_id', e.row->>'actor_role', e.row->>'action',"
	"   e.row->>'subject_kind', told.id, e.row->>'request_id', (e.row->>'key_id')::integer, NULL, NULL"
	"  FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e (row, n) JOIN told ON told.n = e.n)"
	" SELECT t.honour, t.id, t.number, t.birth_year, t.unit_id, t.family_id, t.ladder, t.step, t.bar, t.reached_on, t.state, t.document,"
	"  t.approved_on, t.handed_on, t.given_by, t.wrap_key_id, t.wrapped_key, t.sealed, t.agreed, u.full_name"
	"  FROM t LEFT JOIN unit AS u ON u.id = t.unit_id ORDER BY t.ladder, t.bar DESC, t.honour"
};
enum { NAME_HONOUR, NAME_DONOR, NAME_NUMBER, NAME_YEAR, NAME_UNIT, NAME_FAMILY, NAME_LADDER, NAME_STEP, NAME_BAR, NAME_REACHED,
       NAME_STATE, NAME_DOCUMENT, NAME_APPROVED, NAME_HANDED, NAME_GIVEN_BY, NAME_WRAP_KEY, NAME_WRAPPED, NAME_SEALED, NAME_AGREED,
       NAME_UNIT_NAME };

static bool read_name(struct honour_name *name, const struct honour_names *names, const struct db_result *result, int row,
		      struct error *err)
{
	struct honour *honour = &name->honour;
	struct donor_record record = { 0 };
	struct arena *arena = names->arena;

	*name = (struct honour_name){ .birth_year = row_int(result, row, NAME_YEAR, 0), .agreed = db_bool(result, row, NAME_AGREED),
				      .unit_name = row_text(arena, result, row, NAME_UNIT_NAME) };
	row_uuid(result, row, NAME_HONOUR, honour->id);
	row_uuid(result, row, NAME_DONOR, record.donor.id);
	if (!donor_read_sealed(&record, names->store, arena, result, row, NAME_WRAP_KEY, err))
		return false;
	name->name = record.donor.name;
	honour->donor_id = row_text(arena, result, row, NAME_DONOR);
	honour->donor_number = row_text(arena, result, row, NAME_NUMBER);
	honour->unit_id = row_text(arena, result, row, NAME_UNIT);
	honour->family_id = row_text(arena, result, row, NAME_FAMILY);
	(void)honour_ladder_parse(db_text(result, row, NAME_LADDER), &honour->ladder);
	honour->step = row_text(arena, result, row, NAME_STEP);
	honour->bar = row_int(result, row, NAME_BAR, 0);
	honour->reached_on = row_date(result, row, NAME_REACHED);
	(void)honour_state_parse(db_text(result, row, NAME_STATE), &honour->state);
	honour->document = row_text(arena, result, row, NAME_DOCUMENT);
	honour->approved_on = row_date(result, row, NAME_APPROVED);
	honour->handed_on = row_date(result, row, NAME_HANDED);
	honour->given_by = row_text(arena, result, row, NAME_GIVEN_BY);
	return true;
}

/* It is told in a header, which has its bounds. */
enum { LEFT_OUT_TOLD_MAX = 100 };

static void leave_out(struct honour_names *names, const struct db_result *result, int row, int count)
{
	const char *number = db_text(result, row, NAME_NUMBER);

	if (!names->left_out)
		names->left_out = arena_strdup(names->arena, number);
	else if (count < LEFT_OUT_TOLD_MAX)
		names->left_out = arena_printf(names->arena, "%s, %s", names->left_out, number);
	else if (count == LEFT_OUT_TOLD_MAX)
		names->left_out = arena_printf(names->arena, "%s, ...", names->left_out);
}

static void read_names(struct honour_names *names, const struct db_result *result, int rows)
{
	int left_out = 0;

	names->names = arena_alloc(names->arena, ((size_t)rows + 1) * sizeof(*names->names));
	names->nnames = 0;
	for (int i = 0; i < rows; i++) {
		struct error err;

		error_clear(&err);
		if (read_name(&names->names[names->nnames], names, result, i, &err))
			names->nnames++;
		else
			leave_out(names, result, i, left_out++);
	}
	if (left_out > 0 && names->nnames == 0)
		error_set(&names->error, ERR_UNAVAILABLE,
			  "None of the names of this list opens here. Tell the administrator: giothong doctor names what is missing.",
			  "Không mở được tên nào trong danh sách này. Hãy báo người quản trị: giothong doctor sẽ nêu phần thiếu.");
}

static void names_on_done(struct db_query *query, const struct db_result *result)
{
	struct honour_names *names = container_of(query, struct honour_names, query);

	if (result_ok(result, &names->error)) {
		int rows = db_rows(result);

		names->more = rows > HONOUR_NAMES_MAX;
		read_names(names, result, names->more ? HONOUR_NAMES_MAX : rows);
	}
	names->done(names);
}

void honour_names_send(struct store *store, struct honour_names *names)
{
	struct db_query *query = &names->query;
	struct audit audit;

	names->store = store;
	query_begin(query, &names_statement, DB_WRITE, names_on_done);
	audit_begin(&audit, store, &names->actor);
	for (int i = 0; i <= HONOUR_NAMES_MAX; i++)      /* one for each that may be found */
		audit_add_reading(&audit, "honour.ceremony", "donor", "", NULL);
	query_text(query, audit_end(&audit, names->arena));
	query_text(query, honour_state_text(names->state));
	query_text(query, names->ladder);
	if (names->units)
		query_texts(query, names->arena, names->units, names->nunits);
	else
		query_text(query, NULL);
	query_int(query, names->arena, HONOUR_NAMES_MAX + 1);
	query_bool(query, names->published);
	db_send(store->db, query);
}
