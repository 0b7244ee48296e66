#include "crypto/keyring.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/error.h"

/* No core file and no debugger sees the keys. Builds for tests need both. */
static bool hide_memory(struct error *err)
{
#ifndef GIOTHONG_TEST_SEAMS
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_set(err, ERR_SYSTEM, "core files cannot be switched off: %s",
				 "không tắt được tệp core: %s", strerror(errno));
#else
	(void)err;
#endif
	return true;
}

bool crypto_start(struct error *err)
{
	if (sodium_init() < 0)
		return error_set(err, ERR_SYSTEM, "libsodium does not start", "không khởi động được libsodium");
	return hide_memory(err);
}
