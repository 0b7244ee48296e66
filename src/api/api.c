#include "api/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/authenticate.h"
#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/config.h"
#include "crypto/donor_seal.h"
#include "crypto/keyring.h"
#include "store/donor_store.h"
#include "store/item_store.h"

static const struct route *const route_tables[] = {
	health_routes, page_routes, round_routes, report_routes, plan_routes,
	unit_routes, catalog_routes, token_routes, audit_routes, sms_routes,
	feed_routes, donor_routes, donor_merge_routes, donor_right_routes, donor_request_routes, donor_export_routes,
	erasure_routes, sync_routes, pack_routes, count_sheet_routes, result_routes, device_routes, held_routes,
	deferral_routes, eligibility_routes, session_routes, user_routes, self_routes,
	gift_routes, honour_routes, honour_list_routes, family_routes,
	issuing_body_routes, certificate_routes, redemption_routes, certificate_check_routes, certificate_round_routes,
	slot_routes, appointment_routes, seat_group_routes,
};

/* ---- from bytes in memory ---- */

/* A public GET whose bytes are at hand is answered before anything else is looked at. */
static bool serve_from_memory(struct request *r)
{
	struct api *api = r->api;
	struct http_ready *ready;

	if (!(r->route->flags & ROUTE_CACHED) || !r->anonymous || !board_fresh(&api->board))
		return false;
	ready = cache_find(&api->cache, http_target(r->x), r->today);
	if (ready) {
		http_reply_ready(r->x, ready);
		return true;
	}
	/* While newer units are on their way, answers are made of the older ones. */
	r->stored_fresh = board_units_current(&api->board);
	r->generation = api->board.generation;
	return false;
}

/* ---- the walk of a request ---- */

static void reply_no_route(struct http_exchange *x, unsigned allowed)
{
	struct error err;
	char allow[64];

	error_clear(&err);
	if (allowed == 0) {
		error_set(&err, ERR_NOT_FOUND, "There is nothing at this path. /openapi.json lists what there is.",
			  "Không có gì ở đường dẫn này. Xem /openapi.json.");
	} else {
		http_allow_text(allowed, allow);
		http_add_header(x, "Allow", allow);
		error_set(&err, ERR_METHOD_NOT_ALLOWED, "This path takes %s.", "Đường dẫn này nhận %s.", allow);
	}
	http_reply_error(x, &err);
}

static void reply_options(struct http_exchange *x, unsigned allowed)
{
	char allow[64];

	http_allow_text(allowed, allow);
	http_add_header(x, "Allow", allow);
	http_reply(x, &(struct http_reply){ .status = 204 });
}

static bool needs_token(const struct route *route)
{
	return access_decide(ROLE_PUBLIC, route->area, route->mode) == ACCESS_NO;
}

static void on_head(struct http_exchange *x, void *owner)
{
	struct api *api = owner;
	struct request *r = http_alloc(x, sizeof(*r));

	http_router_match(api->router, http_method(x), http_path(x), &r->match);
	if (r->match.allowed != 0 && http_method(x) == HTTP_OPTIONS_) {
		reply_options(x, r->match.allowed);
		return;
	}
	if (r->match.route < 0) {
		reply_no_route(x, r->match.allowed);
		return;
	}
	r->x = x;
	r->api = api;
	r->route = api->routes[r->match.route];
	r->arena = http_arena(x);
	r->anonymous = !http_header(x, "authorization") && !session_cookie(r);
	http_set_context(x, r);
	/* AREA_METRICS has a second way in, by address, which authenticate.c knows. */
	if (r->anonymous && needs_token(r->route) && r->route->area != AREA_METRICS) {
		request_reply_unauthenticated(r);
		return;
	}
	if (r->route->body_max)
		http_set_body_max(x, r->route->body_max);
}

/* A body is JSON and says so: a form of a foreign page can never be one. */
static bool body_is_json(const struct request *r, struct error *err)
{
	size_t len;

	http_body(r->x, &len);
	if (len == 0 || r->route->flags & ROUTE_ANY_BODY || request_has_type(r, "application/json"))
		return true;
	error_clear(err);
	return error_set(err, ERR_UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json.",
			 "Hãy gửi nội dung dạng application/json.");
}

/*
 * Without a key that the others use, what they wrote may not be found here and
 * what is written here not there. /readyz tells which and where.
 */
static bool lacks_a_key(const struct request *r)
{
	return !keyring_view(r->api->worker->keyring)->complete && r->route->area != AREA_OPEN &&
	       r->route->area != AREA_METRICS;
}

static void reply_lacks_a_key(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_UNAVAILABLE, "The daemon lacks a key. Nothing was changed. Try again shortly.",
		  "Dịch vụ đang thiếu một khóa. Chưa có gì thay đổi. Hãy thử lại sau ít phút.");
	request_reply_error(r, &err);
}

static void on_request(struct http_exchange *x, void *owner)
{
	struct request *r = http_context(x);
	struct api *api = owner;
	struct error err;

	r->today = clock_today(api->worker->clock);
	if (lacks_a_key(r)) {
		reply_lacks_a_key(r);
		return;
	}
	if (serve_from_memory(r))
		return;
	if (body_is_json(r, &err))
		request_authenticate(r, r->route->start);
	else
		request_reply_error(r, &err);
}

static bool plain_errors(const char *path, void *owner)
{
	(void)owner;
	return text_starts_with(path, "/sms/");
}

static const struct http_app app = {
	.on_head = on_head,
	.on_request = on_request,
	.plain_errors = plain_errors,
};

/* ---- life ---- */

static void add_routes(struct api *api)
{
	for (size_t t = 0; t < ARRAY_SIZE(route_tables); t++) {
		for (const struct route *route = route_tables[t]; route->pattern; route++) {
			api->routes = xrealloc(api->routes, (api->nroutes + 1) * sizeof(*api->routes));
			api->routes[api->nroutes] = route;
			http_router_add(api->router, route->method, route->pattern, (int)api->nroutes);
			api->nroutes++;
		}
	}
}

void api_print_routes(void)
{
	for (size_t t = 0; t < ARRAY_SIZE(route_tables); t++)
		for (const struct route *route = route_tables[t]; route->pattern; route++)
			printf("%s %s\n", http_method_name(route->method), route->pattern);
}

static void items_later(void *context)
{
	struct api *api = context;

	event_add(&api->items_turn, &(struct timeval){ .tv_usec = ITEM_DESK_WAIT_US });
}

static void items_on_turn(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	item_desk_turn(data);
}

struct api *api_new(struct worker *worker, int listen_fd, const struct api_daemon *daemon)
{
	struct api *api = xcalloc(1, sizeof(*api));
	const struct config *config = worker->config;
	struct http_limits limits;
	int workers = config->workers > 0 ? config->workers : 1;

	api->worker = worker;
	api->daemon = daemon;
	api->store = (struct store){ worker->db, worker->keyring, worker->clock, donor_key_new() };
	api->desk = donor_desk_new(&api->store);
	api->items = item_desk_new(&api->store, config->database_wait_ms, items_later, api);
	event_assign(&api->items_turn, worker->base, -1, 0, items_on_turn, api->items);
	api->router = http_router_new();
	add_routes(api);
	cache_init(&api->cache);
	cache_init(&api->sms_cache);
	limits_init(&api->limits);
	principals_start(&api->principals, api);
	board_start(&api->board, api);
	http_limits_init(&limits);
	limits.body_max = (size_t)config->limits_body;
	limits.connections_max = (size_t)((config->limits_connections + workers - 1) / workers);
	api->http = http_server_new(worker->base, listen_fd, &app, api, &limits,
				    *config->trusted_proxy ? config->trusted_proxy : NULL);
	http_server_hold(api->http);
	return api;
}

void api_open(struct api *api)
{
	http_server_open(api->http);
}

void api_give_notice(struct api *api)
{
	api->leaving = true;
	http_server_give_notice(api->http);
}

void api_drain(struct api *api)
{
	api->leaving = true;
	http_server_drain(api->http);
}

bool api_drained(const struct api *api)
{
	return http_server_drained(api->http);
}

void api_free(struct api *api)
{
	if (!api)
		return;
	board_stop(&api->board);
	principals_stop(&api->principals);
	http_server_free(api->http);
	http_router_free(api->router);
	cache_release(&api->cache);
	cache_release(&api->sms_cache);
	limits_release(&api->limits);
	buf_release(&api->scratch);
	donor_desk_free(api->desk);
	event_del(&api->items_turn);
	item_desk_free(api->items);
	donor_key_free(api->store.donor_key);
	free(api->routes);
	free(api);
}
