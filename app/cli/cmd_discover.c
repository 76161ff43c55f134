#include <inttypes.h>
#include <stdio.h>

#include "app/cli/drive.h"
#include "app/cli/print.h"

struct discovery {
	const char *source;
	bool json, first;
	bool partial; /* a stream cannot be read */
};

/* --- text --- */

static void print_columns(const struct tg_stream_report *stream)
{
	for (uint32_t i = 0; i < stream->column_count; i++) {
		const struct tg_column_report *column = &stream->columns[i];
		printf("    %-13s ", column->type[0] != '\0' ? column->type : "only null");
		tg_print_plain(stdout, column->name);
		if (column->rows < stream->sample_rows)
			printf("  (in %" PRIu32 " of %" PRIu32 " rows)", column->rows,
			       stream->sample_rows);
		if (column->other_rows > 0)
			printf("  (%s in %" PRIu32 " rows)", column->other_type,
			       column->other_rows);
		if (column->renamed)
			printf("  (renamed: another column has its name)");
		printf("\n");
	}
	if (stream->columns_left_out > 0)
		printf("    and %" PRIu32 " more columns\n", stream->columns_left_out);
}

static void print_stream(const struct discovery *discovery, const struct tg_stream_report *stream)
{
	printf("%s/", discovery->source);
	tg_print_plain(stdout, stream->name);
	if (stream->why != NULL) {
		printf("\n    cannot be read: %s\n", stream->why->text);
		return;
	}
	printf("  key ");
	tg_print_plain(stdout, stream->key);
	if (stream->rows_estimate > 0)
		printf(", about %" PRIu64 " rows", stream->rows_estimate);
	if (stream->indexes.bytes > 0) {
		printf(", indexes ");
		tg_print_plain(stdout, stream->indexes);
	}
	printf("\n    mode %s: %s\n", stream->mode, stream->mode_why);
	if (stream->misses[0] != '\0')
		printf("    misses: %s\n", stream->misses);
	print_columns(stream);
}

/* --- JSON --- */

static void print_json_columns(const struct tg_stream_report *stream)
{
	printf("[");
	for (uint32_t i = 0; i < stream->column_count; i++) {
		const struct tg_column_report *column = &stream->columns[i];
		bool first = true;
		printf("%s{", i == 0 ? "" : ",");
		tg_print_member(stdout, &first, "name");
		printf("\"%.*s\"", (int)column->name.bytes, (const char *)column->name.at);
		tg_print_member(stdout, &first, "type");
		if (column->type[0] != '\0')
			tg_print_string(stdout, tg_view_str(column->type));
		else
			printf("null");
		tg_print_member_number(stdout, &first, "rows", column->rows);
		tg_print_member_number(stdout, &first, "other_rows", column->other_rows);
		if (column->other_rows > 0)
			tg_print_member_text(stdout, &first, "other_type", column->other_type);
		if (column->renamed) {
			tg_print_member(stdout, &first, "renamed");
			printf("true");
		}
		printf("}");
	}
	printf("]");
}

static void print_json_details(const struct tg_stream_report *stream, bool *first)
{
	tg_print_member(stdout, first, "key");
	tg_print_string(stdout, stream->key);
	tg_print_member_number(stdout, first, "rows_estimate", stream->rows_estimate);
	tg_print_member(stdout, first, "indexes");
	tg_print_string(stdout, stream->indexes);
	tg_print_member_text(stdout, first, "mode", stream->mode);
	tg_print_member_text(stdout, first, "mode_why", stream->mode_why);
	tg_print_member_text(stdout, first, "misses", stream->misses);
	tg_print_member_number(stdout, first, "sample_rows", stream->sample_rows);
	tg_print_member(stdout, first, "columns");
	print_json_columns(stream);
	tg_print_member_number(stdout, first, "columns_left_out", stream->columns_left_out);
}

static void print_json_stream(const struct discovery *discovery,
			      const struct tg_stream_report *stream)
{
	char name[TG_STREAM_NAME_BYTES_MAX + TG_CONFIG_NAME_BYTES];
	bool first = true;

	snprintf(name, sizeof(name), "%s/%.*s", discovery->source, (int)stream->name.bytes,
		 (const char *)stream->name.at);
	printf("%s{", discovery->first ? "" : ",");
	tg_print_member_text(stdout, &first, "stream", name);
	if (stream->why != NULL)
		tg_print_member_text(stdout, &first, "error", stream->why->text);
	else
		print_json_details(stream, &first);
	printf("}");
}

/* --- */

static void tell_stream(void *context, const struct tg_stream_report *stream)
{
	struct discovery *discovery = context;

	if (discovery->json)
		print_json_stream(discovery, stream);
	else
		print_stream(discovery, stream);
	discovery->first = false;
	if (stream->why != NULL)
		discovery->partial = true;
}

/* Lines of a discovery that went wrong: cli->why repeats the one that ended it. */
static void tell_nothing(void *context, const struct tg_check_line *line)
{
	(void)context;
	(void)line;
}

int tg_cmd_discover(struct tg_cli *cli)
{
	struct discovery discovery = { .json = cli->args.json, .first = true };
	const struct tg_report report = { &discovery, tell_nothing, tell_stream };
	int code = TG_EXIT_OK;

	if (discovery.json)
		printf("{\"streams\":[");
	for (uint32_t i = 0; i < cli->config.source_count; i++) {
		const struct tg_config_source *source = &cli->config.sources[i];
		discovery.source = source->name;
		if (source->ops->discover == NULL)
			continue;
		if (tg_drive_source(cli, source, TG_DRIVE_DISCOVER, &report) != TG_OK)
			code = tg_cli_fail(cli, TG_ORIGIN_SOURCE);
	}
	if (discovery.json)
		printf("]}\n");
	if (code == TG_EXIT_OK && discovery.partial)
		code = TG_EXIT_PARTIAL;
	return tg_cli_done(code);
}
