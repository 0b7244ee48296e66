#include "api/api.h"

#include "api/private.h"
#include "crypto/keyring.h"
#include "db/db.h"

bool api_has_data(const struct api *api)
{
	return db_connected(api->worker->db) && board_fresh(&api->board) && api->board.units;
}

bool api_ready(const struct api *api)
{
	return !api->leaving && api_has_data(api) && keyring_view(api->worker->keyring)->complete;
}
