#include "app/cli/config.h"

#include <stdio.h>

#include "drivers/json/scan.h"
#include "platform/assert.h"

/* The seed's file names only the database. Its one source is called after its type, its one sink
 * after where --to leads, so that a configuration of ours can go on with the same store. */

static const struct tg_source_ops *rethink_ops(const struct tg_config_load *load)
{
	return tg_registry_source(load->job->registry, "rethinkdb");
}

static void take_flat_source(const struct tg_config_load *load, const struct tg_json *root)
{
	static const char *const members[] = { "host",     "port",    "database", "username",
					       "password", "use_ssl", NULL };
	static const char *const required[] = { "host", "port", "database", NULL };
	struct tg_config_source *source = &load->config->sources[0];
	uint32_t before = load->problems->count;

	tg_json_only(root, members, load->problems);
	for (const char *const *i = required; *i != NULL; i++)
		if (tg_json_member(root, *i) == NULL)
			tg_problem(load->problems, root, *i, "is missing");
	if (load->problems->count != before)
		return;
	snprintf(source->name, sizeof(source->name), "rethinkdb");
	source->ops = rethink_ops(load);
	TG_ASSERT(source->ops != NULL);
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
