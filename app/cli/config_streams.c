#include "app/cli/config.h"

#include "platform/assert.h"

/* --- lists --- */

/* The bytes of the packed list, or 0 after a problem. */
static size_t packed_bytes(const struct tg_config_load *load, const struct tg_json *list)
{
	size_t bytes = 0;

	for (const struct tg_json *i = tg_json_first(list); i != NULL; i = tg_json_next(i)) {
		if (tg_json_kind(i) != TG_JSON_STRING || tg_json_text(i)[0] == '\0') {
			tg_problem(load->problems, i, NULL, "must be a text that is not empty");
			return 0;
		}
		bytes += strlen(tg_json_text(i)) + 1;
	}
	if (bytes == 0)
		tg_problem(load->problems, list, NULL, "must name something");
	return bytes;
}

struct tg_view tg_config_pack(const struct tg_config_load *load, const struct tg_json *list)
{
	if (tg_json_kind(list) != TG_JSON_ARRAY) {
		tg_problem(load->problems, list, NULL, "must be a list of texts, [\"...\"]");
		return tg_view_of(NULL, 0);
	}
	size_t bytes = packed_bytes(load, list), used = 0;
	char *at = bytes != 0 ? tg_config_keep(load, list, bytes) : NULL;
	if (at == NULL)
		return tg_view_of(NULL, 0);
	for (const struct tg_json *i = tg_json_first(list); i != NULL; i = tg_json_next(i)) {
		size_t text_bytes = strlen(tg_json_text(i)) + 1;
		memcpy(at + used, tg_json_text(i), text_bytes);
		used += text_bytes;
	}
	TG_ASSERT(used == bytes);
	return tg_view_of(at, bytes);
}

/* Visits each object of the list called `name`, which must be there and hold at least one. */
static void take_list(const struct tg_config_load *load, const struct tg_json *root,
		      const char *name,
		      void (*take)(const struct tg_config_load *, const struct tg_json *))
{
	const struct tg_json *list = tg_json_member(root, name);

	if (list == NULL) {
		tg_problem(load->problems, root, name, "is missing");
	} else if (tg_json_kind(list) != TG_JSON_ARRAY || tg_json_first(list) == NULL) {
		tg_problem(load->problems, list, NULL, "must be a list of objects, [{ ... }]");
	} else {
		for (const struct tg_json *i = tg_json_first(list); i != NULL; i = tg_json_next(i))
			if (tg_json_kind(i) == TG_JSON_OBJECT)
				take(load, i);
			else
				tg_problem(load->problems, i, NULL, "must be an object, { ... }");
	}
}

/* The driver's state: its room is part of the budget. It is not cleared, since that would touch
 * each page of a buffer that may never be needed: boot memory is zero when it is first given out.
 */
void *tg_config_state(const struct tg_config_load *load, uint32_t bytes)
{
	void *state = tg_arena_take(load->job->kept, bytes);

	TG_ASSERT(state != NULL);
	return state;
}

static const char *take_type(const struct tg_config_load *load, const struct tg_json *node)
{
	const struct tg_json *type = tg_json_member(node, "type");

	if (type == NULL)
		tg_problem(load->problems, node, "type", "is missing");
	else if (tg_json_kind(type) != TG_JSON_STRING)
		tg_problem(load->problems, type, NULL, "must be a text");
	else
		return tg_json_text(type);
	return NULL;
}

static void unknown_type(const struct tg_config_load *load, const struct tg_json *node,
			 struct tg_out *known)
{
	known->at[tg_out_filled(known)] = '\0';
	tg_problem(load->problems, node, "type", "this build knows:%s", (const char *)known->at);
}

/* --- sources --- */

static const struct tg_source_ops *source_ops(const struct tg_config_load *load,
					      const struct tg_json *node)
{
	const char *type = take_type(load, node);
	const struct tg_registry *registry = load->job->registry;
	const struct tg_source_ops *ops = type != NULL ? tg_registry_source(registry, type) : NULL;
	char list[128];
	struct tg_out known = { .at = (uint8_t *)list, .cap = sizeof(list) - 1 };

	if (type == NULL || ops != NULL)
		return ops;
	for (const struct tg_source_ops *const *i = registry->sources; *i != NULL; i++) {
		tg_out_byte(&known, ' ');
		tg_out_str(&known, (*i)->type);
	}
	unknown_type(load, node, &known);
	return NULL;
}

void tg_config_take_source(const struct tg_config_load *load, const struct tg_json *node)
{
	struct tg_config *config = load->config;
	struct tg_config_source source = { .ops = source_ops(load, node) };

	tg_config_take_name(load, node, source.name);
	for (uint32_t i = 0; i < config->source_count; i++)
		if (strcmp(config->sources[i].name, source.name) == 0)
			tg_problem(load->problems, node, "name", "another source has this name");
	if (config->source_count == CONFIG_TG_SOURCES_MAX) {
		tg_problem(load->problems, node, NULL,
			   "this build takes %d sources at most (TG_SOURCES_MAX)",
			   CONFIG_TG_SOURCES_MAX);
		return;
	}
	if (source.ops != NULL) {
		source.state = tg_config_state(load, source.ops->state_bytes);
		source.ops->configure(source.state, node, load->problems);
	}
	config->sources[config->source_count++] = source;
}

void tg_config_take_sources(const struct tg_config_load *load, const struct tg_json *root)
{
	take_list(load, root, "sources", tg_config_take_source);
}

/* --- sinks --- */

static const struct tg_sink_ops *sink_ops(const struct tg_config_load *load,
					  const struct tg_json *node)
{
	const char *type = take_type(load, node);
	const struct tg_registry *registry = load->job->registry;
	const struct tg_sink_ops *ops = type != NULL ? tg_registry_sink(registry, type) : NULL;
	char list[128];
	struct tg_out known = { .at = (uint8_t *)list, .cap = sizeof(list) - 1 };

	if (type == NULL || ops != NULL)
		return ops;
	for (const struct tg_sink_ops *const *i = registry->sinks; *i != NULL; i++) {
		tg_out_byte(&known, ' ');
		tg_out_str(&known, (*i)->type);
	}
	unknown_type(load, node, &known);
	return NULL;
}

/* What every sink has, whatever its type. */
static void take_sink_members(const struct tg_config_load *load, const struct tg_json *node,
			      struct tg_config_sink *sink)
{
	static const char *const shapes[] = { "columns", "document", NULL };
	static const char *const from[] = { "full", "now", NULL };
	const struct tg_json *streams = tg_json_member(node, "streams");
	int shape = sink->ops != NULL && sink->ops->documents ? 1 : 0, start = 0;

	sink->streams = streams == NULL ? tg_view_of("*", 2) : tg_config_pack(load, streams);
	tg_json_take_choice(node, &(struct tg_json_rule){ .name = "shape", .choices = shapes },
			    &shape, load->problems);
	tg_json_take_choice(node, &(struct tg_json_rule){ .name = "from", .choices = from }, &start,
			    load->problems);
	sink->shape = shape == 0 ? TG_SHAPE_COLUMNS : TG_SHAPE_DOCUMENT;
	sink->from_now = start == 1;
	sink->to_stdout = strcmp(tg_json_text(tg_json_member(node, "path")), "-") == 0;
	tg_config_take_columns(load, node, sink);
}

void tg_config_take_sink(const struct tg_config_load *load, const struct tg_json *node)
{
	struct tg_config *config = load->config;
	struct tg_config_sink sink = { .ops = sink_ops(load, node) };

	tg_config_take_name(load, node, sink.name);
	for (uint32_t i = 0; i < config->sink_count; i++)
		if (strcmp(config->sinks[i].name, sink.name) == 0)
			tg_problem(load->problems, node, "name", "another sink has this name");
	if (config->sink_count == CONFIG_TG_SINKS_MAX) {
		tg_problem(load->problems, node, NULL,
			   "this build takes %d sinks at most (TG_SINKS_MAX)", CONFIG_TG_SINKS_MAX);
		return;
	}
	take_sink_members(load, node, &sink);
	if (sink.ops != NULL) {
		TG_ASSERT(sink.ops->buffer_bytes <= CONFIG_TG_SINK_ARENA_BYTES);
		sink.state = tg_config_state(load, sink.ops->state_bytes);
		sink.ops->configure(sink.state, node, load->problems);
	}
	config->sinks[config->sink_count++] = sink;
}

/* Two file sinks in one folder would take each other's files for leftovers of their own. */
static void refuse_shared_folder(const struct tg_config_load *load, const struct tg_json *sinks,
				 const struct tg_json *node)
{
	const char *path = tg_json_text(tg_json_member(node, "path"));
	const struct tg_json *i = tg_json_first(sinks);

	for (; path[0] != '\0' && i != node; i = tg_json_next(i))
		if (strcmp(tg_json_text(tg_json_member(i, "path")), path) == 0)
			tg_problem(load->problems, node, "path",
				   "another sink writes there: give each a folder of its own");
}

void tg_config_take_sinks(const struct tg_config_load *load, const struct tg_json *root)
{
	const struct tg_json *sinks = tg_json_member(root, "sinks");

	take_list(load, root, "sinks", tg_config_take_sink);
	if (sinks == NULL || tg_json_kind(sinks) != TG_JSON_ARRAY)
		return;
	for (const struct tg_json *i = tg_json_first(sinks); i != NULL; i = tg_json_next(i))
		refuse_shared_folder(load, sinks, i);
}
