/* Goal: what a server tells of tables and indexes, and what a bookmark of the store holds, is read
 * without harm; a bookmark that is read is written back the same. Input: the bytes. */
#include "drivers/json/scan.h"
#include "drivers/rethink/bookmark.h"
#include "drivers/rethink/infer.h"
#include "drivers/rethink/stamp.h"
#include "drivers/rethink/table.h"
#include "tests/fuzz/fuzz.h"

static void read_bookmark(struct tg_view bytes)
{
	static uint8_t back[TG_RETHINK_BOOKMARK_BYTES_MAX];
	static struct tg_bookmark bookmark;

	if (tg_bookmark_read(bytes, &bookmark) != TG_OK)
		return;
	struct tg_view again = tg_bookmark_write(&bookmark, back);
	must(again.bytes == bytes.bytes || bookmark.front.bytes == 0);
	must(again.bytes == TG_BOOKMARK_HEAD_BYTES ||
	     memcmp(again.at + 4, bytes.at + 4, again.bytes - 4) == 0);
}

/* The readers are promised valid JSON, as the response scanner gives it. */
static bool is_json(struct tg_view bytes)
{
	struct tg_scan scan = { .watch_count = 0 };

	tg_scan_start(&scan);
	return tg_scan_feed(&scan, bytes.at, bytes.bytes, 0) == TG_OK && scan.pos == bytes.bytes;
}

static void read_answers(struct tg_view bytes)
{
	static struct tg_rethink_table table;
	static struct tg_member_name field, index;
	static struct tg_stamp_sample sample;
	static struct tg_infer infer;
	struct tg_stamp stamp;

	must(tg_member_set_text(&field, "ts"));
	(void)!tg_rethink_table_info(&table, bytes);
	(void)!tg_rethink_table_status(&table, bytes);
	(void)!tg_rethink_index_find(bytes, &field, &index);
	tg_stamp_sample_start(&sample, "");
	tg_stamp_sample_row(&sample, bytes);
	tg_stamp_choose(&sample, &stamp);
	tg_infer_start(&infer);
	tg_rethink_infer_row(&infer, bytes);
	tg_infer_end(&infer);
	must(infer.count <= CONFIG_TG_INFER_COLUMNS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tg_view bytes = tg_view_of(data, size);

	read_bookmark(bytes);
	(void)!tg_rethink_function_is_field(bytes, tg_view_str("\"ts\""));
	if (size > 0 && is_json(bytes))
		read_answers(bytes);
	return 0;
}
