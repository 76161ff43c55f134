/* test_index_page.c - the bytes of one index page: written, changed, cut in two, and refused. */
#include "app/crc32c.h"
#include "app/outbox/index_page.h"
#include "tests/check.h"

enum { HEADER = TG_INDEX_PAGE_HEADER_BYTES };

static struct tg_key key_of(const char *text)
{
	return (struct tg_key){ tg_view_str(text), (uint32_t)strlen(text) };
}

static int compare(struct tg_key a, struct tg_key b)
{
	uint32_t both = a.cmp_bytes < b.cmp_bytes ? a.cmp_bytes : b.cmp_bytes;
	int order = memcmp(a.bytes.at, b.bytes.at, both);

	return order != 0 ? order : (a.cmp_bytes > b.cmp_bytes) - (a.cmp_bytes < b.cmp_bytes);
}

static void leaf_start(uint8_t *bytes, uint64_t base)
{
	tg_crc32c_init();
	tg_index_page_init(bytes, TG_INDEX_PAGE_LEAF, 7, base);
}

static struct tg_index_spot end_of(const uint8_t *bytes)
{
	struct tg_index_cell cell = { .end = HEADER, .seq = tg_index_page_base(bytes) };

	while (cell.end < tg_index_page_used(bytes))
		tg_index_leaf_read(bytes, cell.end, cell.seq, &cell);
	return (struct tg_index_spot){ cell.end, cell.end, cell.seq, cell.seq };
}

static void append(uint8_t *bytes, const char *key, uint64_t seq, uint32_t flags)
{
	struct tg_index_spot spot = end_of(bytes);
	struct tg_index_entry entry = { key_of(key), seq * 3, seq, flags };

	TG_CHECK(tg_index_leaf_put(bytes, &spot, &entry));
	TG_CHECK_INT(spot.end, tg_index_page_used(bytes));
}

/* Where the cell with this number lies. */
static struct tg_index_spot spot_of(const uint8_t *bytes, uint32_t number)
{
	struct tg_index_cell cell = { .end = HEADER, .seq = tg_index_page_base(bytes) };
	struct tg_index_spot spot = { .end = HEADER };

	for (uint32_t i = 0; i <= number; i++) {
		spot.at = cell.end;
		spot.seq_before = cell.seq;
		tg_index_leaf_read(bytes, cell.end, cell.seq, &cell);
		spot.end = cell.end;
		spot.seq_end = cell.seq;
	}
	return spot;
}

static void expect(const uint8_t *bytes, uint32_t number, const char *key, uint64_t seq)
{
	struct tg_index_spot spot = spot_of(bytes, number);
	struct tg_index_cell cell;

	tg_index_leaf_read(bytes, spot.at, spot.seq_before, &cell);
	TG_CHECK_BYTES(cell.key.bytes.at, cell.key.bytes.bytes, key, strlen(key));
	TG_CHECK(cell.seq == seq && cell.hash == seq * 3);
}

static int sealed_check(uint8_t *bytes)
{
	tg_index_page_seal(bytes);
	return tg_index_page_check(bytes, 7, compare);
}

/* The layout is on disks and is read by other machines: every byte is as the header says. */
TG_TEST(index_page_layout_is_fixed)
{
	static const uint8_t want[] = {
		0,   0,   0,   0,                     /* checksum, set below        */
		1,   1,   2,   0,                     /* leaf, version 1, 2 cells   */
		49,  0,   1,   0,                     /* used, 1 missing            */
		7,   0,   0,   0,                     /* page                       */
		100, 0,   0,   0,   0, 0, 0, 0,       /* base                       */
		2,   'a', 45,  1,   0, 0, 0, 0, 0, 0, /* key 1 byte, hash 301       */
		16,                                   /* zigzag(101 - 100) << 3     */
		7,   1,   'b', 'z', 'a',              /* 3 bytes, a tail of 1       */
	};
	uint8_t bytes[TG_INDEX_PAGE_BYTES];
	struct tg_key tailed = { tg_view_str("bza"), 2 };

	leaf_start(bytes, 100);
	struct tg_index_spot spot = end_of(bytes);
	struct tg_index_entry a = { key_of("a"), 301, 101, 0 };
	TG_CHECK(tg_index_leaf_put(bytes, &spot, &a));
	spot = end_of(bytes);
	struct tg_index_entry b = { tailed, 1, 99, TG_INDEX_MISSING };
	TG_CHECK(tg_index_leaf_put(bytes, &spot, &b));
	TG_CHECK_INT(sealed_check(bytes), 0);
	TG_CHECK_BYTES(bytes + 4, sizeof(want) - 4, want + 4, sizeof(want) - 4);
	TG_CHECK_INT(bytes[48], (3 << 3) | TG_INDEX_MISSING); /* zigzag(-2) is 3 */
	TG_CHECK_INT(tg_load_u32(bytes), tg_crc32c(0, bytes + 4, 45));
	for (uint32_t i = 49; i < TG_INDEX_PAGE_BYTES; i++)
		TG_CHECK_INT(bytes[i], 0);
}

TG_TEST(index_page_neighbours_keep_their_sequences)
{
	uint8_t bytes[TG_INDEX_PAGE_BYTES];

	leaf_start(bytes, 0);
	append(bytes, "b", 10, 0);
	append(bytes, "d", 11, 0);
	append(bytes, "f", TG_INDEX_SEQ_MAX, 0);
	append(bytes, "h", 1, 0);
	struct tg_index_spot spot = spot_of(bytes, 1);
	spot.end = spot.at;
	spot.seq_end = spot.seq_before;
	struct tg_index_entry entry = { key_of("c"), 3 << 20, 1 << 20, 0 };
	TG_CHECK(tg_index_leaf_put(bytes, &spot, &entry));
	expect(bytes, 0, "b", 10);
	expect(bytes, 1, "c", 1 << 20);
	expect(bytes, 2, "d", 11);
	spot = spot_of(bytes, 3);
	tg_index_leaf_cut(bytes, &spot);
	expect(bytes, 2, "d", 11);
	expect(bytes, 3, "h", 1);
	spot = spot_of(bytes, 0);
	tg_index_leaf_cut(bytes, &spot);
	expect(bytes, 0, "c", 1 << 20);
	TG_CHECK_INT(tg_index_page_count(bytes), 3);
	TG_CHECK_INT(sealed_check(bytes), 0);
}

TG_TEST(index_page_counts_what_is_missing)
{
	uint8_t bytes[TG_INDEX_PAGE_BYTES];
	struct tg_index_cell cell;

	leaf_start(bytes, 0);
	append(bytes, "a", 1, TG_INDEX_MISSING);
	append(bytes, "b", 2, TG_INDEX_OVERSIZE);
	append(bytes, "c", 300, 0);
	TG_CHECK_INT(tg_index_page_missing(bytes), 1);
	struct tg_index_spot spot = spot_of(bytes, 2);
	tg_index_leaf_read(bytes, spot.at, spot.seq_before, &cell);
	tg_index_leaf_mark(bytes, &cell, TG_INDEX_MISSING | TG_INDEX_OVERSIZE);
	TG_CHECK_INT(tg_index_page_missing(bytes), 2);
	expect(bytes, 2, "c", 300);
	spot = spot_of(bytes, 0);
	struct tg_index_entry entry = { key_of("a"), 3, 1, 0 };
	TG_CHECK(tg_index_leaf_put(bytes, &spot, &entry));
	TG_CHECK_INT(tg_index_page_missing(bytes), 1);
	TG_CHECK_INT(sealed_check(bytes), 0);
	spot = spot_of(bytes, 2);
	tg_index_leaf_cut(bytes, &spot);
	TG_CHECK_INT(tg_index_page_missing(bytes), 0);
	TG_CHECK_INT(sealed_check(bytes), 0);
}

/* A full page takes nothing more and stays as it was, and any cell of it can be replaced by a
 * smaller one. */
TG_TEST(index_page_full_is_left_alone)
{
	uint8_t bytes[TG_INDEX_PAGE_BYTES], before[TG_INDEX_PAGE_BYTES];
	uint8_t key[TG_KEY_BYTES_MAX] = { 0 };
	struct tg_index_entry entry = { { tg_view_of(key, 99), 99 }, 1, 1, 0 };
	uint32_t count = 0;

	leaf_start(bytes, 0);
	for (;; count++) {
		memset(key, (int)count + 1, sizeof(key));
		struct tg_index_spot spot = end_of(bytes);
		memcpy(before, bytes, sizeof(before));
		entry.seq = count % 2 == 0 ? TG_INDEX_SEQ_MAX : 0;
		if (!tg_index_leaf_put(bytes, &spot, &entry))
			break;
	}
	TG_CHECK(memcmp(before, bytes, sizeof(bytes)) == 0);
	TG_CHECK(TG_INDEX_PAGE_BYTES - tg_index_page_used(bytes) < 99 + 1 + 8 + 10);
	for (uint32_t i = 0; i < count; i++) {
		struct tg_index_spot spot = spot_of(bytes, i);
		entry.key.bytes = tg_view_of(key, 60 + i);
		entry.key.cmp_bytes = 60 + i;
		entry.seq = i;
		memset(key, (int)i + 1, sizeof(key));
		TG_CHECK(tg_index_leaf_put(bytes, &spot, &entry));
		TG_CHECK_INT(sealed_check(bytes), 0);
	}
}

TG_TEST(index_page_cut_at_every_place)
{
	uint8_t whole[TG_INDEX_PAGE_BYTES], left[TG_INDEX_PAGE_BYTES], right[TG_INDEX_PAGE_BYTES];
	char key[2] = "a";

	leaf_start(whole, 50);
	for (uint32_t i = 0; i < 20; i++, key[0]++)
		append(whole, key, i * i * 1000, i % 3 == 0 ? TG_INDEX_MISSING : 0);
	for (uint32_t cut = 0; cut < 20; cut++) {
		struct tg_index_spot spot = spot_of(whole, cut);
		memcpy(left, whole, sizeof(left));
		tg_index_page_init(right, TG_INDEX_PAGE_LEAF, 7, 0);
		TG_CHECK_INT(tg_index_page_split(left, right, spot.at, spot.seq_before), 0);
		TG_CHECK_INT(sealed_check(left) + sealed_check(right), 0);
		TG_CHECK_INT(tg_index_page_count(left), cut);
		TG_CHECK_INT(tg_index_page_missing(left) + tg_index_page_missing(right), 7);
		for (uint32_t i = 0; i < 20; i++) {
			key[0] = (char)('a' + i);
			expect(i < cut ? left : right, i < cut ? i : i - cut, key, i * i * 1000);
		}
	}
}

TG_TEST(index_page_inner_first_child_has_no_fence)
{
	uint8_t bytes[TG_INDEX_PAGE_BYTES], right[TG_INDEX_PAGE_BYTES];
	struct tg_index_cell cell;
	uint64_t no_seq;

	tg_crc32c_init();
	tg_index_page_init(bytes, TG_INDEX_PAGE_INNER, 7, 0);
	TG_CHECK_INT(sealed_check(bytes), TG_ERR_DAMAGED); /* no child at all */
	TG_CHECK(tg_index_inner_put(bytes, HEADER, tg_view_str("left out"), 40));
	for (char fence[] = "a"; fence[0] <= 'j'; fence[0]++)
		TG_CHECK(tg_index_inner_put(bytes, tg_index_page_used(bytes), tg_view_str(fence),
					    (uint32_t)fence[0]));
	TG_CHECK_INT(sealed_check(bytes), 0);
	uint32_t cut = tg_index_page_middle(bytes, &no_seq);
	tg_index_page_init(right, TG_INDEX_PAGE_INNER, 7, 0);
	TG_CHECK_INT(tg_index_page_split(bytes, right, cut, 0), 1);
	TG_CHECK_INT(sealed_check(bytes) + sealed_check(right), 0);
	TG_CHECK_INT(tg_index_page_count(bytes) + tg_index_page_count(right), 11);
	tg_index_inner_cut(right, HEADER);
	TG_CHECK_INT(sealed_check(right), 0);
	tg_index_inner_read(right, HEADER, &cell);
	TG_CHECK_INT(cell.key.bytes.bytes, 0);
}

TG_TEST(index_page_refuses_every_turned_bit)
{
	uint8_t bytes[TG_INDEX_PAGE_BYTES];

	leaf_start(bytes, 1);
	append(bytes, "left", 1, 0);
	append(bytes, "right", 200, TG_INDEX_DELETED);
	TG_CHECK_INT(sealed_check(bytes), 0);
	TG_CHECK_INT(tg_index_page_check(bytes, 8, compare), TG_ERR_DAMAGED);
	for (uint32_t bit = 0; bit < 8 * tg_index_page_used(bytes); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		TG_CHECK_INT(tg_index_page_check(bytes, 7, compare), TG_ERR_DAMAGED);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	TG_CHECK_INT(tg_index_page_check(bytes, 7, compare), 0);
}

/* Changes one byte under a right checksum. */
static int check_with(const uint8_t *whole, uint32_t at, uint8_t value)
{
	uint8_t bytes[TG_INDEX_PAGE_BYTES];

	memcpy(bytes, whole, sizeof(bytes));
	bytes[at] = value;
	tg_store_u32(bytes, tg_crc32c(0, bytes + 4, tg_index_page_used(whole) - 4));
	return tg_index_page_check(bytes, 7, compare);
}

TG_TEST(index_page_refuses_a_wrong_format_under_a_right_checksum)
{
	uint8_t bytes[TG_INDEX_PAGE_BYTES];

	leaf_start(bytes, 1);
	append(bytes, "b", 1, 0);
	append(bytes, "c", 2, 0);
	TG_CHECK_INT(sealed_check(bytes), 0);
	TG_CHECK_INT(check_with(bytes, 24, bytes[24]), 0);
	TG_CHECK_INT(check_with(bytes, 4, 3), TG_ERR_DAMAGED);      /* kind          */
	TG_CHECK_INT(check_with(bytes, 4, 2), TG_ERR_DAMAGED);      /* another kind  */
	TG_CHECK_INT(check_with(bytes, 5, 2), TG_ERR_DAMAGED);      /* version       */
	TG_CHECK_INT(check_with(bytes, 6, 3), TG_ERR_DAMAGED);      /* count         */
	TG_CHECK_INT(check_with(bytes, 10, 1), TG_ERR_DAMAGED);     /* missing       */
	TG_CHECK_INT(check_with(bytes, 12, 6), TG_ERR_DAMAGED);     /* page          */
	TG_CHECK_INT(check_with(bytes, 23, 0xff), TG_ERR_DAMAGED);  /* base too high */
	TG_CHECK_INT(check_with(bytes, 24, 0), TG_ERR_DAMAGED);     /* an empty key  */
	TG_CHECK_INT(check_with(bytes, 24, 0xfe), TG_ERR_DAMAGED);  /* a key too far */
	TG_CHECK_INT(check_with(bytes, 24, 3), TG_ERR_DAMAGED);     /* all is tail   */
	TG_CHECK_INT(check_with(bytes, 25, 'c'), TG_ERR_DAMAGED);   /* equal keys    */
	TG_CHECK_INT(check_with(bytes, 25, 'd'), TG_ERR_DAMAGED);   /* wrong order   */
	TG_CHECK_INT(check_with(bytes, 34, 0x11), TG_ERR_DAMAGED);  /* MISSING       */
	TG_CHECK_INT(check_with(bytes, 45, 0x80), TG_ERR_DAMAGED);  /* has no end    */
	TG_CHECK_INT(check_with(bytes, 34, 24), TG_ERR_DAMAGED);    /* before zero   */
	TG_CHECK_INT(tg_index_page_check(bytes, 7, NULL), 0);
}
