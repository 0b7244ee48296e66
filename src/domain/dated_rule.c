#include "domain/dated_rule.h"

#include "base/text.h"

bool dated_rule_holds(const struct dated_rule *rule, struct date on)
{
	return date_compare(rule->from, on) <= 0 && (date_is_none(rule->to) || date_compare(on, rule->to) <= 0);
}

bool dated_rules_meet(const struct dated_rule *a, const struct dated_rule *b)
{
	return (date_is_none(a->to) || date_compare(b->from, a->to) <= 0) &&
	       (date_is_none(b->to) || date_compare(a->from, b->to) <= 0);
}

static const struct dated_rule *entry(const void *list, size_t size, size_t i)
{
	return (const struct dated_rule *)((const char *)list + i * size);
}

bool dated_rules_check(const void *list, size_t count, size_t entry_size, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct dated_rule *rule = entry(list, entry_size, i);

		if (!date_is_none(rule->to) && date_compare(rule->to, rule->from) < 0)
			return error_add_field(err, rule->pointer, "contradiction", "This rule ends before it begins.",
					       "Quy định này hết hiệu lực trước khi bắt đầu.");
		for (size_t j = 0; j < i; j++)
			if (streq(entry(list, entry_size, j)->id, rule->id))
				return error_add_field(err, rule->pointer, "duplicate", "Another rule has this name: %s.",
						       "Đã có quy định khác mang tên này: %s.", rule->id);
	}
	return true;
}
