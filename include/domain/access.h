#ifndef DOMAIN_ACCESS_H
#define DOMAIN_ACCESS_H

#include <stdbool.h>

/* Who may what: the table of the design, as one table. Pure. */
enum role {
	ROLE_PUBLIC, ROLE_GATEWAY, ROLE_TEAM, ROLE_HOSPITAL, ROLE_COMMS, ROLE_STAFF, ROLE_AUDITOR, ROLE_ADMIN,
	ROLE_COUNT
};

/* A row of the table. Rows of later parts are added with their routes. */
enum access_area {
	AREA_OPEN,               /* health, problem pages, documentation: anybody */
	AREA_METRICS,            /* loopback or an auditor's token */
	AREA_ROUNDS,             /* published rounds, units, campaigns, venues */
	AREA_ELIGIBILITY,        /* the check of facts that are sent with the question */
	AREA_PLANS,              /* plans and rounds: drafts, change, verbs; campaigns, venues, teams */
	AREA_REPORTS,            /* round reports */
	AREA_SMS,                /* SMS in */
	AREA_TOKENS,             /* users, tokens, devices, keyring */
	AREA_LOGIN,              /* logging in: anybody */
	AREA_SELF,               /* one's own session, password, second factor */
	AREA_AUDIT,
	AREA_DONOR_DESK,         /* donors: look up, register */
	AREA_DONORS,             /* donors: read, change, merge */
	AREA_DONOR_LIST,         /* donors: the list, in which nothing sealed is */
	AREA_DONOR_VERDICT,      /* donors: may they give, and when */
	AREA_APPOINTMENTS,       /* places in rounds: book, move, cancel, check in */
	AREA_ERASURE_APPROVAL,   /* the second person who erases a donor */
	AREA_DEFERRAL_APPROVAL,  /* the second person who lifts a permanent deferral */
	AREA_GIFTS,              /* what donors of a round were handed */
	AREA_GIFT_REVIEW,        /* exceptions over all rounds of a time */
	AREA_HONOURS,            /* families, candidates, the work on honours */
	AREA_HONOUR_APPROVAL,    /* that the committee has decided */
	AREA_CERTIFICATES,       /* certificates: issue, print the originals of a round */
	AREA_CERTIFICATE_DESK,   /* certificates: any page of any round, void */
	AREA_REDEMPTIONS,        /* certificates: read by number, redeem */
	AREA_CERTIFICATE_CHECK,  /* genuine or not, how much is left; public keys, revocations: anybody */
	AREA_ISSUING_BODIES,     /* who issues certificates */
	AREA_SYNC,               /* round packs, batches of items */
	AREA_TALLY,              /* count sheets: what is there of each phone */
	AREA_HELD,               /* items that a person must look at */
	AREA_DEVICES,            /* enrolled phones */
	AREA_COUNT
};

enum access_mode { ACCESS_READ, ACCESS_WRITE };

enum access_verdict {
	ACCESS_NO,
	ACCESS_OWN,              /* only rounds of the principal's own team */
	ACCESS_IN_SCOPE,         /* only inside the principal's units */
	ACCESS_YES
};

enum access_verdict access_decide(enum role role, enum access_area area, enum access_mode mode);

const char *role_text(enum role role);
bool role_parse(const char *text, enum role *out);       /* every role but public */

#endif
