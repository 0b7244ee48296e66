#include "api/api.h"

#include "api/private.h"
#include "crypto/keyring.h"
#include "db/db.h"

bool api_ready(const struct api *api)
{
	return !api->leaving && db_connected(api->worker->db) && board_fresh(&api->board) && api->board.units &&
	       keyring_view(api->worker->keyring)->complete;
}
