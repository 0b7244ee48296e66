#include "api/certificates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "paper/bundle.h"
#include "wire/certificate_wire.h"

/*
 * Certificates: issued, read, printed, made void. Nothing here tells whose they are but the paper itself; whoever gets that has
 * opened it, and the audit says so. A PDF that is read is a copy; a print is asked for, and the first one is the original.
 */

struct certificate_op {
	struct request                *r;
	struct certificate_prepare     prepare;
	struct certificate_issue       issue;
	struct certificate_load        load;
	struct certificate_open_pages  open;
	struct certificate_void        makes_void;
	struct certificate_print_body  form;
	struct print_job               print;
	const char                    *issuer, *reason;
	struct certificate_number      number;
	int                            status;
	void                         (*then)(struct certificate_op *op);
};

struct actor request_reader(const struct request *r)
{
	struct actor actor = r->actor;

	actor.request_id = http_request_id(r->x);
	return actor;
}

/* ---- what goes out ---- */

void redemption_write(struct json_out *out, const char *key, const struct redemption *entry)
{
	jout_object(out, key);
	jout_text(out, "id", entry->id);
	jout_text(out, "kind", redemption_kind_text(entry->kind));
	jout_int(out, "ml", entry->ml);
	jout_text(out, "source", claim_source_text(entry->source));
	jout_text(out, "facility", entry->facility);
	jout_date(out, "used_on", entry->used_on);
	jout_text(out, "of", *entry->of ? entry->of : NULL);
	jout_time(out, "entered_at", entry->entered_us);
	jout_bool(out, "open", entry->kind == REDEMPTION_CLAIM && !entry->answered);
	jout_bool(out, "answered", entry->answered);
	jout_end(out);
}

void certificate_write(struct json_out *out, const char *key, const struct certificate *c)
{
	char number[CERTIFICATE_NUMBER_SIZE];

	jout_object(out, key);
	jout_text(out, "id", c->id);
	jout_text(out, "number", certificate_number_format(&c->number, number));
	jout_text(out, "issuer", c->number.issuer);
	jout_text(out, "donation", c->donation_id);
	jout_text(out, "round", c->round);
	jout_text(out, "status", certificate_status_text(certificate_status_of(&c->facts)));
	jout_int(out, "volume_ml", c->facts.volume_ml);
	jout_int(out, "redeemed_ml", c->facts.redeemed_ml);
	jout_int(out, "balance_ml", certificate_balance(&c->facts));
	jout_text(out, "component", component_text(c->component));
	jout_date(out, "donated_on", c->facts.donated_on);
	jout_date(out, "issued_on", c->facts.issued_on);
	jout_bool(out, "donation_counts", c->counts);
	jout_bool(out, "names_donor", c->names_donor);
	jout_int(out, "prints", c->prints);
	jout_text(out, "paper_serial", c->paper_serial);
	jout_text(out, "void_reason", c->void_reason);
	jout_time(out, "voided_at", c->voided_us);
	jout_array(out, "redemptions");
	for (size_t i = 0; i < c->nledger; i++)
		redemption_write(out, NULL, &c->ledger[i]);
	jout_end(out);
	jout_end(out);
}

bool request_certificate_number(struct request *r, struct certificate_number *out)
{
	enum certificate_fault fault = certificate_number_parse(request_param(r, "number"), out);
	struct error err;

	if (fault == CERTIFICATE_FINE)
		return true;
	error_clear(&err);
	if (fault == CERTIFICATE_MISTYPED)
		error_set(&err, ERR_NOT_FOUND, "The check character of this number does not fit: look at the paper again.",
			  "Ký tự kiểm tra của số này không khớp: hãy xem lại giấy.");
	else
		error_set(&err, ERR_NOT_FOUND, "This is no number of a certificate. One looks like LC26-000123-B.",
			  "Đây không phải số giấy chứng nhận. Số có dạng LC26-000123-B.");
	request_reply_error(r, &err);
	return false;
}

bool request_may_certify(struct request *r, const char **units, size_t nunits, struct date on, const char *team)
{
	struct named *named = arena_alloc(r->arena, (nunits + 1) * sizeof(*named));

	/* Who reads it anywhere needs no round of their own. */
	if (r->route->mode == ACCESS_READ && access_decide(r->principal.role, r->route->area, ACCESS_READ) == ACCESS_YES)
		return true;
	for (size_t i = 0; i < nunits; i++)
		named[i] = (struct named){ units[i], NULL };
	return request_may_write(r, named, nunits, on, team);
}

bool request_demand_key(struct request *r, struct idempotency *idempotency)
{
	struct error err;

	if (!request_idempotency(r, idempotency))
		return false;
	if (idempotency->key)
		return true;
	error_clear(&err);
	error_set(&err, ERR_BAD_REQUEST,
		  "Send an Idempotency-Key: there is one original, and with the same key it is had again when the answer is lost.",
		  "Hãy gửi Idempotency-Key: bản gốc chỉ có một, và với cùng khóa sẽ lấy lại được khi mất câu trả lời.");
	request_reply_error(r, &err);
	return false;
}

bool request_phone_may(struct request *r, enum round_status status, bool issues)
{
	struct error err;

	error_clear(&err);
	if (!r->principal.device || certificate_check_phone(status, issues, &err))
		return true;
	request_reply_error(r, &err);
	return false;
}

static void reply_certificate(struct certificate_op *op)
{
	struct request *r = op->r;
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };
	char number[CERTIFICATE_NUMBER_SIZE];

	certificate_write(&out, NULL, &op->load.certificate);
	if (op->status == 201)
		http_add_header(r->x, "Location", arena_printf(r->arena, "/api/v1/certificates/%s",
							       certificate_number_format(&op->load.certificate.number, number)));
	request_reply_json(r, op->status, buf, NULL);
}

static void on_loaded(struct certificate_load *load)
{
	struct certificate_op *op = container_of(load, struct certificate_op, load);

	if (load->error.code == ERR_NONE)
		op->then(op);
	else if (op->status == 201)
		request_reply_unread(op->r, &load->error);
	else
		request_reply_error(op->r, &load->error);
}

static void load_by(struct certificate_op *op, const struct certificate_number *number, const char *id,
		    void (*then)(struct certificate_op *op))
{
	op->then = then;
	op->load = (struct certificate_load){ .number = number, .id = id, .arena = op->r->arena, .done = on_loaded };
	certificate_load_send(api_store(op->r->api), &op->load);
}

static struct certificate_op *op_new(struct request *r)
{
	struct certificate_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->status = 200;
	return op;
}

/* ---- POST /donations/{id}/certificate ---- */

static void tell_issued(void *context, const char *id)
{
	struct certificate_op *op = context;

	op->status = 201;
	load_by(op, NULL, arena_strdup(op->r->arena, id), reply_certificate);
}

static void refuse_issue(struct certificate_op *op, const struct error *err)
{
	request_refuse_create(op->r, err, "certificate", tell_issued, op);
}

static void issue_on_issued(struct certificate_issue *issue)
{
	struct certificate_op *op = container_of(issue, struct certificate_op, issue);

	if (issue->error.code != ERR_NONE)
		refuse_issue(op, &issue->error);
	else
		tell_issued(op, issue->idempotency.replayed ? issue->idempotency.resource_id : op->prepare.candidates[0].id);
}

static bool check_candidate(const struct certificate_prepare *prepare, struct error *err)
{
	char number[CERTIFICATE_NUMBER_SIZE];

	if (prepare->existing.ordinal) {
		error_set(err, ERR_ALREADY_EXISTS, "This donation has a certificate: %s. Print that one again, or make it void first.",
			  "Lần hiến này đã có giấy chứng nhận %s. Hãy in lại giấy đó hoặc hủy trước.",
			  certificate_number_format(&prepare->existing, number));
		return false;
	}
	if (!certificate_check_donation(&prepare->candidates[0].donation, err))
		return false;
	if (!*prepare->issuing.body.code)
		return error_add_field(err, "/issuer", "not_found",
				       "Name an issuing body that has been entered (GET /api/v1/issuing-bodies).",
				       "Ghi mã nơi cấp đã khai báo (GET /api/v1/issuing-bodies).");
	return true;
}

static void issue_on_prepared(struct certificate_prepare *prepare)
{
	struct certificate_op *op = container_of(prepare, struct certificate_op, prepare);
	struct certificate_issue *issue = &op->issue;
	struct request *r = op->r;
	struct error err;

	if (prepare->error.code != ERR_NONE) {
		request_reply_error(r, &prepare->error);
		return;
	}
	if (!request_may_certify(r, prepare->round_units, prepare->nround_units, prepare->round_on, prepare->team) ||
	    !request_phone_may(r, prepare->round_status, true))
		return;
	error_clear(&err);
	if (!check_candidate(prepare, &err)) {
		refuse_issue(op, &err);
		return;
	}
	if (!request_idempotency(r, &issue->idempotency))
		return;
	issue->of = prepare;
	issue->actor = r->actor;
	issue->arena = r->arena;
	issue->done = issue_on_issued;
	certificate_issue_send(api_store(r->api), issue);
}

static void issue_with_units(struct request *r)
{
	struct certificate_op *op = r->own;

	op->prepare = (struct certificate_prepare){
		.donation_id = request_param(r, "id"), .issuer = op->issuer, .today = r->today, .units = api_units(r->api),
		.arena = r->arena, .done = issue_on_prepared,
	};
	certificate_prepare_send(api_store(r->api), &op->prepare);
}

static void issue_start(struct request *r)
{
	struct certificate_op *op = op_new(r);
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	r->own = op;
	error_clear(&err);
	if (!certificate_issue_read(body, len, r->arena, &op->issuer, &err))
		request_reply_error(r, &err);
	else
		request_with_units(r, issue_with_units);
}

/* ---- GET /certificates/{number} ---- */

static void read_start(struct request *r)
{
	struct certificate_op *op = op_new(r);

	if (request_certificate_number(r, &op->number))
		load_by(op, &op->number, NULL, reply_certificate);
}

/* ---- paper ---- */

/* Where it lies and why it cannot be read is for the log: who asks for a print need not know. */
static bool read_file(const char *path, struct buf *out, struct error *err)
{
	enum { FORM_MAX = 65536 };
	FILE *file = fopen(path, "rbe");
	size_t got = file ? fread(buf_reserve(out, FORM_MAX + 1), 1, FORM_MAX + 1, file) : 0;
	bool fine = file && !ferror(file) && got <= FORM_MAX;

	if (fine) {
		out->len = got;
		out->data[got] = '\0';
	} else {
		log_error("certificate_form_unreadable", "path=%s why=%s", path,
			  got > FORM_MAX ? "larger than 64 KiB" : strerror(errno));
		error_set(err, ERR_INTERNAL, "The form of certificates cannot be read. Tell the administrator: the log says why.",
			  "Không đọc được mẫu giấy chứng nhận. Hãy báo người quản trị: nhật ký có ghi lý do.");
	}
	if (file)
		fclose(file);
	return fine;
}

static bool load_form(const struct print_job *print, struct form *form, struct error *err)
{
	struct buf text = { 0 };
	bool fine;

	if (!*print->form_path)
		return form_parse(form_builtin(print->kind), form, err);
	fine = read_file(print->form_path, &text, err) && form_parse(text.data, form, err);
	buf_release(&text);
	return fine;
}

static bool draw_page(struct paper *paper, const struct form *form, const struct print_job *print,
		      const struct certificate_page *page, struct error *err)
{
	const char *words[CERTIFICATE_FIELD_COUNT];
	struct buf text = { 0 };
	struct arena arena;
	bool fine;

	arena_init(&arena);
	certificate_words(&page->content, print->copies || page->print != 1, &arena, words);
	fine = certificate_seal(print->r->api->worker->keyring, &page->key, &page->envelope, &text) &&
	       paper_add(paper, form, words, text.data, err);
	if (!fine && err->code == ERR_NONE)
		error_set(err, ERR_UNAVAILABLE, "The key that signs certificates is not at hand here.",
			  "Khóa ký giấy chứng nhận không có ở đây.");
	buf_release(&text);
	arena_release(&arena);
	return fine;
}

static bool draw_pages(struct print_job *print, const struct form *form, size_t from, size_t to, struct buf *out)
{
	struct paper *paper = paper_new(&print->error);
	bool fine = paper != NULL;

	for (size_t i = from; i < to && fine; i++)
		fine = draw_page(paper, form, print, &print->pages[i], &print->error);
	fine = fine && paper_finish(paper, out, &print->error);
	paper_free(paper);
	return fine;
}

static bool pack_pages(struct print_job *print, const struct form *form)
{
	struct bundle *bundle = bundle_new(&print->error);
	bool fine = bundle != NULL;

	for (size_t i = 0; i < print->npages && fine; i++) {
		char number[CERTIFICATE_NUMBER_SIZE], name[CERTIFICATE_NUMBER_SIZE + 4];
		struct buf pdf = { 0 };

		snprintf(name, sizeof(name), "%s.pdf", certificate_number_format(&print->pages[i].content.number, number));
		fine = draw_pages(print, form, i, i + 1, &pdf) && bundle_add(bundle, name, &pdf, &print->error);
		buf_release(&pdf);
	}
	fine = fine && bundle_finish(bundle, &print->bytes, &print->error);
	bundle_free(bundle);
	return fine;
}

/* In the pool: nothing but the job is touched, and the keyring, which all threads may read. */
static void print_work(struct pool_job *job)
{
	struct print_job *print = container_of(job, struct print_job, job);
	struct form form;

	if (!load_form(print, &form, &print->error))
		return;
	if (print->zip)
		(void)!pack_pages(print, &form);
	else
		(void)!draw_pages(print, &form, 0, print->npages, &print->bytes);
}

static void print_done(struct pool_job *job)
{
	struct print_job *print = container_of(job, struct print_job, job);
	const struct http_reply reply = {
		.status = 200, .content_type = print->zip ? "application/zip" : "application/pdf",
		.body = print->bytes.data, .body_len = print->bytes.len,
	};

	if (print->error.code == ERR_CONFIG)
		print->error.code = ERR_INTERNAL;
	if (print->error.code != ERR_NONE) {
		buf_release(&print->bytes);
		request_reply_error(print->r, &print->error);
		return;
	}
	if (print->zip)
		http_add_header(print->r->x, "Content-Disposition", "attachment; filename=\"certificates.zip\"");
	/* The reply frees what the job lies in. */
	struct buf bytes = print->bytes;

	http_reply(print->r->x, &reply);
	buf_release(&bytes);
}

void request_reply_pdf(struct print_job *print)
{
	const struct api *api = print->r->api;
	const struct config *config = api->worker->config;
	struct error err;

	print->form_path = print->kind == FORM_PREPRINTED ? config->certificates_preprinted_form : config->certificates_form;
	print->job = (struct pool_job){ .work = print_work, .done = print_done };
	error_clear(&print->error);
	if (pool_send(api->daemon->pool, api->worker, &print->job))
		return;
	error_clear(&err);
	error_set(&err, ERR_UNAVAILABLE, "The service is busy. Ask again in a moment, with the same Idempotency-Key.",
		  "Hệ thống đang bận. Hãy yêu cầu lại sau giây lát với cùng Idempotency-Key.");
	request_reply_error_after(print->r, &err, 1);
}

static void open_on_opened(struct certificate_open_pages *open)
{
	struct certificate_op *op = container_of(open, struct certificate_op, open);

	if (open->error.code != ERR_NONE) {
		request_reply_error(op->r, &open->error);
		return;
	}
	op->print = (struct print_job){ .r = op->r, .pages = open->pages, .npages = open->npages, .kind = op->print.kind,
					.copies = !open->print };
	request_reply_pdf(&op->print);
}

static void open_pages(struct certificate_op *op, bool print)
{
	struct certificate_open_pages *open = &op->open;
	const struct certificate *c = &op->load.certificate;
	struct request *r = op->r;

	if (!request_may_certify(r, c->round_units, c->nround_units, c->round_on, c->team))
		return;
	if (print && !request_demand_key(r, &open->idempotency))
		return;
	open->id = c->id;
	open->subject = certificate_subject(&c->number, r->arena);
	open->print = print;
	open->form = op->form.form;
	open->paper_serial = op->form.paper_serial;
	open->actor = request_reader(r);
	open->arena = r->arena;
	open->done = open_on_opened;
	certificate_open_pages_send(api_store(r->api), open);
}

/* ---- GET /certificates/{number}.pdf ---- */

static void show_on_loaded(struct certificate_op *op)
{
	open_pages(op, false);
}

static void show_with_units(struct request *r)
{
	struct certificate_op *op = r->own;

	load_by(op, &op->number, NULL, show_on_loaded);
}

static void show_start(struct request *r)
{
	struct certificate_op *op = op_new(r);
	struct params params;
	const char *form;
	struct error err;

	r->own = op;
	error_clear(&err);
	if (!params_init(&params, r, &err)) {
		request_reply_error(r, &err);
		return;
	}
	form = params_text(&params, "form");
	if (form && !form_kind_parse(form, &op->print.kind))
		params_fault(&params, "form", "invalid_value", "One of: whole, preprinted.", "Một trong: whole, preprinted.");
	if (!params_finish(&params))
		request_reply_error(r, &err);
	else if (request_certificate_number(r, &op->number))
		request_with_units(r, show_with_units);
}

/* ---- POST /certificates/{number}/prints ---- */

static void print_on_loaded(struct certificate_op *op)
{
	open_pages(op, true);
}

static void print_with_units(struct request *r)
{
	struct certificate_op *op = r->own;

	load_by(op, &op->number, NULL, print_on_loaded);
}

static void print_start(struct request *r)
{
	struct certificate_op *op = op_new(r);
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	r->own = op;
	error_clear(&err);
	if (!certificate_print_read(body, len, false, r->arena, &op->form, &err)) {
		request_reply_error(r, &err);
		return;
	}
	(void)form_kind_parse(op->form.form, &op->print.kind);
	if (request_certificate_number(r, &op->number))
		request_with_units(r, print_with_units);
}

/* ---- POST /certificates/{number}/void ---- */

static void void_on_done(struct certificate_void *v)
{
	struct certificate_op *op = container_of(v, struct certificate_op, makes_void);

	if (v->error.code != ERR_NONE)
		request_reply_error(op->r, &v->error);
	else
		load_by(op, &op->number, NULL, reply_certificate);
}

static void void_on_loaded(struct certificate_op *op)
{
	struct certificate_void *v = &op->makes_void;
	const struct certificate *c = &op->load.certificate;

	if (!request_may_certify(op->r, c->round_units, c->nround_units, c->round_on, c->team))
		return;
	v->of = c;
	v->reason = op->reason;
	v->actor = op->r->actor;
	v->arena = op->r->arena;
	v->done = void_on_done;
	certificate_void_send(api_store(op->r->api), v);
}

static void void_with_units(struct request *r)
{
	struct certificate_op *op = r->own;

	load_by(op, &op->number, NULL, void_on_loaded);
}

static void void_start(struct request *r)
{
	struct certificate_op *op = op_new(r);
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	r->own = op;
	error_clear(&err);
	if (!certificate_void_read(body, len, r->arena, &op->reason, &err))
		request_reply_error(r, &err);
	else if (request_certificate_number(r, &op->number))
		request_with_units(r, void_with_units);
}

const struct route certificate_routes[] = {
	{ HTTP_POST_, "/api/v1/donations/{id}/certificate", AREA_CERTIFICATES, ACCESS_WRITE, issue_start, 0, 0 },
	{ HTTP_GET_, "/api/v1/certificates/{number}", AREA_REDEMPTIONS, ACCESS_READ, read_start, 0, 0 },
	{ HTTP_GET_, "/api/v1/certificates/{number}.pdf", AREA_CERTIFICATE_DESK, ACCESS_READ, show_start,
	  ROUTE_PERSONAL | ROUTE_DONORS, 0 },
	{ HTTP_POST_, "/api/v1/certificates/{number}/prints", AREA_CERTIFICATE_DESK, ACCESS_WRITE, print_start,
	  ROUTE_PERSONAL | ROUTE_DONORS, 0 },
	{ HTTP_POST_, "/api/v1/certificates/{number}/void", AREA_CERTIFICATE_DESK, ACCESS_WRITE, void_start, 0, 0 },
	{ 0 }
};
