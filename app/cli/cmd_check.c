#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "app/cli/drive.h"
#include "app/cli/print.h"
#include "platform/clock.h"
#include "platform/file.h"

/* No certificate of today is valid before this: 2026-01-01T00:00:00Z. */
#define CLOCK_MIN_MS INT64_C(1767225600000)

struct check {
	struct tg_cli *cli;
	const char *source; /* whose lines are being told */
	int code;           /* of the first failure       */
};

/* One line: `ok`, or what to do. */
static void tell(struct check *check, enum tg_origin origin, const struct tg_check_line *line)
{
	printf("%-6s %-32s ", line->err == 0 ? "ok" : "FAILED", line->what);
	tg_print_plain(stdout, tg_view_str(line->text));
	printf("\n");
	fflush(stdout);
	if (line->err != 0 && check->code == TG_EXIT_OK)
		check->code = tg_exit_code(origin, line->err);
}

static void tell_source(void *context, const struct tg_check_line *line)
{
	struct check *check = context;
	char what[96];

	snprintf(what, sizeof(what), "%s: %s", check->source, line->what);
	tell(check, TG_ORIGIN_SOURCE,
	     &(struct tg_check_line){ .what = what, .err = line->err, .text = line->text });
}

/* --- this machine --- */

static void check_clock(struct check *check)
{
	struct tg_now now = tg_clock_now();
	bool wrong = now.wall_ms < CLOCK_MIN_MS;
	char at[TG_PRINT_SIZE_BYTES], text[160];

	snprintf(text, sizeof(text),
		 wrong ? "%s is long past: set the clock, or certificates are "
			 "refused and times of rows are wrong"
		       : "%s",
		 tg_print_moment(at, now.wall_ms));
	tell(check, TG_ORIGIN_SELF,
	     &(struct tg_check_line){ "clock", wrong ? TG_ERR_CONFIG : TG_OK, text });
}

/* Makes the folder, and in it writes, syncs and removes a file of one byte. */
static int try_store(const char *folder)
{
	char path[TG_CONFIG_PATH_BYTES + 32];
	int err = tg_file_make_folders(folder, 0750);

	if (err == TG_ERR_MISSING) /* something that is no folder is in the way */
		return TG_ERR_ACCESS;
	if (err != TG_OK)
		return err;
	snprintf(path, sizeof(path), "%s/check.tmp", folder);
	return tg_file_try(path, 0640);
}

static void check_store(struct check *check)
{
	const struct tg_config *config = &check->cli->config;
	char cap[TG_PRINT_SIZE_BYTES], space[TG_PRINT_SIZE_BYTES], text[TG_CONFIG_PATH_BYTES + 160];
	int err = try_store(config->store_path);
	struct statvfs disk = { .f_frsize = 0 };

	if (err != TG_OK) {
		snprintf(text, sizeof(text),
			 "%s cannot be written (%s): make it, or give this user "
			 "the right to",
			 config->store_path, tg_err_name(err));
	} else if (statvfs(config->store_path, &disk) != 0) {
		snprintf(text, sizeof(text), "%s can be written", config->store_path);
	} else {
		snprintf(text, sizeof(text),
			 "%s can be written; it may grow to %s, and the disk has "
			 "%s free",
			 config->store_path, tg_print_size(cap, config->store_bytes_max),
			 tg_print_size(space, (uint64_t)disk.f_frsize * disk.f_bavail));
	}
	tell(check, TG_ORIGIN_STORE, &(struct tg_check_line){ "store", err, text });
}

/* --- the two ends --- */

static void check_source(struct check *check, const struct tg_config_source *source)
{
	const struct tg_report report = { .context = check, .check = tell_source };
	int code = check->code;

	check->source = source->name;
	if (source->ops->check == NULL)
		return;
	int rc = tg_drive_source(check->cli, source, TG_DRIVE_CHECK, &report);
	/* What ended it was told as a line, unless it never came to that. */
	if (rc != TG_OK && check->code == code)
		tell(check, TG_ORIGIN_SOURCE,
		     &(struct tg_check_line){ source->name, rc, check->cli->why.text });
}

static void check_sink(struct check *check, const struct tg_config_sink *sink)
{
	struct tg_why *why = &check->cli->why;
	char text[TG_WHY_BYTES_MAX + 256];

	why->text[0] = '\0';
	int rc = tg_drive_probe(check->cli, sink);
	snprintf(text, sizeof(text), rc == TG_OK ? "%s (%s)" : "%s", why->text,
		 sink->ops->guarantee);
	tell(check, TG_ORIGIN_SINK, &(struct tg_check_line){ sink->name, rc, text });
}

int tg_cmd_check(struct tg_cli *cli)
{
	struct check check = { .cli = cli, .code = TG_EXIT_OK };
	const struct tg_config *config = &cli->config;
	const struct tg_args *args = &cli->args;
	const char *flat = args->rethinkdb != NULL ? args->rethinkdb : args->ravendb;
	const char *file = args->config != NULL ? args->config : flat;

	tell(&check, TG_ORIGIN_SELF, &(struct tg_check_line){ "configuration", TG_OK, file });
	if (cli->args.config_only)
		return tg_cli_done(check.code);
	check_clock(&check);
	check_store(&check);
	for (uint32_t i = 0; i < config->source_count; i++)
		check_source(&check, &config->sources[i]);
	for (uint32_t i = 0; i < config->sink_count; i++)
		check_sink(&check, &config->sinks[i]);
	return tg_cli_done(check.code);
}
