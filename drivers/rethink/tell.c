#include "drivers/rethink/tell.h"

#include <inttypes.h>
#include <stdio.h>

#include "drivers/json/report.h"
#include "drivers/json/scan.h"

enum { TEXT_BYTES_MAX = TG_REPORT_TEXT_BYTES, TURNS_MAX = 64 };

static bool checking(const struct tg_rethink *source)
{
	return source->purpose == TG_FOR_CHECK;
}

static void tell(const struct tg_rethink *source, const char *what, int err, const char *text)
{
	tg_report_check(source->report, what, err, text);
}

/* --- the connection --- */

void tg_tell_login(const struct tg_rethink *source)
{
	char text[TEXT_BYTES_MAX];
	const char *tls = tg_link_tls(&source->link);

	if (!checking(source))
		return;
	snprintf(text, sizeof(text), "%s was reached", source->config.peer);
	tell(source, "address", TG_OK, text);
	if (source->config.target.tls != NULL) {
		snprintf(text, sizeof(text), "%s, the certificate is good", tls);
		tell(source, "tls", TG_OK, text);
	}
	snprintf(text, sizeof(text), "user %s, RethinkDB %s", source->config.user,
		 tg_link_version(&source->link));
	tell(source, "login", TG_OK, text);
}

void tg_tell_database(const struct tg_rethink *source)
{
	char text[TEXT_BYTES_MAX];

	if (!checking(source))
		return;
	snprintf(text, sizeof(text), "%s has %u tables that \"tables\" takes",
		 source->config.database, source->names.count);
	if (source->names.count == 0)
		snprintf(text, sizeof(text),
			 "%s has no table that \"tables\" takes; correct the patterns",
			 source->config.database);
	tell(source, "database", source->names.count == 0 ? TG_ERR_MISSING : TG_OK, text);
}

void tg_tell_clock(const struct tg_rethink *source)
{
	if (checking(source))
		tg_report_clock(source->report, source->server_ms - source->now.wall_ms,
				"timestamps are judged by the server's");
}

static const char *failed_part(const struct tg_rethink *source, int err)
{
	const char *part = tg_report_part(err);

	if (part != NULL)
		return part;
	if (source->phase == TG_PHASE_LOGIN)
		return tg_link_is_dialling(&source->link) ? "address" : "login";
	return source->phase == TG_PHASE_LIST ? "database" : "connection";
}

void tg_tell_failure(const struct tg_rethink *source, const struct tg_why *why)
{
	if (source->report->check != NULL)
		tell(source, failed_part(source, why->err), why->err, why->text);
}

/* --- a table --- */

static void check_table(const struct tg_rethink *source)
{
	char what[TG_WHAT_BYTES_MAX], text[TEXT_BYTES_MAX];

	tg_rethink_what(source, what, sizeof(what));
	if (source->failed) {
		tell(source, what, source->why.err, source->why.text);
		return;
	}
	snprintf(text, sizeof(text), "can be read; key %.*s, about %" PRIu64 " rows",
		 (int)source->table.key.bytes, source->table.key.json, source->table.rows_estimate);
	tell(source, what, TG_OK, text);
}

static const char *mode_why(const struct tg_rethink *source, const struct tg_rethink_rule *rule,
			    char *at, size_t cap)
{
	const struct tg_stamp *stamp = &source->stamp;

	if (rule->mode == TG_MODE_SNAPSHOT) {
		snprintf(at, cap, "exact: every pass reads all rows and sends those that changed");
	} else if (stamp->kind == TG_STAMP_NONE && source->sample.rows == 0) {
		snprintf(at, cap, "the table is empty; the next run looks again");
	} else if (stamp->kind == TG_STAMP_NONE) {
		snprintf(at, cap,
			 "no member of 95 in 100 sampled rows says when a row changed, so every "
			 "pass reads all rows");
	} else if (source->index.bytes > 0) {
		snprintf(at, cap, "by %.*s (%s) over the index %.*s", (int)stamp->field.bytes,
			 stamp->field.json, tg_stamp_kind_name(stamp->kind),
			 (int)source->index.bytes, source->index.json);
	} else {
		snprintf(at, cap,
			 "by %.*s (%s); without an index on it the server searches the whole "
			 "table each time",
			 (int)stamp->field.bytes, stamp->field.json,
			 tg_stamp_kind_name(stamp->kind));
	}
	return at;
}

static const char *misses_of(const struct tg_rethink *source, const struct tg_rethink_rule *rule,
			     char *at, size_t cap)
{
	const struct tg_stamp *stamp = &source->stamp;

	if (rule->mode == TG_MODE_SNAPSHOT || stamp->kind == TG_STAMP_NONE)
		return "";
	snprintf(at, cap,
		 "deleted rows, rows without %.*s, rows changed without touching it, and rows that "
		 "come more than %" PRId64 " s late",
		 (int)stamp->field.bytes, stamp->field.json, source->config.overlap_ms / 1000);
	size_t used = strlen(at);
	if (rule->mode == TG_MODE_AUTO)
		snprintf(at + used, cap - used, "; the full pass every %" PRId64 " h repairs that",
			 source->config.full_pass_ms / 3600000);
	return at;
}

static void discover_table(struct tg_rethink *source)
{
	static const char *const modes[] = { "snapshot", "timestamp", "auto" };
	const struct tg_rethink_rule *rule =
		tg_rethink_rule_of(&source->config, source->table.name);
	char why[TEXT_BYTES_MAX], misses[TEXT_BYTES_MAX];
	struct tg_stream_report report = {
		.name = tg_view_str(source->stream_name),
		.key = tg_member_bare(&source->table.key),
		.rows_estimate = source->table.rows_estimate,
		.indexes = tg_view_of(source->index_text, source->index_text_bytes),
		.mode = modes[rule->mode],
		.mode_why = mode_why(source, rule, why, sizeof(why)),
		.misses = misses_of(source, rule, misses, sizeof(misses)),
		.why = source->failed ? &source->why : NULL,
	};
	tg_report_stream(source->report, &report, source->infer);
}

void tg_tell_table(struct tg_rethink *source)
{
	if (checking(source))
		check_table(source);
	else
		discover_table(source);
}

/* --- indexes --- */

static void tell_index(struct tg_view index, struct tg_out *out)
{
	static const char *const marks[] = { "multi", "geo", "outdated" };
	struct tg_view name = tg_member_of(index, "index");

	tg_out_str(out, out->total > 0 ? ", " : "");
	if (name.bytes >= 2)
		tg_out_put(out, name.at + 1, name.bytes - 2);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (!tg_view_same(tg_member_of(index, marks[i]), tg_view_str("true")))
			continue;
		tg_out_str(out, " (");
		tg_out_str(out, marks[i]);
		tg_out_byte(out, ')');
	}
	if (tg_view_same(tg_member_of(index, "ready"), tg_view_str("false")))
		tg_out_str(out, " (not ready)");
}

void tg_tell_indexes(struct tg_rethink *source, struct tg_view list)
{
	struct tg_members members;
	struct tg_view name, value;
	struct tg_out out = { .at = (uint8_t *)source->index_text,
			      .cap = sizeof(source->index_text) };

	if (tg_members_start(&members, list) && !members.object)
		while (tg_members_next(&members, &name, &value))
			tell_index(value, &out);
	source->index_text_bytes = (uint32_t)tg_out_filled(&out);
}

/* --- the two commands --- */

static int run(struct tg_rethink *source, const struct tg_now *now, struct tg_why *why)
{
	struct tg_batch ignored;
	int rc = TG_OK;

	memset(&ignored, 0, sizeof(ignored));
	source->now = *now;
	for (unsigned i = 0; i < TURNS_MAX && rc == TG_OK && source->phase != TG_PHASE_DONE; i++)
		rc = tg_rethink_turn(source, &ignored, why);
	if (rc == TG_OK && source->phase != TG_PHASE_DONE)
		return TG_ERR_AGAIN;
	if (rc != TG_OK && rc != TG_ERR_AGAIN)
		tg_tell_failure(source, why);
	return rc;
}

int tg_rethink_check(void *state, const struct tg_now *now, const struct tg_report *report,
		     struct tg_why *why)
{
	struct tg_rethink *source = state;

	source->purpose = TG_FOR_CHECK;
	source->report = report;
	return run(source, now, why);
}

int tg_rethink_discover(void *state, const struct tg_now *now, const struct tg_report *report,
			struct tg_why *why)
{
	struct tg_rethink *source = state;

	source->purpose = TG_FOR_DISCOVER;
	source->report = report;
	return run(source, now, why);
}
