#ifndef DOMAIN_COMPONENT_H
#define DOMAIN_COMPONENT_H

#include <stdbool.h>

#include "base/error.h"

/* What is given: blood as it is, or a part of it taken by apheresis. In the words of the API. */
enum component {
	COMPONENT_WHOLE_BLOOD, COMPONENT_RED_CELLS, COMPONENT_PLATELETS, COMPONENT_PLASMA, COMPONENT_GRANULOCYTES,
	COMPONENT_STEM_CELLS, COMPONENT_COUNT
};

#define COMPONENT_WORDS "whole_blood, red_cells, platelets, plasma, granulocytes, stem_cells"

/* A set of components: bit per component. */
enum { COMPONENTS_ALL = (1 << COMPONENT_COUNT) - 1 };

static inline bool component_in(unsigned set, enum component component)
{
	return set >> component & 1;
}

const char *component_text(enum component component);                    /* "whole_blood" */
bool component_parse(const char *text, enum component *out);
const char *component_name(enum component component, enum language language);     /* "whole blood", "máu toàn phần" */

#endif
