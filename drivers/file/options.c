#include "drivers/file/options.h"

#include "drivers/json/json.h"

enum { SECOND_MS = 1000 };

/* "0640" as chmod takes it. */
static void take_mode(struct tg_file_options *options, const struct tg_json *config,
		      struct tg_problems *problems)
{
	char text[5] = "0640";
	unsigned mode = 0;
	bool octal;

	tg_json_take_text(
		config,
		&(struct tg_json_rule){ .name = "mode", .min = 3, .max = 4, .cap = sizeof(text) },
		text, problems);
	octal = text[0] != '\0';
	for (const char *at = text; *at != '\0'; at++) {
		octal = octal && *at >= '0' && *at <= '7';
		mode = mode * 8 + (unsigned)(*at - '0');
	}
	if (!octal || (mode & 0600u) != 0600u || mode > 0777u)
		tg_problem(problems, config, "mode",
			   "\"%s\" is no file mode that lets the owner read and write (\"0640\")",
			   text);
	options->mode = mode;
}

static void take_path(struct tg_file_options *options, const struct tg_json *config,
		      struct tg_problems *problems)
{
	size_t bytes;

	tg_json_take_text(config,
			  &(struct tg_json_rule){ .name = "path",
						  .required = true,
						  .min = 1,
						  .max = TG_FOLDER_PATH_BYTES_MAX - 1,
						  .cap = sizeof(options->path) },
			  options->path, problems);
	options->standard = strcmp(options->path, "-") == 0;
	bytes = strlen(options->path);
	while (bytes > 1 && options->path[bytes - 1] == '/')
		options->path[--bytes] = '\0';
}

void tg_file_options_read(struct tg_file_options *options, const struct tg_json *config,
			  struct tg_problems *problems)
{
	static const char *const known[] = {
		"name",          "type", "streams", "shape",        "from",
		"columns",       "path", "layout",  "rotate_bytes", "rotate_seconds",
		"rotate_at_end", "mode", NULL
	};
	static const char *const layouts[] = { "per_stream", "one", NULL };
	int64_t bytes = 64 << 20, seconds = 3600;
	int layout = 0;

	memset(options, 0, sizeof(*options));
	options->rotate_at_end = true;
	tg_json_only(config, known, problems);
	take_path(options, config, problems);
	take_mode(options, config, problems);
	tg_json_take_choice(config, &(struct tg_json_rule){ .name = "layout", .choices = layouts },
			    &layout, problems);
	tg_json_take_int(config,
			 &(struct tg_json_rule){ .name = "rotate_bytes", .max = INT64_C(1) << 40 },
			 &bytes, problems);
	tg_json_take_int(config,
			 &(struct tg_json_rule){ .name = "rotate_seconds", .max = 366 * 86400 },
			 &seconds, problems);
	tg_json_take_bool(config, &(struct tg_json_rule){ .name = "rotate_at_end" },
			  &options->rotate_at_end, problems);
	options->one = layout == 1;
	options->rotate_bytes = (uint64_t)bytes;
	options->rotate_ms = (uint64_t)seconds * SECOND_MS;
}
