/* The same answers, fed whole and cut at every byte, through a window of every size. */
#include "drivers/rethink/response.h"
#include "tests/check.h"

static uint8_t stream[8192];
static size_t stream_bytes;
static uint8_t window_bytes[8192];
static struct tg_response response;
static struct tg_why why;
static char log_text[8192];
static bool in_frame;

static void put_frame(uint64_t token, const char *body)
{
	uint8_t *at = stream + stream_bytes;
	size_t bytes = strlen(body);

	for (unsigned i = 0; i < 8; i++)
		at[i] = (uint8_t)(token >> (8 * i));
	for (unsigned i = 0; i < 4; i++)
		at[8 + i] = (uint8_t)(bytes >> (8 * i));
	memcpy(at + 12, body, bytes);
	stream_bytes += 12 + bytes;
}

static void note(const char *text, struct tg_view view)
{
	size_t used = strlen(log_text);

	snprintf(log_text + used, sizeof(log_text) - used, "%s%.*s ", text, (int)view.bytes,
		 view.at != NULL ? (const char *)view.at : "");
}

static void note_row(const struct tg_row *row)
{
	char text[64];

	if (!row->oversize) {
		note("row:", row->body);
	} else {
		snprintf(text, sizeof(text), "big:%u:%016llx:", (unsigned)row->bytes,
			 (unsigned long long)row->hash);
		note(text, tg_view_of(NULL, 0));
	}
	note("key:", row->key);
	note("time:", row->time);
}

static int drain(struct tg_window *window)
{
	char text[32];

	for (;;) {
		int rc = tg_response_next(&response, window, 5, &why);
		if (rc < 0 || rc == TG_RESPONSE_MORE)
			return rc;
		if (rc == TG_RESPONSE_FRAME) { /* before anything else of it */
			TG_CHECK(response.token >= 5 && !in_frame);
			in_frame = true;
			continue;
		}
		TG_CHECK(in_frame);
		in_frame = rc != TG_RESPONSE_END;
		if (rc == TG_RESPONSE_ROW) {
			note_row(&response.row);
			continue;
		}
		snprintf(text, sizeof(text), "%s:%d/%d/%d", rc == TG_RESPONSE_TYPE ? "type" : "end",
			 (int)response.token, (int)response.type, (int)response.error);
		note(text, tg_view_of(NULL, 0));
	}
}

static int start(struct tg_window *window, size_t doc_bytes_max)
{
	tg_response_start(&response, doc_bytes_max);
	response.watch[0] = tg_view_str("id");
	response.watch[1] = tg_view_str("ts");
	log_text[0] = '\0';
	in_frame = false;
	*window = (struct tg_window){ .at = window_bytes, .cap = sizeof(window_bytes) };
	return TG_RESPONSE_MORE;
}

/* Feeds the stream in runs of `run` bytes after a first one of `first`. */
static int feed(size_t first, size_t run, size_t doc_bytes_max, size_t cap)
{
	struct tg_window window;
	int rc = start(&window, doc_bytes_max);

	window.cap = cap;
	for (size_t at = 0; at < stream_bytes && rc == TG_RESPONSE_MORE;) {
		size_t wanted = at == 0 && first > 0 ? first : run;
		if (wanted > stream_bytes - at)
			wanted = stream_bytes - at;
		size_t bytes = tg_window_room(&window, wanted);
		TG_CHECK(bytes > 0);
		memcpy(window.at + window.fill, stream + at, bytes);
		window.fill += bytes;
		at += bytes;
		rc = drain(&window);
	}
	return rc;
}

static void expect(const char *want)
{
	TG_CHECK_STR(log_text, want);
}

static void same_at_every_split(size_t doc_bytes_max, const char *want)
{
	for (size_t split = 0; split <= stream_bytes; split++) {
		TG_CHECK_INT(feed(split, stream_bytes, doc_bytes_max, sizeof(window_bytes)),
			     TG_RESPONSE_MORE);
		expect(want);
	}
	for (size_t run = 1; run < 9; run++) {
		TG_CHECK_INT(feed(0, run, doc_bytes_max, sizeof(window_bytes)), TG_RESPONSE_MORE);
		expect(want);
	}
}

TG_TEST(rethink_response_gives_rows_at_every_split)
{
	stream_bytes = 0;
	put_frame(4, "{\"t\":3,\"r\":[{\"late\":true}],\"n\":[]}");
	put_frame(5, "{\"t\":3,\"r\":[{\"id\":1,\"ts\":{\"a\":[2]}},{\"id\":\"x]},{\"}],\"n\":[]}");
	put_frame(5, "{\"t\":2,\"r\":[],\"n\":[]}");
	same_at_every_split(4096,
			    "type:5/3/0 row:{\"id\":1,\"ts\":{\"a\":[2]}} key:1 time:{\"a\":[2]} "
			    "row:{\"id\":\"x]},{\"} key:\"x]},{\" time: end:5/3/0 "
			    "type:5/2/0 end:5/2/0 ");
}

TG_TEST(rethink_response_takes_members_in_any_order_and_white_space)
{
	stream_bytes = 0;
	put_frame(6,
		  " { \"n\" : [ ] , \"r\" : [ {\"id\":1} , 2 ] , \"q\":{\"r\":[1]}, \"t\" : 1 } ");
	same_at_every_split(4096,
			    "row:{\"id\":1} key:1 time: row:2 key: time: type:6/1/0 end:6/1/0 ");
}

TG_TEST(rethink_response_reads_errors)
{
	stream_bytes = 0;
	put_frame(
		7,
		"{\"t\":18,\"e\":4100000,\"r\":[\"Table `a.b` does not exist.\"],\"b\":[0,\"x\"]}");
	same_at_every_split(4096, "type:7/18/0 row:\"Table `a.b` does not exist.\" key: time: "
				  "end:7/18/4100000 ");
}

/* Known answer: uuid.uuid5 of Python for the namespace and the row below. */
TG_TEST(rethink_response_hashes_as_the_server_does)
{
	TG_CHECK(tg_row_hash(tg_view_str("{\"id\":1}")) == UINT64_C(0xb6c0a2edf26f5d4c));
}

TG_TEST(rethink_response_walks_and_hashes_rows_that_do_not_fit)
{
	char body[700], row[600], want[200];

	for (unsigned fill = 80; fill < 90; fill++) {
		memset(row, 0, sizeof(row));
		snprintf(row, sizeof(row),
			 "{\"a\":\"%0*d\",\"id\":[1,\"k\"],\"ts\":7,\"z\":\"%0*d\"}", (int)fill, 0,
			 150, 0);
		snprintf(body, sizeof(body), "{\"t\":2,\"r\":[%s,{\"id\":2}],\"n\":[]}", row);
		snprintf(want, sizeof(want),
			 "type:9/2/0 big:%u:%016llx: key:[1,\"k\"] time:7 "
			 "row:{\"id\":2} key:2 time: end:9/2/0 ",
			 (unsigned)strlen(row), (unsigned long long)tg_row_hash(tg_view_str(row)));
		stream_bytes = 0;
		put_frame(9, body);
		for (size_t run = 1; run < 40; run++) {
			TG_CHECK_INT(feed(0, run, 64, 64 + 40), TG_RESPONSE_MORE);
			expect(want);
		}
	}
}

TG_TEST(rethink_response_drops_deep_rows)
{
	static char body[8000];
	size_t used = (size_t)sprintf(body, "{\"t\":2,\"r\":[{\"id\":3,\"a\":");

	memset(body + used, '[', CONFIG_TG_JSON_DEPTH_MAX + 10);
	memset(body + used + CONFIG_TG_JSON_DEPTH_MAX + 10, ']', CONFIG_TG_JSON_DEPTH_MAX + 10);
	strcat(body, "}]}");
	stream_bytes = 0;
	put_frame(9, body);
	TG_CHECK_INT(feed(0, 100, 8000, sizeof(window_bytes)), TG_RESPONSE_MORE);
	TG_CHECK(response.row.oversize && (response.row.flags & TG_SCAN_DEEP));
}

TG_TEST(rethink_response_refuses_what_is_no_answer)
{
	static const char *const wrong[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"t\":3,\"r\":[{]}",
		"{\"t\":3,\"r\":[{\"id\":1} {\"id\":2}]}",
		"{\"t\":3,\"r\":[{\"id\":1}",
		"{\"t\":3,\"r\":[{\"id\":1},",
		"{\"t\":3,\"r\":[\"cut",
		"{\"t\":\"3\",\"r\":[]}",
		"{\"t\":1e300,\"r\":[]}",
		"{\"t\":-1}",
		"{\"r\":[]}",
		"{\"t\":1}x",
		"{\"t\" 1}",
		"{7:1}",
		"{\"t\":1,}",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		stream_bytes = 0;
		put_frame(9, wrong[i]);
		put_frame(9, "{\"t\":1,\"r\":[]}");
		for (size_t run = 1; run < 60; run += 7)
			if (feed(0, run, 4096, sizeof(window_bytes)) != TG_ERR_PROTOCOL)
				TG_FAIL("\"%s\" was taken", wrong[i]);
	}
}

/* A key that does not fit is no key of RethinkDB's: its limit is 127 bytes. */
TG_TEST(rethink_response_refuses_an_endless_key)
{
	char body[700];

	snprintf(body, sizeof(body), "{\"t\":2,\"r\":[{\"id\":\"%0300d\"}]}", 0);
	stream_bytes = 0;
	put_frame(9, body);
	TG_CHECK_INT(feed(0, 20, 64, 64 + 40), TG_ERR_PROTOCOL);
}
