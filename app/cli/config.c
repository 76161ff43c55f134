#include "app/cli/config.h"

#include <stdio.h>

#include "platform/assert.h"
#include "platform/file.h"

#define BYTES_MIN (INT64_C(4) << 20)
#define BYTES_MAX (INT64_C(1) << 42)

static const char *file_fault(int err)
{
	switch (err) {
	case TG_ERR_MISSING:
		return "there is no such file";
	case TG_ERR_ACCESS:
		return "this user may not read it";
	case TG_ERR_LIMIT:
		return "it is larger than this build reads (TG_CONFIG_BYTES_MAX)";
	default:
		return "it cannot be read";
	}
}

const struct tg_json *tg_config_read(const struct tg_config_load *load, const char *path)
{
	struct tg_problems *problems = load->problems;
	const size_t cap = CONFIG_TG_CONFIG_BYTES_MAX + 1;
	char *text = tg_arena_take(load->job->scratch, cap);
	const struct tg_json *root = NULL;
	struct tg_why why = { .err = 0 };
	size_t bytes = 0;

	TG_ASSERT(text != NULL);
	int rc = tg_file_read_whole(path, text, cap, &bytes);
	if (rc != TG_OK) {
		tg_problem(problems, NULL, path, "%s", file_fault(rc));
		return NULL;
	}
	rc = tg_json_parse(tg_view_of(text, bytes), load->job->scratch, &root, &why);
	if (rc != TG_OK) {
		tg_problem(problems, NULL, path, "%s", why.text);
	} else if (tg_json_kind(root) != TG_JSON_OBJECT) {
		tg_problem(problems, NULL, path, "must hold one JSON object, { ... }");
		root = NULL;
	}
	return root;
}

void *tg_config_keep(const struct tg_config_load *load, const struct tg_json *at, size_t bytes)
{
	void *kept = tg_arena_take(load->job->kept, bytes);

	if (kept == NULL)
		tg_problem(load->problems, at, NULL,
			   "the patterns and columns are more than this build keeps "
			   "(TG_CONFIG_BYTES_MAX)");
	return kept;
}

bool tg_config_is_name(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	size_t bytes = strlen(text);

	return bytes > 0 && bytes < TG_CONFIG_NAME_BYTES && strspn(text, letters) == bytes;
}

void tg_config_take_name(const struct tg_config_load *load, const struct tg_json *node,
			 char name[TG_CONFIG_NAME_BYTES])
{
	const struct tg_json_rule rule = {
		.name = "name", .required = true, .min = 1, .cap = TG_CONFIG_NAME_BYTES
	};
	uint32_t before = load->problems->count;

	tg_json_take_text(node, &rule, name, load->problems);
	if (load->problems->count == before && !tg_config_is_name(name))
		tg_problem(load->problems, node, "name",
			   "may hold letters, digits, \".\", \"_\" and \"-\" only");
}

/* --- the members of the file itself --- */

/* Member `name` if it is an object; a problem if it is something else, or missing and required. */
static const struct tg_json *take_object(const struct tg_config_load *load,
					 const struct tg_json *root, const char *name,
					 bool required)
{
	const struct tg_json *object = tg_json_member(root, name);

	if (object == NULL && required)
		tg_problem(load->problems, root, name, "is missing");
	if (object == NULL || tg_json_kind(object) == TG_JSON_OBJECT)
		return object;
	tg_problem(load->problems, object, NULL, "must be an object, { ... }");
	return NULL;
}

void tg_config_take_store(const struct tg_config_load *load, const struct tg_json *root)
{
	static const char *const members[] = { "path", "bytes_max", "when_full", NULL };
	static const char *const when_full[] = { "stop", NULL };
	const struct tg_json *store = take_object(load, root, "store", load->job->store == NULL);
	int64_t bytes = TG_CONFIG_STORE_BYTES_DEFAULT;
	int choice = 0;

	if (store != NULL) {
		tg_json_only(store, members, load->problems);
		tg_json_take_text(store,
				  &(struct tg_json_rule){ .name = "path",
							  .required = load->job->store == NULL,
							  .min = 1,
							  .cap = TG_CONFIG_PATH_BYTES },
				  load->config->store_path, load->problems);
		tg_json_take_int(store,
				 &(struct tg_json_rule){
					 .name = "bytes_max", .min = BYTES_MIN, .max = BYTES_MAX },
				 &bytes, load->problems);
		tg_json_take_choice(
			store, &(struct tg_json_rule){ .name = "when_full", .choices = when_full },
			&choice, load->problems);
	}
	load->config->store_bytes_max = (uint64_t)bytes;
	if (load->job->store != NULL)
		snprintf(load->config->store_path, TG_CONFIG_PATH_BYTES, "%s", load->job->store);
}

static void take_log(const struct tg_config_load *load, const struct tg_json *root)
{
	static const char *const members[] = { "level", "format", NULL };
	static const char *const levels[] = { "error", "warning", "info", "debug", NULL };
	static const char *const formats[] = { "text", "json", NULL };
	const struct tg_json *log = take_object(load, root, "log", false);
	int level = TG_LOG_INFO, format = 0;

	if (log == NULL)
		return;
	tg_json_only(log, members, load->problems);
	tg_json_take_choice(log, &(struct tg_json_rule){ .name = "level", .choices = levels },
			    &level, load->problems);
	tg_json_take_choice(log, &(struct tg_json_rule){ .name = "format", .choices = formats },
			    &format, load->problems);
	load->config->log_level = (enum tg_log_level)level;
	load->config->log_json = format == 1;
}

static void take_ours(const struct tg_config_load *load, const struct tg_json *root)
{
	static const char *const members[] = { "name", "store", "log", "sources", "sinks", NULL };

	tg_json_only(root, members, load->problems);
	tg_config_take_name(load, root, load->config->name);
	tg_config_take_store(load, root);
	take_log(load, root);
	if (load->job->store_only)
		return;
	tg_config_take_sources(load, root);
	tg_config_take_sinks(load, root);
}

int tg_config_load(const struct tg_config_job *job, struct tg_config *config,
		   struct tg_problems *problems)
{
	const struct tg_config_load load = { job, config, problems };
	const struct tg_json *root = NULL;
	size_t mark = tg_arena_mark(job->scratch);

	*config = (struct tg_config){ .log_level = TG_LOG_INFO };
	problems->count = 0;
	if (job->store != NULL && strlen(job->store) >= TG_CONFIG_PATH_BYTES)
		tg_problem(problems, NULL, "--store", "is longer than %d bytes",
			   TG_CONFIG_PATH_BYTES - 1);
	root = tg_config_read(&load, job->file != NULL ? job->file : job->flat);
	if (root != NULL && job->file != NULL)
		take_ours(&load, root);
	else if (root != NULL)
		tg_config_take_flat(&load, root);
	tg_arena_rewind(job->scratch, mark);
	return problems->count == 0 ? TG_OK : TG_ERR_CONFIG;
}
