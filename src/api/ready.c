#include "api/api.h"

#include "api/private.h"
#include "crypto/keyring.h"
#include "db/db.h"
#include "worker/gauges.h"

/* Before the time is told, a session would seem to live that ended while nobody ran. */
bool api_has_data(const struct api *api)
{
	return db_connected(api->worker->db) && board_fresh(&api->board) && api->board.units &&
	       atomic_load(&api->daemon->gauges->time_told);
}

bool api_ready(const struct api *api)
{
	return !api->leaving && api_has_data(api) && keyring_view(api->worker->keyring)->complete;
}
