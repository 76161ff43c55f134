/* The same answers, fed whole and cut at every byte, through windows of several sizes. */
#include "drivers/raven/page.h"
#include "tests/check.h"

static uint8_t window_bytes[8192];
static struct tg_raven_page page;
static char log_text[16384];

static void note(const char *text, struct tg_view view)
{
	size_t used = strlen(log_text);

	snprintf(log_text + used, sizeof(log_text) - used, "%s%.*s ", text, (int)view.bytes,
		 view.at != NULL ? (const char *)view.at : "");
}

static void drain(struct tg_raven_window *window)
{
	char text[64];

	while (tg_raven_page_next(&page, window) == TG_RAVEN_PAGE_ROW) {
		const struct tg_raven_row *row = &page.row;
		if (row->oversize) {
			snprintf(text, sizeof(text), "big:%u:", (unsigned)row->bytes);
			note(text, tg_view_of(NULL, 0));
		} else {
			note("row:", row->body);
		}
		note("meta:", row->metadata);
	}
}

static void end(void)
{
	int rc = tg_raven_page_end(&page);

	if (page.index_named)
		note("index:", tg_view_str(page.index_name));
	if (page.stale != TG_RAVEN_STALE_UNSAID)
		note(page.stale == TG_RAVEN_STALE_YES ? "stale" : "fresh", tg_view_of(NULL, 0));
	note(rc == TG_OK ? "whole" : "broken:", tg_view_of(page.tail, page.tail_bytes));
}

struct cut {
	enum tg_raven_page_kind kind;
	size_t first, run, doc_bytes_max;
};

/* What the window may hold at most: a document, and a little of what follows it. */
static size_t move(struct tg_raven_window *window, size_t doc_bytes_max)
{
	size_t cap = doc_bytes_max + 64, rest = window->fill - window->from;

	memmove(window_bytes, window_bytes + window->from, rest);
	window->from = 0;
	window->fill = rest;
	return cap - rest;
}

static void feed(const char *text, struct cut cut)
{
	struct tg_raven_window window = { .at = window_bytes };
	size_t bytes = strlen(text), run = cut.first;

	log_text[0] = '\0';
	tg_raven_page_start(&page, cut.kind, cut.doc_bytes_max);
	for (size_t at = 0; at < bytes; run = cut.run) {
		size_t count = move(&window, cut.doc_bytes_max);
		TG_CHECK(count > 0);
		count = count < run ? count : run;
		count = count < bytes - at ? count : bytes - at;
		memcpy(window_bytes + window.fill, text + at, count);
		window.fill += count;
		at += count;
		drain(&window);
	}
	end();
}

/* Whole, at every first cut, and byte by byte. */
static void expect(enum tg_raven_page_kind kind, const char *text, const char *want)
{
	for (size_t first = 1; first <= strlen(text); first++) {
		feed(text, (struct cut){ kind, first, 8192, 4096 });
		TG_CHECK_STR(log_text, want);
	}
	feed(text, (struct cut){ kind, 1, 1, 4096 });
	TG_CHECK_STR(log_text, want);
}

#define META_A "{\"@collection\":\"Orders\",\"@id\":\"orders/1\"}"

TG_TEST(documents)
{
	expect(TG_RAVEN_PAGE_LIST,
	       "{\"Results\":[{\"a\":1,\"@metadata\":" META_A "},{\"@metadata\":{\"@id\":\"x\"}}]}",
	       "row:{\"a\":1,\"@metadata\":" META_A "} meta:" META_A
	       " row:{\"@metadata\":{\"@id\":\"x\"}} meta:{\"@id\":\"x\"} whole ");
	TG_CHECK_INT(page.rows, 2);
}

TG_TEST(no_rows)
{
	expect(TG_RAVEN_PAGE_LIST, "{\"Results\":[]}", "whole ");
	expect(TG_RAVEN_PAGE_LIST, "{ \"Results\" : [ ] } \r\n", "whole ");
}

TG_TEST(a_row_without_metadata)
{
	expect(TG_RAVEN_PAGE_LIST, "{\"Results\":[{\"n\":{\"@metadata\":{}}},null]}",
	       "row:{\"n\":{\"@metadata\":{}}} meta: row:null meta: whole ");
}

TG_TEST(tombstones_in_both_spellings)
{
	expect(TG_RAVEN_PAGE_LIST,
	       "{\"Tombstones\":[{\"Id\":\"a\",\"Etag\":3}],\"ContinuationToken\":null}",
	       "row:{\"Id\":\"a\",\"Etag\":3} meta: whole ");
	expect(TG_RAVEN_PAGE_LIST, "{\"Results\":[{\"Id\":\"a\",\"Etag\":3}]}",
	       "row:{\"Id\":\"a\",\"Etag\":3} meta: whole ");
}

TG_TEST(a_query_says_what_it_used_behind_the_rows)
{
	expect(TG_RAVEN_PAGE_LIST,
	       "{\"TotalResults\":1,\"IncludedPaths\":null,\"IndexName\":\"Auto/O/By@metadata\","
	       "\"Results\":[{\"a\":[1,2]}],\"Includes\":{\"x\":{}},\"IsStale\":true,"
	       "\"NodeTag\":\"A\"}",
	       "row:{\"a\":[1,2]} meta: index:Auto/O/By@metadata stale whole ");
	expect(TG_RAVEN_PAGE_LIST, "{\"IsStale\":false,\"Results\":[]}", "fresh whole ");
}

TG_TEST(one_value)
{
	expect(TG_RAVEN_PAGE_ALONE, "{\"a\":1} ", "row:{\"a\":1} meta: whole ");
	expect(TG_RAVEN_PAGE_ALONE, "\n[1,[2]]", "row:[1,[2]] meta: whole ");
}

TG_TEST(an_error_glued_behind_the_rows)
{
	expect(TG_RAVEN_PAGE_LIST,
	       "{\"Results\":[{\"a\":1}],\"Error\":\"E: no\"{\"Url\":\"/q\",\"Type\":\"X\"}",
	       "row:{\"a\":1} meta: broken:\"E: no\"{\"Url\":\"/q\",\"Type\":\"X\"} ");
	expect(TG_RAVEN_PAGE_LIST, "{\"Results\":[{\"a\":1}{\"Url\":\"/q\"}",
	       "row:{\"a\":1} meta: broken:{\"Url\":\"/q\"} ");
	expect(TG_RAVEN_PAGE_LIST, "{\"Results\":[{\"a\":1},{\"b\":{\"Url\":\"/q\"}",
	       "row:{\"a\":1} meta: broken: ");
	expect(TG_RAVEN_PAGE_LIST, "{\"Results\":[]}{\"Url\":\"/q\"}", "broken:{\"Url\":\"/q\"} ");
	expect(TG_RAVEN_PAGE_LIST, "{\"Results\":[],\"Error\":\"no\"}", "broken:\"no\"} ");
}

TG_TEST(an_error_inside_a_row)
{
	expect(TG_RAVEN_PAGE_LIST, "{\"Results\":[{\"a\":1,{\"Url\":\"/q\"}",
	       "broken:{\"Url\":\"/q\"} ");
}

TG_TEST(cut_off)
{
	static const char text[] = "{\"Results\":[{\"a\":1},{\"a\":2}],\"IsStale\":false}";
	char part[sizeof(text)];

	for (size_t bytes = 0; bytes < sizeof(text) - 1; bytes++) {
		memcpy(part, text, bytes);
		part[bytes] = '\0';
		feed(part, (struct cut){ TG_RAVEN_PAGE_LIST, 7, 3, 4096 });
		TG_CHECK_INT(tg_raven_page_end(&page), TG_ERR_PROTOCOL);
	}
	feed(text, (struct cut){ TG_RAVEN_PAGE_LIST, 7, 3, 4096 });
	TG_CHECK_INT(tg_raven_page_end(&page), TG_OK);
}

TG_TEST(an_object_without_a_list_is_no_page)
{
	expect(TG_RAVEN_PAGE_LIST, "{}", "broken: ");
	expect(TG_RAVEN_PAGE_LIST, "{\"Url\":\"/\",\"Type\":\"T\"}", "broken: ");
	expect(TG_RAVEN_PAGE_LIST, "\"Error\":\"Index nosuch does not exist\"",
	       "broken:\"Error\":\"Index nosuch does not exist\" ");
}

/* The metadata stands last, as the server writes it. */
static void big_document(char *text, size_t cap, unsigned bytes)
{
	size_t at = (size_t)snprintf(text, cap, "{\"Results\":[{\"a\":1},{\"s\":\"");

	memset(text + at, 'x', bytes);
	snprintf(text + at + bytes, cap - at - bytes, "\",\"@metadata\":" META_A "},{\"b\":2}]}");
}

TG_TEST(an_oversize_document_keeps_its_metadata)
{
	static char text[4096];

	for (unsigned bytes = 200; bytes < 2000; bytes += 171) {
		big_document(text, sizeof(text), bytes);
		for (size_t run = 1; run < 100; run += 13) {
			char want[256];
			feed(text, (struct cut){ TG_RAVEN_PAGE_LIST, run, run, 128 });
			snprintf(want, sizeof(want),
				 "row:{\"a\":1} meta: big:%u: meta:" META_A
				 " row:{\"b\":2} meta: whole ",
				 bytes + (unsigned)sizeof("{\"s\":\"\",\"@metadata\":" META_A "}") -
					 1);
			TG_CHECK_STR(log_text, want);
		}
	}
}

TG_TEST(a_document_too_deep_is_oversize)
{
	static char text[4096] = "{\"Results\":[{\"d\":";
	size_t at = strlen(text);

	for (unsigned i = 0; i < CONFIG_TG_JSON_DEPTH_MAX; i++)
		text[at++] = '[';
	for (unsigned i = 0; i < CONFIG_TG_JSON_DEPTH_MAX; i++)
		text[at++] = ']';
	memcpy(text + at, "}]}", 4);
	feed(text, (struct cut){ TG_RAVEN_PAGE_LIST, 11, 11, 4096 });
	TG_CHECK_INT(page.rows, 1);
	TG_CHECK(page.row.oversize);
	TG_CHECK_INT(tg_raven_page_end(&page), TG_OK);
}

TG_TEST(a_page_can_be_started_again)
{
	feed("{\"Results\":[{\"a\":", (struct cut){ TG_RAVEN_PAGE_LIST, 5, 5, 4096 });
	expect(TG_RAVEN_PAGE_LIST, "{\"Results\":[{\"a\":1}]}", "row:{\"a\":1} meta: whole ");
}
