#ifndef DOMAIN_HISTORY_H
#define DOMAIN_HISTORY_H

#include "domain/report.h"
#include "domain/round.h"

/* A round of the past and what was reported of it; figures all -1: nothing was. */
struct round_history {
	struct round  round;
	struct report report;
};

#endif
