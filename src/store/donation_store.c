#include "store/rights_store.h"

#include "base/text.h"
#include "store/failure.h"
#include "store/row.h"

static const struct db_statement list_statement = {
	"SELECT n.id, n.donor_id, n.corrects, n.component, n.volume_ml, n.donated_on, n.evidence, n.source, "
	SQL_MICROS("n.recorded_at") ", n.round_id, n.bag_code, n.outcome,"
	" EXISTS (SELECT FROM donation_counting AS c WHERE c.id = n.id)"
	" FROM donation AS n WHERE n.donor_id = ANY (ARRAY(SELECT $1::uuid"
	"  UNION ALL SELECT m.donor_id FROM donor_alias AS m WHERE m.into_id = $1::uuid))"
	" ORDER BY n.donated_on, n.id"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct donation_list *list = container_of(query, struct donation_list, query);

	if (result_ok(result, &list->error)) {
		list->nrows = (size_t)db_rows(result);
		list->rows = arena_alloc(list->arena, (list->nrows + 1) * sizeof(*list->rows));
		for (int i = 0; i < (int)list->nrows; i++) {
			struct donation_row *row = &list->rows[i];

			row_uuid(result, i, 0, row->id);
			row_uuid(result, i, 1, row->donor_id);
			if (!db_is_null(result, i, 2))
				row_uuid(result, i, 2, row->corrects);
			(void)component_parse(db_text(result, i, 3), &row->component);
			row->volume_ml = row_int(result, i, 4, -1);
			row->donated_on = row_date(result, i, 5);
			row->evidence = row_text(list->arena, result, i, 6);
			row->source = row_text(list->arena, result, i, 7);
			row->recorded_us = row_time(result, i, 8);
			row->round_id = row_text(list->arena, result, i, 9);
			row->bag_code = row_text(list->arena, result, i, 10);
			row->outcome = row_text(list->arena, result, i, 11);
			row->counts = db_bool(result, i, 12);
		}
	}
	list->done(list);
}

void donation_list_send(struct store *store, struct donation_list *list)
{
	query_begin(&list->query, &list_statement, DB_READ, list_on_done);
	query_text(&list->query, list->donor_id);
	db_send(store->db, &list->query);
}
