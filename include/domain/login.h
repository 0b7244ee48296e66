#ifndef DOMAIN_LOGIN_H
#define DOMAIN_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Names of accounts, and how often a password may be tried. Pure.
 *
 * A wrong try is counted in buckets of its account; each bucket makes the next
 * try wait longer the more stand in it. A right one empties them, but for what
 * other networks have tried: whoever guesses from there gets no new chances by
 * it, and does not learn that somebody came in. A try that must wait is refused unseen and not counted. What is counted is
 * counted before the password is looked at, so tries at the same instant count too.
 *
 *	network   tries from one network (an IPv4 address, an IPv6 /64) at one
 *	          account: 5 at once, then after 1, 2, 4 ... seconds up to 15
 *	          minutes, after the 20th one a day. So a single attacker has soon
 *	          lost his chance, and the owner, who is elsewhere, none of his.
 *	strangers all tries from wherever: 90, then no more.
 *	known     tries from a device that once gave the right password (it holds a
 *	          device mark, which only the server can make) or from a session:
 *	          5 at once, then after 1, 2, 4 ... seconds; 10, then no more (the
 *	          device then counts as a stranger).
 *
 * So no account ever takes more than 100 wrong passwords in a row
 * (NIST SP 800-63B 5.2.2). And whoever tries to lock an account for others, even
 * from many networks, can fill `strangers` at most: the owner still comes in
 * from a device that he has used before, which empties it. If both are full
 * an administrator unlocks the account. A name that no account has is counted
 * and answered in the same way, and not forgotten sooner, so that nothing tells
 * which names there are.
 */
enum { LOGIN_TRIES_KEPT = 1000000 };     /* rows of names that nobody has and of networks; older ones are forgotten */
enum login_bucket { LOGIN_NETWORK, LOGIN_STRANGERS, LOGIN_KNOWN, LOGIN_BUCKET_COUNT };
enum { LOGIN_WAITS_MAX = 90 };

/* A wait that never ends, in microseconds: what ends it is a right password, or an administrator. */
#define LOGIN_NEVER_US INT64_C(1000000000000000000)

/* How long after the last counted try the next one may come, when so many stand in the bucket. */
int64_t login_wait_us(enum login_bucket bucket, int64_t failures);
/* From so many on login_wait_us() is always the same; at most LOGIN_WAITS_MAX. */
int login_waits(enum login_bucket bucket);

/* What an account may be called: 2 to 32 of a-z, 0-9, '.', '_' and '-', a letter first. */
enum { LOGIN_TYPED_SIZE = 512 };         /* room for what may be typed as a name */
bool login_name_valid(const char *name);
/* As it was typed -> as it is kept: no blanks around, small letters. Cut at size. */
void login_name_fold(const char *typed, char *out, size_t size);

/*
 * Two limits of a session, in the service's own time (store/session_store.h),
 * microseconds. Whether it is over, and when it will be if nobody uses it.
 */
struct session_limits {
	int64_t idle_us, absolute_us;
};
struct session_limits session_limits_of(int idle_minutes, int hours);
bool session_is_over(const struct session_limits *limits, int64_t created_t, int64_t used_t, int64_t now_t);

#endif
