#include "drivers/raven/sink_options.h"

enum { RECORDS_MAX = 100000, BYTES_MAX = 64 << 20 };

static void take_template(const struct tg_json *config, const char *name,
			  char at[TG_TEMPLATE_BYTES_MAX], struct tg_problems *problems)
{
	tg_json_take_text(config,
			  &(struct tg_json_rule){ .name = name,
						  .min = 1,
						  .max = TG_TEMPLATE_BYTES_MAX - 1,
						  .cap = TG_TEMPLATE_BYTES_MAX },
			  at, problems);
}

static void take_templates(struct tg_raven_sink_options *options, const struct tg_json *config,
			   struct tg_problems *problems)
{
	const char *fault;

	memcpy(options->collection, "{table}", sizeof("{table}"));
	take_template(config, "id", options->id, problems);
	take_template(config, "collection", options->collection, problems);
	fault = options->id[0] != '\0' ? tg_template_id_fault(options->id) : NULL;
	if (fault != NULL)
		tg_problem(problems, config, "id", "%s", fault);
	fault = tg_template_collection_fault(options->collection);
	if (fault != NULL)
		tg_problem(problems, config, "collection", "%s", fault);
}

static void take_numbers(struct tg_raven_sink_options *options, const struct tg_json *config,
			 struct tg_problems *problems)
{
	int64_t records = 500, bytes = 4 << 20;

	tg_json_take_int(
		config,
		&(struct tg_json_rule){ .name = "batch_records", .min = 1, .max = RECORDS_MAX },
		&records, problems);
	tg_json_take_int(
		config, &(struct tg_json_rule){ .name = "batch_bytes", .min = 1, .max = BYTES_MAX },
		&bytes, problems);
	options->batch_records = (uint64_t)records;
	options->batch_bytes = (uint64_t)bytes;
}

void tg_raven_sink_options_read(struct tg_raven_sink_options *options, const struct tg_json *config,
				struct tg_problems *problems)
{
	static const char *const known[] = {
		"name",         "type",          "streams",     "shape",
		"from",         "columns",       "id",          "collection",
		"keep_expires", "batch_records", "batch_bytes", TG_RAVEN_LINK_MEMBERS,
		NULL,
	};

	memset(options, 0, sizeof(*options));
	tg_json_only(config, known, problems);
	/* The name itself was checked where all sinks' are. */
	(void)strncpy(options->name, tg_json_text(tg_json_member(config, "name")),
		      sizeof(options->name) - 1);
	take_templates(options, config, problems);
	tg_json_take_bool(config, &(struct tg_json_rule){ .name = "keep_expires" },
			  &options->keep_expires, problems);
	take_numbers(options, config, problems);
	tg_raven_link_read(&options->link, config, problems);
}
