#include "base/error.h"
#include "domain/round.h"
#include "store/catalog_store.h"
#include "store/failure.h"
#include "store/row.h"

/*
 * One element or value for each that was asked for; what is not there is ''.
 * $1: campaigns, slugs or ids; $2: a team, code or id; $3: a venue, whose unit is wanted.
 */
static const struct db_statement resolve = {
	"SELECT ARRAY(SELECT coalesce((SELECT id::text FROM campaign WHERE slug = key OR id::text = lower(key)"
	"   ORDER BY slug = key DESC LIMIT 1), '')"
	"  FROM unnest($1::text[]) WITH ORDINALITY AS wanted (key, position) ORDER BY position),"
	" coalesce((SELECT id::text FROM team WHERE code = $2 OR id::text = lower($2)"
	"  ORDER BY code = $2 DESC LIMIT 1), ''),"
	" (SELECT unit_id FROM venue WHERE id = $3::uuid)"
};

static void fail_campaign(struct catalog_resolve *op, size_t i)
{
	error_add_field(&op->error, arena_printf(op->arena, "/campaigns/%zu", i), "not_found",
			"There is no such campaign. Look it up in the list of campaigns, or add it first.",
			"Không có chiến dịch này. Hãy xem danh sách chiến dịch hoặc thêm mới trước.");
}

static void fail_team(struct catalog_resolve *op)
{
	error_add_field(&op->error, "/team", "not_found",
			"There is no such team. Look it up in the list of teams, or add it first.",
			"Không có đội này. Hãy xem danh sách đội hoặc thêm mới trước.");
}

static void take_campaigns(struct catalog_resolve *op, const struct db_result *result)
{
	size_t count;
	const char **ids = row_texts(op->arena, result, 0, 0, &count);

	for (size_t i = 0; i < op->ncampaigns && i < count; i++) {
		op->campaigns[i] = (struct named){ .id = ids[i] };
		if (!*ids[i])
			fail_campaign(op, i);
	}
}

static void take_team(struct catalog_resolve *op, const struct db_result *result)
{
	*op->team = (struct named){ .id = row_text(op->arena, result, 0, 1) };
	if (!*op->team->id)
		fail_team(op);
}

static void resolve_on_done(struct db_query *query, const struct db_result *result)
{
	struct catalog_resolve *op = container_of(query, struct catalog_resolve, query);

	if (result_ok(result, &op->error)) {
		take_campaigns(op, result);
		if (op->team && op->team->id)
			take_team(op, result);
		op->venue_unit = row_text(op->arena, result, 0, 2);
	}
	op->done(op);
}

void catalog_resolve_send(struct store *store, struct catalog_resolve *op)
{
	const char **keys = arena_alloc(op->arena, (op->ncampaigns + 1) * sizeof(*keys));

	for (size_t i = 0; i < op->ncampaigns; i++)
		keys[i] = op->campaigns[i].id;
	query_begin(&op->query, &resolve, DB_READ, resolve_on_done);
	query_texts(&op->query, op->arena, keys, op->ncampaigns);
	query_text(&op->query, op->team ? op->team->id : NULL);
	query_text(&op->query, op->venue ? uuid_or_nil(op->venue) : NULL);
	db_send(store->db, &op->query);
}
