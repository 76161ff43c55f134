#include "app/cli/config.h"

#include "drivers/json/scan.h"

/* The room that the rules of one sink share. */
struct spec {
	uint8_t at[TG_COLUMNS_SPEC_BYTES_MAX];
	size_t used;
};

/* One entry of the spec: the action, the name as a row has it on the wire, a NUL. */
static bool add_entry(struct spec *spec, char action, const char *name)
{
	uint8_t quoted[TG_COLUMNS_SPEC_BYTES_MAX];
	struct tg_out out = { .at = quoted, .cap = sizeof(quoted) };

	tg_json_quote(tg_view_str(name), &out);
	if (tg_out_overran(&out) || out.total > sizeof(spec->at) - spec->used)
		return false;
	size_t bytes = (size_t)out.total - 2; /* the quotes stay behind, action and NUL join */
	spec->at[spec->used] = (uint8_t)action;
	memcpy(spec->at + spec->used + 1, quoted + 1, bytes);
	spec->at[spec->used + 1 + bytes] = '\0';
	spec->used += bytes + 2;
	return true;
}

static void add_list(const struct tg_config_load *load, const struct tg_json *list, char action,
		     struct spec *spec)
{
	if (list == NULL)
		return;
	if (tg_json_kind(list) != TG_JSON_ARRAY) {
		tg_problem(load->problems, list, NULL, "must be a list of columns, [\"...\"]");
		return;
	}
	for (const struct tg_json *i = tg_json_first(list); i != NULL; i = tg_json_next(i)) {
		if (tg_json_kind(i) != TG_JSON_STRING) {
			tg_problem(load->problems, i, NULL, "must be a column's name, a text");
		} else if (!add_entry(spec, action, tg_json_text(i))) {
			tg_problem(load->problems, i, NULL,
				   "the columns of one sink have more than %d bytes",
				   TG_COLUMNS_SPEC_BYTES_MAX);
			return;
		}
	}
}

/* `spec` is what all rules of the sink have used so far; the rule keeps its own part of it. */
static void take_rule(const struct tg_config_load *load, const struct tg_json *node,
		      struct spec *spec, struct tg_column_rule *rule)
{
	static const char *const members[] = { "leave_out", "only", "mask", NULL };
	size_t from = spec->used, pattern_bytes = strlen(tg_json_name(node)) + 1;

	if (tg_json_kind(node) != TG_JSON_OBJECT) {
		tg_problem(load->problems, node, NULL,
			   "must be an object of leave_out, only and mask");
		return;
	}
	tg_json_only(node, members, load->problems);
	add_list(load, tg_json_member(node, "leave_out"), '-', spec);
	add_list(load, tg_json_member(node, "only"), '+', spec);
	add_list(load, tg_json_member(node, "mask"), '*', spec);
	size_t bytes = spec->used - from;
	char *kept = tg_config_keep(load, node, pattern_bytes + bytes);
	if (kept == NULL)
		return;
	memcpy(kept, tg_json_name(node), pattern_bytes);
	memcpy(kept + pattern_bytes, spec->at + from, bytes);
	rule->pattern = kept;
	rule->spec = tg_view_of(kept + pattern_bytes, bytes);
}

void tg_config_take_columns(const struct tg_config_load *load, const struct tg_json *node,
			    struct tg_config_sink *sink)
{
	const struct tg_json *columns = tg_json_member(node, "columns");
	struct spec spec = { .used = 0 };
	uint32_t count = 0;

	if (columns == NULL)
		return;
	if (tg_json_kind(columns) != TG_JSON_OBJECT) {
		tg_problem(load->problems, columns, NULL, "must be an object of patterns");
		return;
	}
	for (const struct tg_json *i = tg_json_first(columns); i != NULL; i = tg_json_next(i))
		count += tg_json_name(i)[0] != '$';
	struct tg_column_rule *rules = tg_config_keep(load, columns, count * sizeof(*rules));
	if (rules == NULL)
		return;
	sink->columns = (struct tg_column_rules){ .at = rules, .count = count };
	for (const struct tg_json *i = tg_json_first(columns); i != NULL; i = tg_json_next(i)) {
		if (tg_json_name(i)[0] == '$') /* a comment */
			continue;
		*rules = (struct tg_column_rule){ .pattern = "" };
		take_rule(load, i, &spec, rules++);
	}
}
