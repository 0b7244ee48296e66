#include "domain/access.h"

#include "base/text.h"

static const char *const role_texts[ROLE_COUNT] = {
	[ROLE_PUBLIC] = "public",     [ROLE_GATEWAY] = "gateway", [ROLE_TEAM] = "team",
	[ROLE_HOSPITAL] = "hospital", [ROLE_COMMS] = "comms",     [ROLE_STAFF] = "staff",
	[ROLE_AUDITOR] = "auditor",   [ROLE_ADMIN] = "admin",
};

struct right {
	enum access_verdict read, write;
};

#define NO    ACCESS_NO
#define OWN   ACCESS_OWN
#define SCOPE ACCESS_IN_SCOPE
#define YES   ACCESS_YES

/* clang-format off */
/* The design's table, turned: a row is an area, a column a role. What is not here is forbidden. */
static const struct right rights[AREA_COUNT][ROLE_COUNT] = {
	[AREA_OPEN] = {
		[ROLE_PUBLIC] = { YES, NO }, [ROLE_GATEWAY] = { YES, NO }, [ROLE_TEAM] = { YES, NO },
		[ROLE_HOSPITAL] = { YES, NO }, [ROLE_COMMS] = { YES, NO }, [ROLE_STAFF] = { YES, NO },
		[ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, NO },
	},
	[AREA_METRICS] = {
		[ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, NO },
	},
	[AREA_ROUNDS] = {
		[ROLE_PUBLIC] = { YES, NO }, [ROLE_GATEWAY] = { YES, NO }, [ROLE_TEAM] = { YES, NO },
		[ROLE_HOSPITAL] = { YES, NO }, [ROLE_COMMS] = { YES, NO }, [ROLE_STAFF] = { YES, NO },
		[ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, NO },
	},
	[AREA_ELIGIBILITY] = {
		[ROLE_PUBLIC] = { YES, NO }, [ROLE_GATEWAY] = { YES, NO }, [ROLE_TEAM] = { YES, NO },
		[ROLE_HOSPITAL] = { YES, NO }, [ROLE_COMMS] = { YES, NO }, [ROLE_STAFF] = { YES, NO },
		[ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, NO },
	},
	[AREA_PLANS] = {
		[ROLE_TEAM] = { OWN, NO }, [ROLE_COMMS] = { YES, NO }, [ROLE_STAFF] = { SCOPE, SCOPE },
		[ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, YES },
	},
	[AREA_REPORTS] = {
		[ROLE_TEAM] = { OWN, OWN }, [ROLE_STAFF] = { YES, SCOPE }, [ROLE_AUDITOR] = { YES, NO },
		[ROLE_ADMIN] = { YES, YES },
	},
	[AREA_SMS] = {
		[ROLE_GATEWAY] = { NO, YES }, [ROLE_STAFF] = { YES, NO }, [ROLE_AUDITOR] = { YES, NO },
		[ROLE_ADMIN] = { YES, YES },
	},
	[AREA_TOKENS] = {
		[ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, YES },
	},
	[AREA_LOGIN] = {
		[ROLE_PUBLIC] = { NO, YES }, [ROLE_GATEWAY] = { NO, YES }, [ROLE_TEAM] = { NO, YES },
		[ROLE_HOSPITAL] = { NO, YES }, [ROLE_COMMS] = { NO, YES }, [ROLE_STAFF] = { NO, YES },
		[ROLE_AUDITOR] = { NO, YES }, [ROLE_ADMIN] = { NO, YES },
	},
	[AREA_SELF] = {
		[ROLE_GATEWAY] = { YES, YES }, [ROLE_TEAM] = { YES, YES }, [ROLE_HOSPITAL] = { YES, YES },
		[ROLE_COMMS] = { YES, YES }, [ROLE_STAFF] = { YES, YES }, [ROLE_AUDITOR] = { YES, YES },
		[ROLE_ADMIN] = { YES, YES },
	},
	[AREA_AUDIT] = {
		[ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, NO },
	},
	/* Whoever sits at the desk of a round meets people from anywhere. */
	[AREA_DONOR_DESK] = {
		[ROLE_TEAM] = { NO, YES }, [ROLE_STAFF] = { NO, YES }, [ROLE_ADMIN] = { NO, YES },
	},
	[AREA_DONORS] = {
		[ROLE_STAFF] = { SCOPE, SCOPE }, [ROLE_ADMIN] = { YES, YES },
	},
	[AREA_DONOR_LIST] = {
		[ROLE_STAFF] = { SCOPE, NO }, [ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, NO },
	},
	[AREA_DONOR_VERDICT] = {
		[ROLE_TEAM] = { YES, NO }, [ROLE_STAFF] = { SCOPE, NO }, [ROLE_ADMIN] = { YES, NO },
	},
	[AREA_APPOINTMENTS] = {
		[ROLE_TEAM] = { OWN, OWN }, [ROLE_STAFF] = { SCOPE, SCOPE }, [ROLE_AUDITOR] = { YES, NO },
		[ROLE_ADMIN] = { YES, YES },
	},
	[AREA_ERASURE_APPROVAL] = {
		[ROLE_ADMIN] = { NO, YES },
	},
	[AREA_CERTIFICATES] = {
		[ROLE_TEAM] = { OWN, OWN }, [ROLE_STAFF] = { SCOPE, SCOPE }, [ROLE_AUDITOR] = { YES, NO },
		[ROLE_ADMIN] = { YES, YES },
	},
	/* A page tells name, birth date and address: a team reads what it captures, and no register of all whom it ever met. */
	[AREA_CERTIFICATE_DESK] = {
		[ROLE_STAFF] = { SCOPE, SCOPE }, [ROLE_ADMIN] = { YES, YES },
	},
	/* A donor comes from anywhere to any hospital. */
	[AREA_REDEMPTIONS] = {
		[ROLE_HOSPITAL] = { YES, YES }, [ROLE_STAFF] = { YES, NO }, [ROLE_AUDITOR] = { YES, NO },
		[ROLE_ADMIN] = { YES, YES },
	},
	[AREA_CERTIFICATE_CHECK] = {
		[ROLE_PUBLIC] = { YES, NO }, [ROLE_GATEWAY] = { YES, NO }, [ROLE_TEAM] = { YES, NO },
		[ROLE_HOSPITAL] = { YES, NO }, [ROLE_COMMS] = { YES, NO }, [ROLE_STAFF] = { YES, NO },
		[ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, NO },
	},
	[AREA_ISSUING_BODIES] = {
		[ROLE_TEAM] = { YES, NO }, [ROLE_STAFF] = { YES, NO }, [ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, YES },
	},
	[AREA_DEFERRAL_APPROVAL] = {
		[ROLE_ADMIN] = { NO, YES },
	},
	[AREA_GIFTS] = {
		[ROLE_TEAM] = { OWN, OWN }, [ROLE_STAFF] = { SCOPE, SCOPE }, [ROLE_AUDITOR] = { YES, NO },
		[ROLE_ADMIN] = { YES, YES },
	},
	[AREA_GIFT_REVIEW] = {
		[ROLE_STAFF] = { SCOPE, NO }, [ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, NO },
	},
	[AREA_HONOURS] = {
		[ROLE_STAFF] = { SCOPE, SCOPE }, [ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, YES },
	},
	[AREA_HONOUR_APPROVAL] = {
		[ROLE_ADMIN] = { NO, YES },
	},
	[AREA_SYNC] = {
		[ROLE_TEAM] = { OWN, OWN }, [ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, YES },
	},
	[AREA_TALLY] = {
		[ROLE_TEAM] = { OWN, NO }, [ROLE_STAFF] = { SCOPE, NO }, [ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, NO },
	},
	[AREA_HELD] = {
		[ROLE_STAFF] = { SCOPE, SCOPE }, [ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, YES },
	},
	[AREA_DEVICES] = {
		[ROLE_STAFF] = { YES, YES }, [ROLE_AUDITOR] = { YES, NO }, [ROLE_ADMIN] = { YES, YES },
	},
};

/* clang-format on */

enum access_verdict access_decide(enum role role, enum access_area area, enum access_mode mode)
{
	if ((unsigned)role >= ROLE_COUNT || (unsigned)area >= AREA_COUNT)
		return ACCESS_NO;
	if (mode == ACCESS_READ)
		return rights[area][role].read;
	return mode == ACCESS_WRITE ? rights[area][role].write : ACCESS_NO;
}

const char *role_text(enum role role)
{
	return (unsigned)role < ROLE_COUNT ? role_texts[role] : "unknown";
}

bool role_parse(const char *text, enum role *out)
{
	for (int role = ROLE_PUBLIC + 1; role < ROLE_COUNT; role++) {
		if (streq(role_texts[role], text)) {
			*out = (enum role)role;
			return true;
		}
	}
	return false;
}
