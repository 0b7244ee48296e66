#include "crypto/keyring.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

/* The leak check of AddressSanitizer must look into its own process. */
#if defined(__SANITIZE_ADDRESS__)
#define KEEPS_DUMPABLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS_DUMPABLE 1
#endif
#endif

/* No core file and no debugger of the same user sees the keys. */
static bool hide_memory(struct error *err)
{
	const struct rlimit none = { 0, 0 };
	bool fine = setrlimit(RLIMIT_CORE, &none) == 0;

#ifndef KEEPS_DUMPABLE
	fine = fine && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
#endif
	return fine || error_set(err, ERR_SYSTEM, "core files cannot be switched off: %s",
				 "không tắt được tệp core: %s", strerror(errno));
}

/* libsodium says nothing when memory cannot be locked; then the keys may be written to swap. */
static void check_locking(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return;
	if (mlock(page, size) < 0)
		log_warning("memory_not_locked", "why=\"%s\" hint=\"raise LimitMEMLOCK=, or have no swap: keys may"
			    " reach it\"", strerror(errno));
	munmap(page, size);
}

bool crypto_start(struct error *err)
{
	if (sodium_init() < 0)
		return error_set(err, ERR_SYSTEM, "libsodium does not start", "không khởi động được libsodium");
	check_locking();
	return hide_memory(err);
}
