#include "domain/component.h"

#include "base/text.h"

static const char *const texts[COMPONENT_COUNT] = {
	[COMPONENT_WHOLE_BLOOD] = "whole_blood", [COMPONENT_RED_CELLS] = "red_cells",
	[COMPONENT_PLATELETS] = "platelets",     [COMPONENT_PLASMA] = "plasma",
	[COMPONENT_GRANULOCYTES] = "granulocytes", [COMPONENT_STEM_CELLS] = "stem_cells",
};

static const char *const names[COMPONENT_COUNT][LANGUAGE_COUNT] = {
	[COMPONENT_WHOLE_BLOOD] = { "whole blood", "máu toàn phần" },
	[COMPONENT_RED_CELLS] = { "red cells", "khối hồng cầu" },
	[COMPONENT_PLATELETS] = { "platelets", "tiểu cầu" },
	[COMPONENT_PLASMA] = { "plasma", "huyết tương" },
	[COMPONENT_GRANULOCYTES] = { "granulocytes", "bạch cầu hạt" },
	[COMPONENT_STEM_CELLS] = { "stem cells", "tế bào gốc" },
};

const char *component_text(enum component component)
{
	return (unsigned)component < COMPONENT_COUNT ? texts[component] : "unknown";
}

bool component_parse(const char *text, enum component *out)
{
	for (int i = 0; i < COMPONENT_COUNT; i++) {
		if (streq(texts[i], text)) {
			*out = (enum component)i;
			return true;
		}
	}
	return false;
}

const char *component_name(enum component component, enum language language)
{
	return (unsigned)component < COMPONENT_COUNT ? names[component][language == LANGUAGE_VI] : "?";
}
