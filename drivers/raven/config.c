#include "drivers/raven/config.h"

#include "app/pattern.h"
#include "drivers/raven/fold.h"

#define COLLECTION_DEFAULT "Orders"
enum { SECOND_MS = 1000, OVERLAP_SECONDS = 300, COLLECTION_NAME_BYTES_MAX = 1024 };

static const char *const members[] = {
	"name",
	"type",
	TG_RAVEN_LINK_MEMBERS,
	"collection_name",
	"batch_size",
	"mode",
	"overlap_seconds",
	"rows_per_second_max",
	"delete_when_empty",
	"delete_when_recreated",
	"read_replicated",
	NULL,
};
static const char *const modes[] = { "exact", "last_modified", NULL };

struct reading {
	const struct tg_json *config;
	struct tg_problems *problems;
};

/* --- which collections --- */

static void add_pattern(struct tg_raven_config *out, const struct tg_json *at, const char *text,
			struct tg_problems *problems)
{
	size_t bytes = strlen(text) + 1;

	if (text[0] == '\0' || strcmp(text, "!") == 0)
		tg_problem(problems, at, NULL,
			   "must be a collection's name, or a pattern such as \"*\" or \"!Tmp*\"");
	else if (bytes > sizeof(out->collections) - out->collections_bytes)
		tg_problem(problems, at, NULL, "the names together are longer than %d bytes",
			   TG_RAVEN_COLLECTIONS_BYTES);
	else {
		memcpy(out->collections + out->collections_bytes, text, bytes);
		out->collections_bytes += (uint32_t)bytes;
	}
}

static void read_collections(struct tg_raven_config *out, const struct reading *in)
{
	const struct tg_json *names = tg_json_member(in->config, "collection_name");
	bool list = names != NULL && tg_json_kind(names) == TG_JSON_ARRAY;

	if (names == NULL) {
		add_pattern(out, in->config, COLLECTION_DEFAULT, in->problems);
		return;
	}
	if (!list && tg_json_kind(names) == TG_JSON_STRING) {
		add_pattern(out, names, tg_json_text(names), in->problems);
		return;
	}
	if (!list || tg_json_first(names) == NULL) {
		tg_problem(in->problems, names, NULL,
			   "must be a collection's name, or a list of them");
		return;
	}
	for (const struct tg_json *i = tg_json_first(names); i != NULL; i = tg_json_next(i))
		add_pattern(out, i, tg_json_text(i), in->problems);
}

/* What no pattern of stars takes: the server's own, and the marks that our sink leaves. */
static bool is_internal(struct tg_view lowered)
{
	return tg_view_same(lowered, tg_view_str("@hilo")) ||
	       tg_view_same(lowered, tg_view_str("tidegate"));
}

static bool is_named(struct tg_view lowered, struct tg_view patterns)
{
	const char *at = (const char *)patterns.at, *end = at + patterns.bytes;

	for (; at < end; at += strlen(at) + 1)
		if (tg_view_same(lowered, tg_view_str(at)))
			return true;
	return false;
}

bool tg_raven_takes(const struct tg_raven_config *config, struct tg_view name)
{
	uint8_t patterns[2 * TG_RAVEN_COLLECTIONS_BYTES], lowered[COLLECTION_NAME_BYTES_MAX];
	int bytes = tg_fold(name, lowered, sizeof(lowered));
	int packed = tg_fold(tg_view_of(config->collections, config->collections_bytes), patterns,
			     sizeof(patterns));

	if (bytes < 0 || packed < 0)
		return false;
	struct tg_view lower = tg_view_of(lowered, (size_t)bytes);
	struct tg_view all = tg_view_of(patterns, (size_t)packed);
	return tg_patterns_take(all, lower) && (!is_internal(lower) || is_named(lower, all));
}

/* --- how --- */

static void read_int(const struct reading *in, const char *name, const int64_t limits[2],
		     int64_t *out)
{
	struct tg_json_rule rule = {
		.name = name, .lenient = true, .min = limits[0], .max = limits[1]
	};

	tg_json_take_int(in->config, &rule, out, in->problems);
}

static void read_bool(const struct reading *in, const char *name, bool *out)
{
	struct tg_json_rule rule = { .name = name, .lenient = true };

	tg_json_take_bool(in->config, &rule, out, in->problems);
}

static void read_numbers(struct tg_raven_config *out, const struct reading *in)
{
	/* The seed's flat file has no type, and its own default. */
	bool flat = tg_json_member(in->config, "type") == NULL;
	int64_t batch = flat ? TG_RAVEN_BATCH_SIZE_SEED : TG_RAVEN_BATCH_SIZE_DEFAULT;
	int64_t rows = 0, overlap_s = OVERLAP_SECONDS;

	read_int(in, "batch_size", (const int64_t[]){ 1, TG_RAVEN_BATCH_SIZE_MAX }, &batch);
	read_int(in, "rows_per_second_max", (const int64_t[]){ 0, 100000000 }, &rows);
	read_int(in, "overlap_seconds", (const int64_t[]){ 0, 31622400 }, &overlap_s);
	out->batch_size = (uint32_t)batch;
	out->rows_per_second_max = (uint32_t)rows;
	out->overlap_ms = overlap_s * SECOND_MS;
}

void tg_raven_config_read(struct tg_raven_config *out, const struct tg_json *config,
			  struct tg_problems *problems)
{
	struct reading in = { .config = config, .problems = problems };
	struct tg_json_rule mode = { .name = "mode", .choices = modes };
	int chosen = TG_RAVEN_EXACT;

	memset(out, 0, sizeof(*out));
	tg_json_only(config, members, problems);
	read_collections(out, &in);
	tg_json_take_choice(config, &mode, &chosen, problems);
	out->mode = (enum tg_raven_mode)chosen;
	read_numbers(out, &in);
	read_bool(&in, "delete_when_empty", &out->delete_when_empty);
	read_bool(&in, "delete_when_recreated", &out->delete_when_recreated);
	read_bool(&in, "read_replicated", &out->read_replicated);
	tg_raven_link_read(&out->link, config, problems);
}
