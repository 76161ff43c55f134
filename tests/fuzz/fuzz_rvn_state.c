/* Goal: what a server tells of itself (statistics, topology, collections, tombstones), and what a
 * bookmark of the store holds, is read without harm; a bookmark that is read is written back the
 * same. Input: the bytes. */
#include "drivers/json/scan.h"
#include "drivers/raven/cursor.h"
#include "drivers/raven/names.h"
#include "drivers/raven/node.h"
#include "drivers/raven/stats.h"
#include "drivers/raven/tombs.h"
#include "tests/fuzz/fuzz.h"

static void read_bookmark(struct tg_view bytes)
{
	static uint8_t back[TG_RAVEN_CURSOR_BYTES_MAX];
	static struct tg_raven_cursor cursor, again;

	if (tg_raven_cursor_read(bytes, &cursor) != TG_OK)
		return;
	struct tg_view written = tg_raven_cursor_write(&cursor, back);
	must(tg_raven_cursor_read(written, &again) == TG_OK);
	must(again.phase == cursor.phase && again.place_count == cursor.place_count);
	must(again.vector_bytes == cursor.vector_bytes && again.after_bytes == cursor.after_bytes);
}

static void read_names(struct tg_view bytes)
{
	static struct tg_raven_name items[CONFIG_TG_RAVEN_COLLECTIONS_MAX];
	static uint8_t text[CONFIG_TG_RAVEN_NAMES_BYTES];
	static struct tg_raven_config config = { .collections = "*\0!Tmp*",
						 .collections_bytes = 8 };
	struct tg_raven_names names = { .items = items, .text = text };

	if (tg_raven_names_take(&names, &config, bytes) == TG_OK)
		for (uint32_t i = 0; i < names.count; i++)
			must(tg_raven_names_count(bytes, tg_raven_name_at(&names, i)) ==
			     items[i].count);
	must(names.used <= CONFIG_TG_RAVEN_NAMES_BYTES);
}

/* The readers are promised valid JSON, as the page scanner gives it. */
static bool is_json(struct tg_view bytes)
{
	struct tg_scan scan = { .watch_count = 0 };

	tg_scan_start(&scan);
	return tg_scan_feed(&scan, bytes.at, bytes.bytes, 0) == TG_OK && scan.pos == bytes.bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tg_raven_stats stats;
	static struct tg_raven_nodes nodes;
	struct tg_raven_tomb tomb;
	struct tg_view bytes = tg_view_of(data, size);

	read_bookmark(bytes);
	if (size == 0 || !is_json(bytes))
		return 0;
	(void)!tg_raven_stats_read(bytes, &stats);
	must(stats.vector_bytes <= sizeof(stats.vector));
	(void)!tg_raven_tomb_read(bytes, &tomb);
	memset(&nodes, 0, sizeof(nodes));
	(void)tg_raven_nodes_learn(&nodes, bytes);
	must(nodes.count <= TG_RAVEN_NODES_MAX);
	read_names(bytes);
	return 0;
}
