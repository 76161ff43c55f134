/* Goal: a page is taken apart the same however it is cut, rows lie inside what was received, and
 * nothing the server sends reads beyond it. Input: one byte that places the cuts and chooses the
 * kind, one for the largest document, then the body. */
#include "drivers/raven/page.h"
#include "tests/fuzz/fuzz.h"

/* A row's metadata always fits the window, as on every board. */
enum {
	DOC_BYTES_MIN = TG_SCAN_WATCH_BYTES_MAX + 64,
	ROOM_BYTES = 64,
	WINDOW_BYTES = DOC_BYTES_MIN + 255 + ROOM_BYTES,
};

/* What came of a body, however it was cut. */
struct outcome {
	uint64_t rows, bytes, hash;
	int rc;
};

static void mix(struct outcome *out, struct tg_view view)
{
	for (size_t i = 0; i < view.bytes; i++)
		out->hash = out->hash * 31 + view.at[i];
}

static bool inside(struct tg_view part, struct tg_view whole)
{
	return part.at >= whole.at && part.at + part.bytes <= whole.at + whole.bytes;
}

static void take_row(const struct tg_raven_page *page, const struct tg_raven_window *window,
		     struct outcome *out)
{
	const struct tg_raven_row *row = &page->row;

	out->rows++;
	out->bytes += row->bytes;
	out->hash = out->hash * 31 + row->oversize;
	mix(out, row->metadata);
	if (row->oversize)
		return;
	mix(out, row->body);
	must(row->body.bytes == row->bytes);
	must(inside(row->body, tg_view_of(window->at, window->fill)));
	must(row->metadata.bytes == 0 || inside(row->metadata, row->body));
}

struct cut {
	enum tg_raven_page_kind kind;
	size_t piece, doc_bytes_max;
};

static struct outcome run(struct tg_view body, struct cut cut)
{
	static struct tg_raven_page page;
	static uint8_t bytes[WINDOW_BYTES];
	struct tg_raven_window window = { .at = bytes };
	struct outcome out = { .rows = 0 };

	tg_raven_page_start(&page, cut.kind, cut.doc_bytes_max);
	for (size_t at = 0; at < body.bytes;) {
		size_t rest = window.fill - window.from, count = cut.doc_bytes_max + ROOM_BYTES;

		memmove(bytes, bytes + window.from, rest);
		window.from = 0;
		window.fill = rest;
		must(count > rest);
		count = count - rest < cut.piece ? count - rest : cut.piece;
		count = count < body.bytes - at ? count : body.bytes - at;
		memcpy(bytes + window.fill, body.at + at, count);
		window.fill += count;
		at += count;
		while (tg_raven_page_next(&page, &window) == TG_RAVEN_PAGE_ROW)
			take_row(&page, &window, &out);
	}
	out.rc = tg_raven_page_end(&page);
	must(page.tail_bytes <= sizeof(page.tail));
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct cut cut = { .kind = data[0] & 64 ? TG_RAVEN_PAGE_ALONE : TG_RAVEN_PAGE_LIST,
			   .piece = data[0] % ROOM_BYTES + 1u,
			   .doc_bytes_max = DOC_BYTES_MIN + (size_t)data[1] };
	struct cut single = { cut.kind, 1, cut.doc_bytes_max };
	struct tg_view body = tg_view_of(data + 2, size - 2);
	struct outcome one = run(body, single), many = run(body, cut);

	must(one.rc == many.rc && one.rows == many.rows && one.bytes == many.bytes);
	must(one.hash == many.hash);
	return 0;
}
