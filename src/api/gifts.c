#include <stdlib.h>
#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/text.h"
#include "domain/round.h"
#include "domain/tariff.h"
#include "store/donor_store.h"
#include "store/gift_store.h"
#include "store/round_store.h"
#include "wire/gift_wire.h"

/* What donors of a round were handed, what they are owed, and what somebody should look at. */

struct gift_op {
	struct request   *r;
	struct round_load load;
	struct gift_book  book;
	const char       *donor;         /* id or number, as it was sent */
	struct donor_load person;
	struct gift_add   add;
	struct gift_load  again;         /* to answer with what an earlier call made */
};

static const struct tariff *tariff_of(const struct request *r)
{
	return r->api->daemon->tariff;
}

/* ---- the round first ---- */

static struct gift_op *load_round(struct request *r, void (*done)(struct round_load *load))
{
	struct gift_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->load.key = request_param(r, "id");
	op->load.arena = r->arena;
	op->load.done = done;
	round_load_send(api_store(r->api), &op->load);
	return op;
}

/* Whoever may read here, also by a scope that has ended; or write. Answers itself when not. */
static bool is_let_in(struct gift_op *op)
{
	const struct round *round = &op->load.round;
	struct request *r = op->r;

	if (op->load.error.code != ERR_NONE) {
		request_reply_round_error(r, &op->load.error);
		return false;
	}
	if (!request_sees_round(r, round)) {
		request_reply_no_round(r);
		return false;
	}
	if (r->route->mode == ACCESS_READ)
		return request_may_read_of(r, round);
	return access_decide(r->principal.role, r->route->area, r->route->mode) == ACCESS_YES ||
	       request_may_write(r, round->units, round->nunits, round->from, round->team.id);
}

/* ---- exceptions ---- */

static struct gift_handed *handed_of(const struct gift_book_round *round, struct arena *arena)
{
	struct gift_handed *handed = arena_alloc(arena, (round->ngifts + 1) * sizeof(*handed));

	for (size_t i = 0; i < round->ngifts; i++)
		handed[i] = (struct gift_handed){ round->gifts[i].id, round->gifts[i].donor_id, round->gifts[i].kind,
						  round->gifts[i].vnd };
	return handed;
}

static const char *number_of(const struct gift_book_round *round, const char *person)
{
	for (size_t i = 0; person && i < round->ndonations; i++)
		if (streq(round->donations[i].person, person))
			return round->donor_numbers[i];
	for (size_t i = 0; person && i < round->ngifts; i++)
		if (streq(round->gifts[i].donor_id, person))
			return round->gifts[i].donor_number;
	return NULL;
}

static void write_exceptions(struct request *r, struct json_out *out, const char *key, const struct gift_book_round *round)
{
	struct gift_exception *found = arena_alloc(r->arena, gift_exceptions_most(round->ndonations, round->ngifts) *
							     sizeof(*found));
	size_t count = gift_exceptions(tariff_of(r), round->donations, round->ndonations, handed_of(round, r->arena),
				       round->ngifts, found);

	jout_array(out, key);
	for (size_t i = 0; i < count; i++)
		gift_exception_write(out, NULL, &found[i], number_of(round, found[i].person));
	jout_end(out);
}

/* ---- GET /rounds/{id}/gifts ---- */

static void book_on_read(struct gift_book *book)
{
	static const struct gift_book_round empty = { 0 };
	struct gift_op *op = container_of(book, struct gift_op, book);
	const struct gift_book_round *round = book->nrounds > 0 ? &book->rounds[0] : &empty;
	struct json_out out = { .buf = api_scratch(op->r->api) };

	if (book->error.code != ERR_NONE) {
		request_reply_error(op->r, &book->error);
		return;
	}
	jout_object(&out, NULL);
	jout_text(&out, "round", op->load.round.id);
	jout_text(&out, "code", op->load.round.code);
	jout_text(&out, "tariff", tariff_of(op->r)->id);
	jout_array(&out, "donations");
	for (size_t i = 0; i < round->ndonations; i++)
		gift_donation_write(&out, NULL, tariff_of(op->r), &round->donations[i], round->donor_numbers[i]);
	jout_end(&out);
	jout_array(&out, "gifts");
	for (size_t i = 0; i < round->ngifts; i++)
		gift_write(&out, NULL, &round->gifts[i]);
	jout_end(&out);
	write_exceptions(op->r, &out, "exceptions", round);
	jout_end(&out);
	request_reply_json(op->r, 200, out.buf, NULL);
}

static void book_on_loaded(struct round_load *load)
{
	struct gift_op *op = container_of(load, struct gift_op, load);

	if (!is_let_in(op))
		return;
	op->book.round_id = load->round.id;
	op->book.arena = op->r->arena;
	op->book.done = book_on_read;
	gift_book_send(api_store(op->r->api), &op->book);
}

static void book_with_units(struct request *r)
{
	load_round(r, book_on_loaded);
}

static void book_start(struct request *r)
{
	request_with_units(r, book_with_units);
}

/* ---- POST /rounds/{id}/gifts ---- */

static void reply_gift(struct gift_op *op, const struct gift *gift)
{
	struct request *r = op->r;
	struct json_out out = { .buf = api_scratch(r->api) };

	gift_write(&out, NULL, gift);
	http_add_header(r->x, "Location", arena_printf(r->arena, "/api/v1/rounds/%s/gifts", op->load.round.id));
	request_reply_json(r, 201, out.buf, NULL);
}

static void add_on_read_again(struct gift_load *load)
{
	struct gift_op *op = container_of(load, struct gift_op, again);

	if (load->error.code != ERR_NONE)
		request_reply_unread(op->r, &load->error);
	else
		reply_gift(op, &load->gift);
}

static void add_was_made(void *context, const char *id)
{
	struct gift_op *op = context;

	op->again.id = arena_strdup(op->r->arena, id);
	op->again.arena = op->r->arena;
	op->again.done = add_on_read_again;
	gift_load_send(api_store(op->r->api), &op->again);
}

static void refuse_add(struct gift_op *op, const struct error *err)
{
	request_refuse_create(op->r, err, "gift", add_was_made, op);
}

static void add_on_added(struct gift_add *add)
{
	struct gift_op *op = container_of(add, struct gift_op, add);

	if (add->error.code != ERR_NONE)
		refuse_add(op, &add->error);
	else if (add->idempotency.replayed)
		add_was_made(op, add->idempotency.resource_id);
	else
		reply_gift(op, &add->gift);
}

static void add_on_person(struct donor_load *load)
{
	struct gift_op *op = container_of(load, struct gift_op, person);
	struct gift_add *add = &op->add;

	if (load->error.code == ERR_NONE && load->record.donor.erased)
		error_set(&load->error, ERR_ERASED, "The personal data of this donor has been erased.",
			  "Dữ liệu cá nhân của người này đã được xóa.");
	if (load->error.code == ERR_NOT_FOUND) {
		error_clear(&load->error);
		error_add_field(&load->error, "/donor", "not_found", "There is no such donor. Look the donor up first.",
				"Không có người hiến máu này. Hãy tra cứu trước.");
	}
	if (load->error.code != ERR_NONE) {
		refuse_add(op, &load->error);
		return;
	}
	memcpy(add->gift.donor_id, load->record.donor.id, sizeof(add->gift.donor_id));
	memcpy(add->gift.round_id, op->load.round.id, sizeof(add->gift.round_id));
	add->gift.donor_number = load->record.donor.number;
	add->actor = op->r->actor;
	add->arena = op->r->arena;
	add->done = add_on_added;
	gift_add_send(api_store(op->r->api), add);
}

static void add_on_loaded(struct round_load *load)
{
	struct gift_op *op = container_of(load, struct gift_op, load);
	struct request *r = op->r;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	if (!is_let_in(op))
		return;
	error_clear(&err);
	if (!gift_read(body, len, r->today, r->arena, &op->add.gift, &op->donor, &err) ||
	    !gift_check(&op->add.gift, load->round.from, r->today, &err)) {
		refuse_add(op, &err);
		return;
	}
	if (!request_idempotency(r, &op->add.idempotency))
		return;
	op->person.key = op->donor;      /* of anywhere: people come to a round from other communes */
	op->person.arena = r->arena;
	op->person.done = add_on_person;
	donor_load_send(api_store(r->api), &op->person);
}

static void add_with_units(struct request *r)
{
	load_round(r, add_on_loaded);
}

static void add_start(struct request *r)
{
	request_with_units(r, add_with_units);
}

/* ---- GET /gifts/exceptions ---- */

struct review_op {
	struct request  *r;
	struct gift_book book;
};

static int by_person(const void *a, const void *b)
{
	const struct gift_donation *one = a, *two = b;

	return strcmp(one->person, two->person);
}

static int by_donor(const void *a, const void *b)
{
	const struct gift *one = a, *two = b;

	return strcmp(one->donor_id, two->donor_id);
}

/*
 * The averages over all rounds together: what one round spent more another may have spent less. Not of a part of them, which
 * would be by chance.
 */
static void write_averages(struct review_op *op, struct json_out *out)
{
	struct gift_book_round all = { 0 };
	struct gift_exception *found;
	size_t count;

	if (op->book.more) {
		jout_null(out, "averages");
		return;
	}
	for (size_t i = 0; i < op->book.nrounds; i++) {
		all.ndonations += op->book.rounds[i].ndonations;
		all.ngifts += op->book.rounds[i].ngifts;
	}
	all.donations = arena_alloc(op->r->arena, (all.ndonations + 1) * sizeof(*all.donations));
	all.gifts = arena_alloc(op->r->arena, (all.ngifts + 1) * sizeof(*all.gifts));
	all.ndonations = all.ngifts = 0;
	for (size_t i = 0; i < op->book.nrounds; i++) {
		const struct gift_book_round *round = &op->book.rounds[i];

		memcpy(all.donations + all.ndonations, round->donations, round->ndonations * sizeof(*all.donations));
		memcpy(all.gifts + all.ngifts, round->gifts, round->ngifts * sizeof(*all.gifts));
		all.ndonations += round->ndonations;
		all.ngifts += round->ngifts;
	}
	qsort(all.donations, all.ndonations, sizeof(*all.donations), by_person);
	qsort(all.gifts, all.ngifts, sizeof(*all.gifts), by_donor);
	found = arena_alloc(op->r->arena, gift_exceptions_most(all.ndonations, all.ngifts) * sizeof(*found));
	count = gift_exceptions(tariff_of(op->r), all.donations, all.ndonations, handed_of(&all, op->r->arena), all.ngifts,
				found);
	jout_array(out, "averages");
	for (size_t i = 0; i < count; i++)
		if (!found[i].person)
			gift_exception_write(out, NULL, &found[i], NULL);
	jout_end(out);
}

static void review_on_read(struct gift_book *book)
{
	struct review_op *op = container_of(book, struct review_op, book);
	struct json_out out = { .buf = api_scratch(op->r->api) };

	if (book->error.code != ERR_NONE) {
		request_reply_error(op->r, &book->error);
		return;
	}
	jout_object(&out, NULL);
	jout_text(&out, "tariff", tariff_of(op->r)->id);
	jout_array(&out, "rounds");
	for (size_t i = 0; i < book->nrounds; i++) {
		jout_object(&out, NULL);
		jout_text(&out, "round", book->rounds[i].id);
		jout_text(&out, "code", book->rounds[i].code);
		jout_int(&out, "donations", (int64_t)book->rounds[i].ndonations);
		jout_int(&out, "gifts", (int64_t)book->rounds[i].ngifts);
		write_exceptions(op->r, &out, "exceptions", &book->rounds[i]);
		jout_end(&out);
	}
	jout_end(&out);
	write_averages(op, &out);
	jout_bool(&out, "more", book->more);
	jout_end(&out);
	request_reply_json(op->r, 200, out.buf, NULL);
}

static void review_with_units(struct request *r)
{
	struct review_op *op = r->own;

	request_readable_units(r, &op->book.units, &op->book.nunits);
	op->book.arena = r->arena;
	op->book.done = review_on_read;
	gift_book_send(api_store(r->api), &op->book);
}

enum { REVIEW_DAYS_MAX = 366 };

static void review_start(struct request *r)
{
	struct review_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	op->r = r;
	r->own = op;
	error_clear(&err);
	if (!params_init(&params, r, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->book.from = params_date(&params, "from");
	op->book.to = params_date(&params, "to");
	if (date_is_none(op->book.to))
		op->book.to = r->today;
	if (date_is_none(op->book.from))
		op->book.from = date_make(op->book.to.year, 1, 1);
	if (err.code == ERR_NONE && (date_compare(op->book.from, op->book.to) > 0 ||
				     date_days(op->book.to) - date_days(op->book.from) > REVIEW_DAYS_MAX))
		params_fault(&params, "from", "out_of_range", "Ask for at most a year, beginning before its end.",
			     "Mỗi lần xem nhiều nhất một năm, ngày đầu không sau ngày cuối.");
	if (!params_finish(&params))
		request_reply_error(r, &err);
	else
		request_with_units(r, review_with_units);
}

const struct route gift_routes[] = {
	{ HTTP_GET_, "/api/v1/rounds/{id}/gifts", AREA_GIFTS, ACCESS_READ, book_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/gifts", AREA_GIFTS, ACCESS_WRITE, add_start, ROUTE_PERSONAL | ROUTE_DONORS, 0 },
	{ HTTP_GET_, "/api/v1/gifts/exceptions", AREA_GIFT_REVIEW, ACCESS_READ, review_start, ROUTE_PERSONAL, 0 },
	{ 0 }
};
