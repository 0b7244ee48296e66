#include "api/person.h"

#include "api/private.h"
#include "api/request.h"

struct person_record {
	struct person_load *person;
	struct donor_load   load;
};

static bool goes_on(struct person_load *load, const struct error *err)
{
	if (err->code == ERR_NONE)
		return true;
	load->error = *err;
	load->done(load);
	return false;
}

static void on_facts(struct facts_load *facts)
{
	struct person_load *load = container_of(facts, struct person_load, facts);

	if (goes_on(load, &facts->error))
		load->done(load);
}

static void ask_next(struct person_load *load);

static void on_record(struct donor_load *record)
{
	struct person_load *load = container_of(record, struct person_record, load)->person;

	if (!goes_on(load, &record->error))
		return;
	load->records[load->nrecords++] = &record->record;
	ask_next(load);
}

static void ask_next(struct person_load *load)
{
	struct store *store = api_store(load->r->api);
	const struct donor_record *head = load->record;
	size_t asked = load->nrecords - 1;

	if (asked < head->nmerged) {
		struct person_record *part = &load->parts[asked];

		part->person = load;
		part->load = (struct donor_load){ .key = head->merged[asked], .exact = true,
						  .arena = load->r->arena, .done = on_record };
		donor_load_send(store, &part->load);
		return;
	}
	load->facts = (struct facts_load){ .key = head->donor.id, .arena = load->r->arena, .done = on_facts };
	facts_load_send(store, &load->facts);
}

void person_load_start(struct person_load *load)
{
	size_t count = load->record->nmerged;

	error_clear(&load->error);
	load->parts = arena_alloc(load->r->arena, (count + 1) * sizeof(*load->parts));
	load->records = arena_alloc(load->r->arena, (count + 1) * sizeof(const struct donor_record *));
	load->records[0] = load->record;
	load->nrecords = 1;
	ask_next(load);
}
