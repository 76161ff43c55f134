/* Goal: the scanner says the same of a text however it is cut, and its members stay inside it.
 * Input: one byte that places the cuts, then the text. */
#include "drivers/json/scan.h"
#include "tests/fuzz/fuzz.h"

static void start(struct tg_scan *scan)
{
	scan->watch[0].name = tg_view_str("id");
	scan->watch[1].name = tg_view_str("ts");
	scan->watch_count = 2;
	tg_scan_start(scan);
}

/* Feeds pieces of `piece` bytes, what tg_scan_keep() gives free being left away. */
static int in_pieces(struct tg_scan *scan, struct tg_view text, size_t piece)
{
	int rc = TG_ERR_AGAIN;

	start(scan);
	for (size_t end = 0; rc == TG_ERR_AGAIN && end < text.bytes;) {
		uint64_t keep = tg_scan_keep(scan);
		end = text.bytes - end < piece ? text.bytes : end + piece;
		must(keep <= scan->pos);
		rc = tg_scan_feed(scan, text.at + keep, end - keep, keep);
		must(rc != TG_ERR_AGAIN || scan->pos == end);
	}
	return rc;
}

/* In what is not JSON, the last watched value may be missed or not. */
static void same(const struct tg_scan *a, const struct tg_scan *b, int rc)
{
	must(a->pos == b->pos && a->flags == b->flags);
	for (int i = 0; i < 2 && rc != TG_ERR_PROTOCOL; i++) {
		must(a->watch[i].bytes == b->watch[i].bytes);
		must(a->watch[i].bytes == 0 || a->watch[i].at == b->watch[i].at);
	}
}

static void walk(struct tg_view text)
{
	struct tg_members members;
	struct tg_view name, value;
	uint8_t plain[64];

	if (!tg_members_start(&members, text))
		return;
	while (tg_members_next(&members, &name, &value)) {
		must(name.at >= text.at && name.at + name.bytes <= text.at + text.bytes);
		must(value.at > text.at && value.at + value.bytes <= text.at + text.bytes);
		int bytes = tg_json_unescape(value, plain, sizeof(plain));
		must(bytes <= (int)sizeof(plain));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tg_scan whole, pieces;

	if (size < 2)
		return 0;
	struct tg_view text = tg_view_of(data + 1, size - 1);
	start(&whole);
	int rc = tg_scan_feed(&whole, text.at, text.bytes, 0);
	must(in_pieces(&pieces, text, 1) == rc);
	same(&whole, &pieces, rc);
	must(in_pieces(&pieces, text, 1 + data[0] % 32) == rc);
	same(&whole, &pieces, rc);
	walk(text);
	return 0;
}
