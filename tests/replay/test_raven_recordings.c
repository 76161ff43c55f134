/* The recorded conversations of real RavenDB servers (5.4.207, 6.2.4, 7.1.5): each answer is taken
 * apart at every size of piece, each document has an id, each refusal a class. */
#include "drivers/raven/answer.h"
#include "drivers/raven/key.h"
#include "drivers/raven/meta.h"
#include "drivers/raven/node.h"
#include "drivers/raven/page.h"
#include "drivers/raven/stats.h"
#include "drivers/raven/tombs.h"
#include "tests/replay/recordings.h"

#define FOLDER "tests/replay/ravendb"

enum { BODY_BYTES_MAX = 1 << 17 };

static char body[BODY_BYTES_MAX], target[4096];
static struct tg_raven_page page;
static unsigned documents, tombstones, refusals, states, topologies;

static struct {
	uint64_t rows, hash;
	int rc;
} result;

/* --- what rows must be --- */

static void take_document(const struct tg_raven_row *row)
{
	struct tg_raven_meta meta;
	uint8_t bytes[TG_KEY_BYTES_MAX];
	struct tg_key key;
	int64_t time_ms;

	TG_CHECK_INT(tg_raven_meta_read(&meta, row->metadata), TG_OK);
	TG_CHECK_INT(tg_raven_key_encode(meta.id, bytes, sizeof(bytes), &key), TG_OK);
	TG_CHECK_INT(tg_raven_time(meta.last_modified, &time_ms), TG_OK);
	TG_CHECK(meta.change_vector.bytes > 2);
	documents++;
}

static void take_tombstone(const struct tg_raven_row *row)
{
	struct tg_raven_tomb tomb;

	TG_CHECK_INT(tg_raven_tomb_read(row->body, &tomb), TG_OK);
	TG_CHECK(tomb.etag > 0);
	tombstones++;
}

static void take_alone(const struct tg_raven_row *row)
{
	static struct tg_raven_stats stats;
	static struct tg_raven_nodes nodes;

	if (strstr(target, "/stats") != NULL && strstr(target, "collections") == NULL &&
	    strstr(target, "essential") == NULL) {
		TG_CHECK_INT(tg_raven_stats_read(row->body, &stats), TG_OK);
		TG_CHECK_STR(stats.tag, "A");
		states++;
	} else if (strstr(target, "/topology?") != NULL) {
		memset(&nodes, 0, sizeof(nodes));
		nodes.tls = strstr(body, "https://") != NULL;
		TG_CHECK(tg_raven_nodes_learn(&nodes, row->body));
		TG_CHECK_INT(nodes.count, 1);
		TG_CHECK_STR(nodes.items[0].tag, "A");
		topologies++;
	}
}

static void take_row(bool first_time)
{
	const struct tg_raven_row *row = &page.row;

	for (size_t i = 0; i < row->body.bytes; i++)
		result.hash = result.hash * 31 + row->body.at[i];
	result.rows++;
	if (!first_time)
		return;
	if (strstr(target, "/docs?etag=") != NULL || strstr(target, "startsWith=") != NULL)
		take_document(row);
	else if (strstr(target, "replication/tombstones") != NULL)
		take_tombstone(row);
	else
		take_alone(row);
}

static void take_apart(enum tg_raven_page_kind kind, size_t piece)
{
	struct tg_raven_window window = { .at = (const uint8_t *)body };
	size_t bytes = strlen(body);

	memset(&result, 0, sizeof(result));
	tg_raven_page_start(&page, kind, CONFIG_TG_DOC_BYTES_MAX);
	while (window.fill < bytes) {
		window.fill += piece < bytes - window.fill ? piece : bytes - window.fill;
		while (tg_raven_page_next(&page, &window) == TG_RAVEN_PAGE_ROW)
			take_row(piece == SIZE_MAX);
	}
	result.rc = tg_raven_page_end(&page);
}

static void check_answer(enum tg_raven_page_kind kind)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 64, 1000 };

	take_apart(kind, SIZE_MAX);
	uint64_t rows = result.rows, hash = result.hash;
	TG_CHECK_INT(result.rc, TG_OK);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		take_apart(kind, pieces[i]);
		TG_CHECK_INT(result.rc, TG_OK);
		TG_CHECK(result.rows == rows && result.hash == hash);
	}
}

/* --- a recording --- */

static void join(const struct tg_json *line)
{
	const struct tg_json *chunks = tg_json_member(line, "chunks");
	size_t used = 0;

	body[0] = '\0';
	if (chunks == NULL) {
		snprintf(body, sizeof(body), "%s", tg_json_text(tg_json_member(line, "body")));
		return;
	}
	for (const struct tg_json *at = tg_json_first(chunks); at != NULL; at = tg_json_next(at))
		used += (size_t)snprintf(body + used, sizeof(body) - used, "%s", tg_json_text(at));
	TG_CHECK(used < sizeof(body));
}

static void check_refusal(unsigned status, const char *head)
{
	struct tg_raven_refusal refusal = { .status = status,
					    .body = tg_view_str(body),
					    .database_missing = strstr(head, "Database-Missing:") !=
								NULL,
					    .secured = true,
					    .peer = "peer",
					    .database = "seed" };
	struct tg_raven_judgement judged;
	struct tg_why why;

	TG_CHECK(tg_raven_judge(&refusal, &judged, &why) < 0);
	TG_CHECK(judged.fault != TG_RAVEN_FAULT_NONE && judged.fault != TG_RAVEN_FAULT_ALIEN);
	if (strstr(body, "DatabaseDoesNotExist") != NULL || refusal.database_missing)
		TG_CHECK_INT(judged.err, TG_ERR_MISSING);
	if (strstr(body, "is unknown to the server") != NULL)
		TG_CHECK_INT(judged.fault, TG_RAVEN_FAULT_UNKNOWN);
	if (strstr(body, "none was provided") != NULL)
		TG_CHECK_INT(judged.fault, TG_RAVEN_FAULT_NO_CERTIFICATE);
	if (strstr(body, "certificate") != NULL && strstr(body, "has expired on") != NULL)
		TG_CHECK_INT(judged.fault, TG_RAVEN_FAULT_EXPIRED);
	if (strstr(body, "Could not authorize access") != NULL)
		TG_CHECK_INT(judged.fault, TG_RAVEN_FAULT_FORBIDDEN);
	if (strstr(body, "DatabaseDisabledException") != NULL)
		TG_CHECK_INT(judged.fault, TG_RAVEN_FAULT_DISABLED);
	refusals++;
}

static bool is_list(void)
{
	return strstr(target, "/docs?etag=") != NULL || strstr(target, "startsWith=") != NULL ||
	       strstr(target, "replication/tombstones") != NULL ||
	       strstr(target, "/queries?") != NULL || strstr(target, "/streams/") != NULL;
}

static bool is_stream_of_another_kind(void)
{
	return strstr(target, "format=") != NULL || strstr(target, "smuggler") != NULL;
}

static void take_line(const struct tg_json *line)
{
	const char *kind = tg_json_text(tg_json_member(line, "kind"));
	const char *head = tg_json_text(tg_json_member(line, "head"));
	int64_t status = tg_json_int(tg_json_member(line, "status"));

	if (strcmp(kind, "request") == 0) {
		TG_CHECK(sscanf(head, "%*s %4095s", target) == 1);
		return;
	}
	if (strcmp(kind, "response") != 0)
		return;
	join(line);
	if (status >= 400)
		check_refusal((unsigned)status, head);
	else if (status == 200 && body[0] == '{' && !is_stream_of_another_kind() &&
		 strstr(body, "\"Error\":") == NULL)
		check_answer(is_list() ? TG_RAVEN_PAGE_LIST : TG_RAVEN_PAGE_ALONE);
}

static void take_file(const char *name)
{
	char *at = load(FOLDER, name);

	for (const struct tg_json *line; (line = next_line(&at)) != NULL;)
		take_line(line);
}

TG_TEST(every_recorded_answer_is_understood)
{
	TG_CHECK_INT(each(FOLDER, take_file), 39);
	TG_CHECK(documents > 200 && tombstones > 20 && refusals > 40);
	TG_CHECK(states >= 15 && topologies >= 3);
}
