#ifndef API_PRIVATE_H
#define API_PRIVATE_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "api/api.h"
#include "api/board.h"
#include "api/cache.h"
#include "api/limits.h"
#include "api/principals.h"
#include "base/buf.h"
#include "http/http.h"
#include "http/router.h"
#include "store/store.h"
#include "worker/worker.h"

struct api {
	struct worker           *worker;
	const struct api_daemon *daemon;
	struct http_server      *http;
	struct http_router      *router;
	const struct route     **routes;         /* by route number */
	size_t                   nroutes;
	struct store             store;
	struct donor_desk       *desk;           /* look-ups of donors, that go together */
	struct item_desk        *items;          /* and what phones hand in */
	struct event             items_turn;
	struct buf               scratch;
	struct board             board;          /* what the topics' versions keep fresh */
	struct cache             cache;          /* public answers, by target */
	struct cache             sms_cache;      /* answers to LICH, by what was asked */
	struct principals        principals;
	struct limits            limits;
	int                      hashing;        /* passwords of this worker in the pool */
	bool                     leaving;        /* notice was given, or draining */
};

#endif
