#include "drivers/raven/tell.h"

#include <inttypes.h>
#include <stdio.h>

#include "drivers/json/report.h"
#include "drivers/json/scan.h"
#include "drivers/raven/infer.h"

enum {
	TEXT_BYTES = TG_REPORT_TEXT_BYTES,
	NAME_BYTES = 200,
	TURNS_MAX = 64,
	DAY_MS = 86400000,
	DAYS_LOW = 30,
};

static bool checking(const struct tg_raven *source)
{
	return source->purpose == TG_RAVEN_FOR_CHECK;
}

static void tell(const struct tg_raven *source, const char *what, int err, const char *text)
{
	tg_report_check(source->report, what, err, text);
}

/* --- who we are --- */

static void text_of(struct tg_view json, char at[NAME_BYTES])
{
	int bytes = tg_json_unescape(json, (uint8_t *)at, NAME_BYTES - 1);

	at[bytes < 0 ? 0 : bytes] = '\0';
}

static void tell_certificate(const struct tg_raven *source, struct tg_view answer)
{
	char text[TEXT_BYTES], name[NAME_BYTES], clearance[NAME_BYTES];
	struct tg_view after = tg_member_of(answer, "NotAfter");
	int64_t end_ms;

	text_of(tg_member_of(answer, "Name"), name);
	text_of(tg_member_of(answer, "SecurityClearance"), clearance);
	if (tg_raven_time(after, &end_ms) != TG_OK) {
		snprintf(text, sizeof(text), "the server knows it as \"%s\" (%s)", name, clearance);
		tell(source, "certificate", TG_OK, text);
		return;
	}
	int64_t days = (end_ms - source->now.wall_ms) / DAY_MS;
	bool over = end_ms <= source->now.wall_ms;
	if (over)
		snprintf(text, sizeof(text),
			 "the server knows it as \"%s\" (%s), but it has expired: register a new "
			 "one",
			 name, clearance);
	else
		snprintf(text, sizeof(text),
			 "the server knows it as \"%s\" (%s); %" PRId64 " days until it expires%s",
			 name, clearance, days, days < DAYS_LOW ? ": renew it" : "");
	tell(source, "certificate", over ? TG_ERR_LOGIN_USER : TG_OK, text);
}

void tg_raven_tell_whoami(struct tg_raven *source, struct tg_view answer)
{
	char text[TEXT_BYTES];

	if (!checking(source))
		return;
	snprintf(text, sizeof(text), "%s was reached", source->talk.peer);
	tell(source, "address", TG_OK, text);
	if (!source->config.link.tls) {
		tell(source, "tls", TG_OK,
		     "none: the address is http, and every reader is an admin");
		return;
	}
	snprintf(text, sizeof(text), "%s, the server's certificate is good",
		 tg_raven_talk_secured(&source->talk));
	tell(source, "tls", TG_OK, text);
	source->refused = answer.bytes == 0;
	if (answer.bytes > 0)
		tell_certificate(source, answer);
	else
		tell(source, "certificate", TG_ERR_LOGIN_USER,
		     "the server does not know our client certificate, or got none: register it "
		     "there, and set certificate_file or certificate_base64");
}

/* --- the database --- */

void tg_raven_tell_stats(const struct tg_raven *source)
{
	const struct tg_raven_stats *stats = &source->stats;
	char text[TEXT_BYTES];

	if (!checking(source))
		return;
	snprintf(text, sizeof(text), "RavenDB %s, node %s of %u known",
		 source->talk.version[0] != '\0' ? source->talk.version : "(version not told)",
		 stats->tag, source->nodes.count);
	tell(source, "server", TG_OK, text);
	snprintf(text, sizeof(text), "%s has %" PRIu64 " documents%s", source->config.link.database,
		 stats->documents,
		 stats->conflicts > 0
			 ? "; some are in conflict and cannot be read: resolve them on the server"
			 : "");
	tell(source, "database", TG_OK, text);
	if (stats->attachments + stats->counters + stats->series > 0) {
		snprintf(text, sizeof(text),
			 "%" PRIu64 " attachments, %" PRIu64 " counters and %" PRIu64
			 " segments of time series are there and are not copied",
			 stats->attachments, stats->counters, stats->series);
		tell(source, "not copied", TG_OK, text);
	}
	if (stats->server_ms != INT64_MIN)
		tg_report_clock(source->report, stats->server_ms - source->now.wall_ms,
				"certificates are judged by both");
}

void tg_raven_tell_database(const struct tg_raven *source)
{
	char text[TEXT_BYTES];

	if (!checking(source))
		return;
	snprintf(text, sizeof(text), "%u that collection_name takes", source->names.count);
	if (source->names.count == 0)
		snprintf(text, sizeof(text),
			 "there is none that collection_name takes: correct the names");
	tell(source, "collections", source->names.count == 0 ? TG_ERR_MISSING : TG_OK, text);
}

static const char *failed_part(const struct tg_raven *source, int err)
{
	const char *part = tg_report_part(err);

	if (part != NULL)
		return part;
	switch (err) {
	case TG_ERR_LOGIN_USER:
	case TG_ERR_LOGIN_EMPTY:
		return "certificate";
	case TG_ERR_PERMISSION:
		return "permission";
	case TG_ERR_MISSING:
	case TG_ERR_NOT_READY:
		return "database";
	default:
		return source->step <= TG_STEP_WHOAMI ? "address" : "connection";
	}
}

/* --- a collection --- */

void tg_raven_tell_row(struct tg_raven *source, const struct tg_raven_row *row)
{
	struct tg_record record = { .op = TG_UPSERT, .body = row->body, .flags = row->flags };
	struct tg_raven_meta meta;

	if (row->oversize || tg_raven_meta_read(&meta, row->metadata) != TG_OK)
		return;
	source->sample_rows++;
	source->attached += tg_raven_meta_has(meta.flags, "HasAttachments");
	source->counted_rows += tg_raven_meta_has(meta.flags, "HasCounters");
	source->timed += tg_raven_meta_has(meta.flags, "HasTimeSeries");
	if (source->purpose == TG_RAVEN_FOR_DISCOVER)
		tg_raven_infer_row(source->infer, &record);
}

static void check_collection(const struct tg_raven *source)
{
	char what[TG_RAVEN_WHAT_BYTES], text[TEXT_BYTES];
	uint64_t count = source->names.items[source->name_at].count;

	tg_raven_what(source, what, sizeof(what));
	if (source->failed) {
		tell(source, what, source->why.err, source->why.text);
		return;
	}
	snprintf(text, sizeof(text), "can be read; %" PRIu64 " documents%s", count,
		 count == 0 ? ": is the name right?" : "");
	tell(source, what, TG_OK, text);
}

static const char *misses_of(const struct tg_raven *source, char *at, size_t cap)
{
	bool exact = source->config.mode == TG_RAVEN_EXACT;
	size_t used = 0;

	at[0] = '\0';
	if (!exact)
		used = (size_t)snprintf(
			at, cap,
			"deletes, imported documents, and documents changed while the "
			"server's index rests");
	if (source->attached + source->counted_rows + source->timed > 0 && used < cap)
		snprintf(at + used, cap - used,
			 "%sattachments (%u of %u sampled documents have some), counters (%u) and "
			 "time series (%u)",
			 used > 0 ? "; " : "", source->attached, source->sample_rows,
			 source->counted_rows, source->timed);
	return at;
}

static void discover_collection(struct tg_raven *source)
{
	bool exact = source->config.mode == TG_RAVEN_EXACT;
	char misses[TEXT_BYTES];
	struct tg_stream_report report = {
		.name = tg_view_str(source->stream_name),
		.key = tg_view_str("@id"),
		.rows_estimate = source->names.items[source->name_at].count,
		.mode = exact ? "exact" : "last_modified",
		.mode_why = exact ? "reads what changed in the order of its changes, and deletes"
				  : "asks for what has a newer @last-modified; this can lose rows",
		.misses = misses_of(source, misses, sizeof(misses)),
		.why = source->failed ? &source->why : NULL,
	};
	tg_report_stream(source->report, &report, source->infer);
}

void tg_raven_tell_collection(struct tg_raven *source)
{
	if (checking(source))
		check_collection(source);
	else
		discover_collection(source);
}

/* --- the two commands --- */

static int run(struct tg_raven *source, const struct tg_now *now, struct tg_why *why)
{
	struct tg_batch ignored;
	int rc = TG_OK;

	memset(&ignored, 0, sizeof(ignored));
	source->now = *now;
	for (unsigned i = 0; i < TURNS_MAX && rc == TG_OK && source->step != TG_STEP_DONE; i++)
		rc = tg_raven_turn(source, &ignored, why);
	source->idle = rc == TG_ERR_AGAIN;
	if (rc == TG_OK && source->step != TG_STEP_DONE)
		return TG_ERR_AGAIN;
	if (rc != TG_OK && rc != TG_ERR_AGAIN && source->report->check != NULL &&
	    !(source->refused && why->err == TG_ERR_LOGIN_USER))
		tell(source, failed_part(source, why->err), why->err, why->text);
	return rc;
}

/* What the first step of either command makes of a source that was started to read. */
static void begin(struct tg_raven *source, enum tg_raven_purpose purpose, enum tg_raven_step step)
{
	if (source->purpose == purpose)
		return;
	source->purpose = purpose;
	tg_raven_recall_stop(source);
	tg_raven_enter(source, TG_STEP_DOWN);
	tg_raven_enter(source, step);
}

int tg_raven_check(void *state, const struct tg_now *now, const struct tg_report *report,
		   struct tg_why *why)
{
	struct tg_raven *source = state;

	begin(source, TG_RAVEN_FOR_CHECK, TG_STEP_WHOAMI);
	source->report = report;
	return run(source, now, why);
}

int tg_raven_discover(void *state, const struct tg_now *now, const struct tg_report *report,
		      struct tg_why *why)
{
	struct tg_raven *source = state;

	begin(source, TG_RAVEN_FOR_DISCOVER, TG_STEP_STATS);
	source->report = report;
	return run(source, now, why);
}
