/* fuzz_index_page.c - any bytes as an index page, as they are and under a right checksum.
 *
 * A page that passes its check is then used as the index uses it: read, cut in two, its cells
 * taken out.
 */
#include <stdint.h>
#include <string.h>

#include "app/crc32c.h"
#include "app/outbox/index_page.h"
#include "platform/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static uint8_t page[TG_INDEX_PAGE_BYTES], right[TG_INDEX_PAGE_BYTES];

static int compare(struct tg_key a, struct tg_key b)
{
	uint32_t both = a.cmp_bytes < b.cmp_bytes ? a.cmp_bytes : b.cmp_bytes;
	int order = memcmp(a.bytes.at, b.bytes.at, both);

	return order != 0 ? order : (a.cmp_bytes > b.cmp_bytes) - (a.cmp_bytes < b.cmp_bytes);
}

static void check_again(uint8_t *bytes)
{
	if (tg_index_page_count(bytes) == 0)
		return;
	tg_index_page_seal(bytes);
	TG_ASSERT(tg_index_page_check(bytes, tg_load_u32(page + 12), compare) == 0);
}

static void use_leaf(void)
{
	while (tg_index_page_count(page) > 0) {
		struct tg_index_spot spot = { .at = TG_INDEX_PAGE_HEADER_BYTES,
					      .seq_before = tg_index_page_base(page) };
		struct tg_index_cell cell;
		tg_index_leaf_read(page, spot.at, spot.seq_before, &cell);
		spot.end = cell.end;
		spot.seq_end = cell.seq;
		tg_index_leaf_mark(page, &cell, TG_INDEX_MISSING);
		tg_index_leaf_cut(page, &spot);
	}
	check_again(page);
}

static void use(void)
{
	enum tg_index_page_kind kind = tg_index_page_kind(page);
	uint64_t seq_before = 0;

	if (tg_index_page_count(page) > 2) {
		uint32_t cut = tg_index_page_middle(page, &seq_before);
		tg_index_page_init(right, kind, tg_load_u32(page + 12), 0);
		(void)tg_index_page_split(page, right, cut, seq_before);
		check_again(page);
		check_again(right);
	}
	if (kind == TG_INDEX_PAGE_LEAF)
		use_leaf();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	tg_crc32c_init();
	memset(page, 0, sizeof(page));
	if (bytes > sizeof(page))
		bytes = sizeof(page);
	if (bytes != 0)
		memcpy(page, data, bytes);
	uint32_t number = tg_load_u32(page + 12);
	bool passed = tg_index_page_check(page, number, compare) == 0;
	uint32_t used = tg_index_page_used(page);
	if (used < TG_INDEX_PAGE_HEADER_BYTES || used > TG_INDEX_PAGE_BYTES) {
		TG_ASSERT(!passed);
		return 0;
	}
	tg_store_u32(page, tg_crc32c(0, page + 4, used - 4));
	if (tg_index_page_check(page, number, compare) == 0)
		use();
	return 0;
}
