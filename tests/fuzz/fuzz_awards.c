#include <jansson.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "domain/certificate.h"
#include "domain/honour.h"
#include "domain/tariff.h"
#include "fuzz/fuzz.h"
#include "wire/certificate_wire.h"
#include "wire/family_wire.h"
#include "wire/gift_wire.h"
#include "wire/honour_wire.h"
#include "wire/tariff_wire.h"

/*
 * What donors receive, and what is asked about it: bodies of certificates, redemptions, gifts, honours and families, the files of
 * tariffs and ladders, and what a verifier without a daemon has saved. The first letter chooses the reader.
 *
 * Oracle: what is refused is refused in both languages, at UTF-8 pointers. What is taken is within its bounds. A tariff that
 * is taken says of each component and volume what is owed or why not; ladders that are taken are written as JSON, reach
 * their steps from the lowest up, each once, with as many donations as its bar, and change nothing against themselves.
 */
static const struct date today = { 2025, 7, 15 };

/* ---- certificates ---- */

static void fuzz_certificate_body(unsigned kind, const char *body, size_t len, struct arena *arena)
{
	struct issuing_body_body issuing;
	struct certificate_print_body print;
	struct certificate_question question;
	struct certificate_key_body key;
	struct redemption_body redemption;
	const char *text = NULL;
	struct error err;
	bool fine;

	error_clear(&err);
	switch (kind) {
	case 'i':
		fine = issuing_body_read(body, len, today, arena, &issuing, &err);
		FUZZ_CHECK(!fine || (issuer_code_valid(issuing.code) && !date_is_none(issuing.valid_from)), "%s", body);
		break;
	case 's':
		fine = certificate_issue_read(body, len, arena, &text, &err);
		FUZZ_CHECK(!fine || !text || issuer_code_valid(text), "%s", body);
		break;
	case 'p':
	case 'P':
		fine = certificate_print_read(body, len, kind == 'P', arena, &print, &err);
		FUZZ_CHECK(!fine || ((streq(print.form, "whole") || streq(print.form, "preprinted")) &&
				     (kind == 'p' || !print.paper_serial || paper_serial_digits(print.paper_serial) > 0)), "%s", body);
		break;
	case 'v':
		fine = certificate_void_read(body, len, arena, &text, &err);
		FUZZ_CHECK(!fine || certificate_void_reason_valid(text), "%s", body);
		break;
	case 'r':
		fine = redemption_read(body, len, arena, &redemption, &err);
		FUZZ_CHECK(!fine || (redemption.ml >= 1 && (unsigned)redemption.source < CLAIM_SOURCE_COUNT &&
				     (!redemption.id || uuid_valid(redemption.id))), "%s", body);
		break;
	case 'q':
		fine = certificate_question_read(body, len, arena, &question, &err);
		FUZZ_CHECK(!fine || (!!question.text + !!question.code + !!question.number == 1 &&
				     !question.name == date_is_none(question.birth_date)), "%s", body);
		break;
	default:
		fine = certificate_key_read(body, len, arena, &key, &err);
		FUZZ_CHECK(!fine || ((!*key.issuer || issuer_code_valid(key.issuer)) && key.year >= CERTIFICATE_YEAR_MIN &&
				     key.year <= CERTIFICATE_YEAR_MAX), "%s", body);
	}
	if (!fine)
		fuzz_check_refusal(&err);
}

static void fuzz_published(unsigned kind, const char *body, size_t len, struct arena *arena)
{
	struct published_key *keys = NULL;
	const char *text = NULL;
	struct error err;
	size_t count = 0;

	error_clear(&err);
	if (kind == 'K' ? !published_keys_read(body, len, arena, &keys, &count, &err)
			: !published_revocations_read(body, len, arena, &text, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK(keys[i].use, "key %zu", i);   /* what a key without a body signed is nobody's */
	FUZZ_CHECK(kind == 'K' || text_valid_utf8(text, strlen(text)), "text");
}

/* ---- gifts ---- */

static void fuzz_gift(const char *body, size_t len, struct arena *arena)
{
	struct gift gift = { 0 };
	const char *donor;
	struct error err;

	error_clear(&err);
	if (!gift_read(body, len, today, arena, &gift, &donor, &err) || !gift_check(&gift, date_add_days(today, -3), today, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(gift.vnd >= 0 && gift.vnd <= GIFT_VND_MAX && (gift.vnd > 0 || gift.corrects) && *donor, "%s", body);
}

static void fuzz_tariff(const char *text, size_t len, struct arena *arena)
{
	static const int volumes[] = { -1, 0, 1, 250, 349, 350, 450, 650, 1000 };
	struct tariff tariff;
	struct error err;

	error_clear(&err);
	if (!tariff_read(text, len, arena, &tariff, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	for (int component = 0; component < COMPONENT_COUNT; component++)
		for (size_t i = 0; i < 4 * ARRAY_SIZE(volumes); i++) {
			const struct gift_donation donation = {
				.component = (enum component)component, .volume_ml = volumes[i / 4], .stopped = i & 1,
				.on = date_add_days(today, i & 2 ? -1000 : 0),
			};
			struct entitlement owed = tariff_entitlement(&tariff, &donation);

			FUZZ_CHECK((owed.state == ENTITLED) == (owed.rule != NULL), "state %d", (int)owed.state);
			FUZZ_CHECK(owed.vnd >= 0 && (owed.state == ENTITLED || owed.vnd == 0), "%lld", (long long)owed.vnd);
		}
}

/* ---- honours ---- */

enum { DONATIONS = 40 };

static void give_donations(struct honour_donation donations[DONATIONS])
{
	for (int i = 0; i < DONATIONS; i++) {
		donations[i] = (struct honour_donation){
			.component = i % 7 == 3 ? COMPONENT_PLATELETS : COMPONENT_WHOLE_BLOOD, .volume_ml = i % 5 == 4 ? -1 : 350,
			.on = date_add_days(today, 90 * (i - DONATIONS)), .evidence = i % 9 == 8 ? DONATION_DECLARED : DONATION_CONFIRMED,
			.stopped = i % 11 == 10,
		};
		snprintf(donations[i].id, sizeof(donations[i].id), "00000000-0000-7000-8000-0000000000%02x", (unsigned)i);
	}
}

static void check_ladder(const struct honour_rules *rules, enum honour_ladder ladder, bool mountain, struct arena *arena)
{
	struct honour_reached *reached = arena_alloc(arena, (rules->nsteps + 1) * sizeof(*reached));
	struct honour_donation donations[DONATIONS];
	struct honour_change changes[HONOUR_CHANGES_MAX];
	struct honour_reached *scratch = arena_alloc(arena, (2 * rules->nsteps + 1) * sizeof(*scratch));
	struct honour_tally tally;
	size_t count;

	give_donations(donations);
	count = honour_reached(rules, ladder, mountain, donations, DONATIONS, today, reached, &tally);
	FUZZ_CHECK(tally.counted <= DONATIONS && tally.declared + tally.confirmed == DONATIONS, "%d", tally.counted);
	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(reached[i].step->ladder == ladder && reached[i].bar >= 1 && reached[i].bar <= tally.counted,
			   "%s at %d of %d", reached[i].step->rule.id, reached[i].bar, tally.counted);
		FUZZ_CHECK(i == 0 || reached[i - 1].bar <= reached[i].bar, "%s", reached[i].step->rule.id);
		for (size_t k = 0; k < i; k++)
			FUZZ_CHECK(!streq(reached[k].step->rule.id, reached[i].step->rule.id), "%s", reached[i].step->rule.id);
	}
	FUZZ_CHECK(honour_ladders_alike(rules, rules, ladder), "not like itself");
	FUZZ_CHECK(honour_compare(rules, rules, ladder, mountain ? "x" : NULL, donations, DONATIONS, today, NULL, 0, scratch, changes) == 0,
		   "changes against itself");
}

static void fuzz_ladders(const char *text, size_t len, struct arena *arena)
{
	struct honour_rules rules;
	struct buf shown = { 0 };
	json_error_t fault;
	struct error err;
	json_t *object;

	error_clear(&err);
	if (!honour_rules_read(text, len, arena, &rules, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	honour_rules_write(&(struct json_out){ .buf = &shown }, NULL, &rules, LANGUAGE_VI);
	object = json_loadb(shown.data, shown.len, JSON_REJECT_DUPLICATES, &fault);
	FUZZ_CHECK(object, "%s: %s", fault.text, shown.data);
	json_decref(object);
	buf_release(&shown);
	for (int ladder = 0; ladder < 2 * LADDER_COUNT; ladder++)
		check_ladder(&rules, (enum honour_ladder)(ladder / 2), ladder % 2, arena);
}

static void fuzz_wish(const char *body, size_t len, struct arena *arena)
{
	struct honour_wish wish;
	struct error err;

	error_clear(&err);
	if (!honour_wish_read(body, len, today, arena, &wish, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(!wish.donor != !wish.family && date_compare(wish.as_of, today) <= 0, "%s", body);
}

static void fuzz_say(enum honour_verb verb, const char *body, size_t len, struct arena *arena)
{
	static const struct honour honour = { .state = HONOUR_APPROVED, .as_of = { 2025, 1, 1 }, .approved_on = { 2025, 2, 1 },
					      .ladder = LADDER_INDIVIDUAL, .step = "individual.5" };
	struct honour_say say;
	struct error err;

	error_clear(&err);
	if (!honour_say_read(body, len, verb, today, arena, &say, &err) || !honour_say_check(&honour, verb, &say, today, &err))
		fuzz_check_refusal(&err);
	else
		FUZZ_CHECK(!say.reason || honour_reason_valid(say.reason), "%s", body);
}

static void fuzz_family(bool changes, const char *body, size_t len, struct arena *arena)
{
	struct family_wish wish = { 0 };
	struct error err;

	error_clear(&err);
	if (!(changes ? family_change_read(body, len, arena, &wish, &err) : family_wish_read(body, len, today, arena, &wish, &err)) ||
	    !family_wish_fits(&wish, date_add_days(today, -100), today, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(date_is_none(wish.consent_on) || date_compare(wish.consent_on, today) <= 0, "%s", body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = fuzz_byte(&data, &size);
	char *body = fuzz_rest(data, size);
	struct arena arena;

	arena_init(&arena);
	if (strchr("ispPvrqk", (int)kind) && kind)
		fuzz_certificate_body(kind, body, size, &arena);
	else if (kind == 'K' || kind == 'R')
		fuzz_published(kind, body, size, &arena);
	else if (kind == 'g')
		fuzz_gift(body, size, &arena);
	else if (kind == 'T')
		fuzz_tariff(body, size, &arena);
	else if (kind == 'L')
		fuzz_ladders(body, size, &arena);
	else if (kind == 'w')
		fuzz_wish(body, size, &arena);
	else if (kind == 'f' || kind == 'F')
		fuzz_family(kind == 'F', body, size, &arena);
	else if (kind >= '0' && kind < '0' + HONOUR_VERB_COUNT)
		fuzz_say((enum honour_verb)(kind - '0'), body, size, &arena);
	arena_release(&arena);
	free(body);
	return 0;
}
