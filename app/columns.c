#include "app/columns.h"

#include "app/pattern.h"
#include "platform/assert.h"

size_t tg_column_rules_spec(const struct tg_column_rules *rules, struct tg_view stream,
			    uint8_t at[TG_COLUMNS_SPEC_BYTES_MAX])
{
	size_t used = 0;

	for (uint32_t i = 0; i < rules->count; i++) {
		const struct tg_column_rule *rule = &rules->at[i];
		if (!tg_pattern_match(rule->pattern, stream) || rule->spec.bytes == 0)
			continue;
		TG_ASSERT(rule->spec.bytes <= TG_COLUMNS_SPEC_BYTES_MAX - used);
		memcpy(at + used, rule->spec.at, rule->spec.bytes);
		used += rule->spec.bytes;
	}
	return used;
}
