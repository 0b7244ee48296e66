#ifndef CRYPTO_TOTP_H
#define CRYPTO_TOTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The second factor: codes of RFC 6238 as every authenticator app makes them
 * (HMAC-SHA-1, 30 seconds, 6 digits), and recovery codes for a lost phone.
 *
 * SHA-1 serves the HMAC here and nothing else: apps know no other, and its
 * weakness (collisions) is none in an HMAC. libsodium has none, so it is
 * written out: sixty lines, tested with the vectors of RFC 3174, 2202, 4226, 6238.
 */
enum { TOTP_SECRET_BYTES = 20, TOTP_STEP_SECONDS = 30, TOTP_DIGITS = 6, TOTP_TEXT_SIZE = 33 };

void totp_secret_make(unsigned char out[TOTP_SECRET_BYTES]);
/* Base32, as a person types it into the app. */
void totp_secret_text(const unsigned char secret[TOTP_SECRET_BYTES], char out[TOTP_TEXT_SIZE]);
/* The code of one step (RFC 4226), 0 .. 999999. */
uint32_t totp_code(const unsigned char *secret, size_t len, uint64_t step);
/*
 * Whether the six digits (blanks between them do not matter: apps show "123 456") are the code of now or of the step before or after.
 * *step is which; the caller takes none that is not above the last one used,
 * so that no code serves twice. All three are compared in any case.
 */
bool totp_matches(const unsigned char secret[TOTP_SECRET_BYTES], const char *digits, int64_t wall_us, int64_t *step)
	__attribute__((warn_unused_result));

/*
 * Recovery codes: 16 random letters and digits (79 bits) without 0, 1, i, l, o,
 * in groups: "k7mx-p2qd-...". With so many bits a plain hash bound to the user
 * is enough to keep: nobody can try them all.
 */
enum { RECOVERY_TEXT_SIZE = 20, RECOVERY_HASH_HEX_SIZE = 65 };
void recovery_make(char out[RECOVERY_TEXT_SIZE]);
/* Of a code as it is typed: capitals, blanks and hyphens do not matter. False: it is none. */
bool recovery_hash(const char *user_id, const char *typed, char out[RECOVERY_HASH_HEX_SIZE])
	__attribute__((warn_unused_result));

#endif
