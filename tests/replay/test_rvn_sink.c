/* Recorded answers of a real RavenDB to what a sink asks: each refusal of a batch, markers found
 * and missing, ids and values that are hard to carry. */
#include "tests/unit/raven_rig.h"

#include "drivers/raven/ident.h"
#include "drivers/raven/key.h"

#define FOLDER "tests/replay/ravendb/"

enum { FILE_BYTES_MAX = 1 << 17, WIRE_BYTES_MAX = 1 << 16 };

/* A request and its answer, as they went over the wire. */
struct pair {
	const struct tg_json *request;
	char answer[WIRE_BYTES_MAX];
	unsigned status;
};

static char file[FILE_BYTES_MAX];
static max_align_t json_memory[FILE_BYTES_MAX / sizeof(max_align_t) * 2];
static struct pair pair;

static const char *text_of(const struct tg_json *line, const char *member)
{
	return tg_json_text(tg_json_member(line, member));
}

static void load(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), FOLDER "%s", name);
	FILE *from = fopen(path, "r");
	TG_CHECK(from != NULL);
	size_t bytes = fread(file, 1, sizeof(file) - 1, from);
	TG_CHECK(feof(from));
	(void)fclose(from);
	file[bytes] = '\0';
}

/* The answer's bytes: a sized body, or its chunks. */
static void rebuild(const struct tg_json *line)
{
	struct tg_out out = { .at = (uint8_t *)pair.answer, .cap = sizeof(pair.answer) - 1 };
	const struct tg_json *chunks = tg_json_member(line, "chunks");
	char head[24];

	pair.status = (unsigned)tg_json_int(tg_json_member(line, "status"));
	tg_out_str(&out, text_of(line, "head"));
	tg_out_str(&out, text_of(line, "body"));
	for (const struct tg_json *chunk = chunks != NULL ? tg_json_first(chunks) : NULL;
	     chunk != NULL; chunk = tg_json_next(chunk)) {
		(void)snprintf(head, sizeof(head), "%zx\r\n", strlen(tg_json_text(chunk)));
		tg_out_str(&out, head);
		tg_out_str(&out, tg_json_text(chunk));
		tg_out_str(&out, "\r\n");
	}
	if (chunks != NULL)
		tg_out_str(&out, "0\r\n\r\n");
	TG_CHECK(!tg_out_overran(&out));
	pair.answer[out.total] = '\0';
}

/* Visits each request with its answer. */
static unsigned each(const char *name, void (*visit)(void))
{
	static struct tg_arena requests, answers;
	static max_align_t answer_memory[FILE_BYTES_MAX / sizeof(max_align_t) * 2];
	struct tg_why why;
	unsigned count = 0;

	load(name);
	for (char *at = file, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		const struct tg_json *line;
		bool answer = strstr(at, "\"from\": \"server\"") != NULL &&
			      strstr(at, "\"from\": \"server\"") < end;

		tg_arena_init(answer ? &answers : &requests, answer ? answer_memory : json_memory,
			      sizeof(json_memory));
		if (tg_json_parse(tg_view_of(at, (size_t)(end - at)), answer ? &answers : &requests,
				  &line, &why) != TG_OK)
			TG_FAIL("%s: %s", name, why.text);
		if (!answer && strcmp(text_of(line, "kind"), "request") == 0)
			pair.request = line;
		if (!answer || strcmp(text_of(line, "kind"), "response") != 0)
			continue;
		rebuild(line);
		visit();
		count++;
	}
	return count;
}

static bool asks(const char *what)
{
	return strncmp(text_of(pair.request, "head"), what, strlen(what)) == 0;
}

/* --- refusals --- */

static unsigned refusals;

/* What the reference says of each. */
static int wanted(void)
{
	static const struct {
		const char *type;
		int err;
	} by_type[] = {
		{ "ConcurrencyException", TG_ERR_NOT_READY },
		{ "DocumentCollectionMismatchException", TG_ERR_BATCH },
		{ "ArgumentException", TG_ERR_BATCH },
		{ "InvalidCommandTypeException", TG_ERR_NOT_READY }, /* never sent by us */
		{ "EndOfStreamException", TG_ERR_BATCH },
		{ "InvalidDataException", TG_ERR_BATCH },
		{ "InvalidOperationException", TG_ERR_BATCH },
		{ "DatabaseDoesNotExistException", TG_ERR_MISSING },
		{ "DatabaseDisabledException", TG_ERR_NOT_READY },
		{ "InvalidAuth", TG_ERR_PERMISSION },
	};

	for (size_t i = 0; i < sizeof(by_type) / sizeof(by_type[0]); i++) {
		char text[80];

		(void)snprintf(text, sizeof(text), "%s\",\"Message\"", by_type[i].type);
		if (strstr(pair.answer, text) != NULL)
			return by_type[i].err;
	}
	TG_FAIL("no verdict is written down for %.300s", pair.answer);
}

static void refuse(void)
{
	if (!asks("POST /databases/") || pair.status < 400 ||
	    strstr(text_of(pair.request, "head"), "/bulk_docs") == NULL)
		return;
	begin("");
	raven.refuse = "\"seq\":2";
	raven.refusal = pair.answer;
	int err = deliver(1, 3), want = wanted();
	if (err != want)
		TG_FAIL("%d, not %d: %.400s", err, want, pair.answer);
	TG_CHECK_INT(raven.applied, 0);
	TG_CHECK(strstr(rig.why.text, "around") == NULL); /* no payload of theirs */
	TG_CHECK_INT(server.connections, 1);
	raven.refuse = NULL;
	TG_CHECK_INT(deliver(1, 3), 0); /* the same delivery, once it is well again */
	TG_CHECK_INT(raven.applied, 1);
	end();
	refusals++;
}

TG_TEST(recorded_refusals_are_judged)
{
	TG_CHECK(each("bulk_docs_failures_6.2.4.jsonl", refuse) > 10);
	TG_CHECK(each("bulk_docs_success_6.2.4.jsonl", refuse) > 5);
	TG_CHECK(each("odd_values_6.2.4.jsonl", refuse) > 10);
	TG_CHECK(each("error_missing_database_6.2.4.jsonl", refuse) > 2);
	TG_CHECK(each("error_disabled_database_6.2.4.jsonl", refuse) > 2);
	TG_CHECK(each("https_403_database_not_permitted_6.2.4.jsonl", refuse) > 2);
	TG_CHECK(refusals > 15);
}

/* --- markers --- */

static unsigned found, missing;

/* Any document is as good as a marker here: it is not ours, and its version is taken. */
static void look(void)
{
	if (!asks("GET /databases/sink/docs?id=") || strstr(text_of(pair.request, "head"), "&id="))
		return;
	begin("");
	server_reply((struct server_reply){ .text = pair.answer });
	raven.refuse = "Commands";
	raven.refusal = "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n";
	const char *vector = strstr(pair.answer, "@change-vector\":\"");
	if (vector != NULL)
		(void)snprintf(raven.vector, sizeof(raven.vector), "%.*s",
			       (int)strcspn(vector + 17, "\""), vector + 17);
	/* The double takes the batch only with the version that was answered. */
	TG_CHECK_INT(deliver(1, 3), TG_ERR_NOT_READY);
	TG_CHECK_INT(raven.conflicts, 0);
	found += vector != NULL;
	missing += vector == NULL;
	end();
}

TG_TEST(recorded_documents_are_looked_at)
{
	(void)each("bulk_docs_failures_6.2.4.jsonl", look);
	(void)each("odd_values_6.2.4.jsonl", look);
	TG_CHECK(found >= 2);
	TG_CHECK(missing >= 1);
}

/* --- ids --- */

static unsigned ids;

static void same_id(void)
{
	const struct tg_source_ops ops = { .type = "ravendb", .key_encode = tg_raven_key_encode };
	struct tg_line line = { .ops = &ops,
				.instance = tg_view_str(instance),
				.stream = tg_view_str("ravendb/db/Odd") };
	const char *body = text_of(pair.request, "body");
	const char *answer = strstr(pair.answer, "\"@id\":");
	struct tg_ident id;
	uint8_t want[1024];

	if (pair.status != 201 || strstr(body, "\"@collection\":\"Odd\"") == NULL)
		return;
	TG_CHECK(answer != NULL);
	struct tg_members one = { .at = (const uint8_t *)answer + 6,
				  .end = (const uint8_t *)answer + strlen(answer) };
	struct tg_view none, json;
	TG_CHECK(tg_members_next(&one, &none, &json));
	int bytes = tg_json_unescape(json, want, sizeof(want));
	TG_CHECK_INT(tg_ident_make("{key}", &line, json, &id), 0);
	TG_CHECK_BYTES(id.at, id.bytes, want, (size_t)bytes);
	ids++;
}

TG_TEST(recorded_ids_come_out_as_they_were)
{
	(void)each("odd_ids_6.2.4.jsonl", same_id);
	TG_CHECK(ids >= 15);
}
