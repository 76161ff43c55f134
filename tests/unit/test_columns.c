#include "app/columns.h"

#include "tests/check.h"

/* A string literal's NUL ends its entry. */
#define SPEC(text)                                    \
	{                                             \
		(const uint8_t *)(text), sizeof(text) \
	}

static const struct tg_column_rule rules_at[] = {
	{ "*", SPEC("*password") },
	{ "rethinkdb/hr/*", SPEC("-salary\0-notes") },
	{ "rethinkdb/hr/staff", { NULL, 0 } },
};
static const struct tg_column_rules rules = { .at = rules_at, .count = 3 };

static enum tg_column_action action(const char *stream, const char *name)
{
	uint8_t spec[TG_COLUMNS_SPEC_BYTES_MAX];
	size_t bytes = tg_column_rules_spec(&rules, tg_view_str(stream), spec);
	struct tg_columns columns = { .shape = TG_SHAPE_COLUMNS, .spec = tg_view_of(spec, bytes) };

	return tg_columns_action(&columns, tg_view_str(name));
}

TG_TEST(columns_all_matching_rules_apply_in_order)
{
	uint8_t spec[TG_COLUMNS_SPEC_BYTES_MAX];
	static const char want[] = "*password\0-salary\0-notes";
	size_t bytes = tg_column_rules_spec(&rules, tg_view_str("rethinkdb/hr/staff"), spec);

	TG_CHECK_BYTES(spec, bytes, want, sizeof(want));
	bytes = tg_column_rules_spec(&rules, tg_view_str("rethinkdb/plant/readings"), spec);
	TG_CHECK_BYTES(spec, bytes, "*password", sizeof("*password"));
}

TG_TEST(columns_specs_mean_to_a_line_what_they_say)
{
	TG_CHECK_INT(action("rethinkdb/hr/staff", "salary"), TG_COLUMN_DROP);
	TG_CHECK_INT(action("rethinkdb/hr/staff", "password"), TG_COLUMN_MASK);
	TG_CHECK_INT(action("rethinkdb/hr/staff", "name"), TG_COLUMN_KEEP);
	TG_CHECK_INT(action("rethinkdb/plant/x", "salary"), TG_COLUMN_KEEP);
}
