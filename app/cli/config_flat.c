#include "app/cli/config.h"

#include <stdio.h>

#include "drivers/json/scan.h"
#include "platform/assert.h"

/* A seed's file names only the database. Its one source is called after its type, its one sink
 * after where --to leads, so that a configuration of ours can go on with the same store. */

/* What a seed's file holds. */
struct flat {
	const char *type;
	const char *const *members, *const *required;
};

static const char *const rethink_members[] = { "host",     "port",    "database", "username",
					       "password", "use_ssl", NULL };
static const char *const rethink_required[] = { "host", "port", "database", NULL };
static const char *const raven_members[] = { "ravendb_urls",       "database_name",
					     "collection_name",    "batch_size",
					     "certificate_base64", NULL };
static const char *const raven_required[] = { "ravendb_urls", "database_name", NULL };

static const struct flat flats[] = {
	{ "rethinkdb", rethink_members, rethink_required },
	{ "ravendb", raven_members, raven_required },
};

static const struct flat *flat_of(const char *type)
{
	for (size_t i = 0; i < sizeof(flats) / sizeof(flats[0]); i++)
		if (strcmp(flats[i].type, type) == 0)
			return &flats[i];
	return NULL;
}

static void take_flat_source(const struct tg_config_load *load, const struct tg_json *root)
{
	const struct flat *flat = flat_of(load->job->flat_type);
	struct tg_config_source *source = &load->config->sources[0];
	uint32_t before = load->problems->count;

	TG_ASSERT(flat != NULL);
	tg_json_only(root, flat->members, load->problems);
	for (const char *const *i = flat->required; *i != NULL; i++)
		if (tg_json_member(root, *i) == NULL)
			tg_problem(load->problems, root, *i, "is missing");
	if (load->problems->count != before)
		return;
	snprintf(source->name, sizeof(source->name), "%s", flat->type);
	source->ops = tg_registry_source(load->job->registry, flat->type);
	if (source->ops == NULL) {
		tg_problem(load->problems, root, NULL, "this build has no source of type %s",
			   flat->type);
		return;
	}
	source->state = tg_config_state(load, source->ops->state_bytes);
	source->ops->configure(source->state, root, load->problems);
	load->config->source_count = 1;
}

static bool is_address(const char *to)
{
	return strncmp(to, "https://", 8) == 0 || strncmp(to, "http://", 7) == 0;
}

/* --to as the element of "sinks" that it stands for. */
static void take_flat_sink(const struct tg_config_load *load, const char *to)
{
	struct tg_out out = { .cap = 8 * TG_CONFIG_PATH_BYTES };
	const struct tg_json *sink = NULL;

	out.at = tg_arena_take(load->job->scratch, out.cap);
	TG_ASSERT(out.at != NULL);
	if (is_address(to))
		tg_out_str(&out, "{\"name\":\"https\",\"type\":\"https\",\"url\":");
	else if (strcmp(to, "-") == 0)
		tg_out_str(&out, "{\"name\":\"stdout\",\"type\":\"file\",\"path\":");
	else
		tg_out_str(&out, "{\"name\":\"files\",\"type\":\"file\",\"path\":");
	tg_json_quote(tg_view_str(to), &out);
	tg_out_byte(&out, '}');
	if (tg_out_overran(&out) || tg_json_parse(tg_view_of(out.at, (size_t)out.total),
						  load->job->scratch, &sink, NULL) != TG_OK)
		tg_problem(load->problems, NULL, "--to", "is no folder and no address");
	else
		tg_config_take_sink(load, sink);
}

static void place_store(const struct tg_config_load *load, const char *to)
{
	char *path = load->config->store_path;
	int bytes = 0;

	if (load->job->store != NULL)
		return;
	if (to == NULL || strcmp(to, "-") == 0 || is_address(to))
		bytes = snprintf(path, TG_CONFIG_PATH_BYTES, "tidegate-store");
	else
		bytes = snprintf(path, TG_CONFIG_PATH_BYTES, "%s/.tidegate", to);
	if (bytes >= TG_CONFIG_PATH_BYTES)
		tg_problem(load->problems, NULL, "--to",
			   "is too long for a store beside it: "
			   "give --store");
}

void tg_config_take_flat(const struct tg_config_load *load, const struct tg_json *root)
{
	const char *to = load->job->to;

	snprintf(load->config->name, sizeof(load->config->name), "tidegate");
	load->config->store_bytes_max = TG_CONFIG_STORE_BYTES_DEFAULT;
	if (load->job->store != NULL)
		snprintf(load->config->store_path, TG_CONFIG_PATH_BYTES, "%s", load->job->store);
	place_store(load, to);
	if (load->job->store_only)
		return;
	take_flat_source(load, root);
	if (to != NULL)
		take_flat_sink(load, to);
}
