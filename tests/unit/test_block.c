/* Blocks: what goes in comes out, and what was damaged is told apart from what was not. */
#include "tests/check.h"

#include "app/crc32c.h"
#include "app/outbox/block.h"

static uint8_t value[TG_BLOCK_BYTES];
static struct tg_block block;

static struct tg_record upsert(const char *body, int64_t time_ms)
{
	return (struct tg_record){ .op = TG_UPSERT,
				   .body = tg_view_str(body),
				   .key_at = 6,
				   .key_bytes = 3,
				   .time_ms = time_ms };
}

TG_TEST(block_gives_back_what_was_added)
{
	struct tg_block_view view;
	struct tg_block_record read;
	struct tg_record deleted = { .op = TG_DELETE,
				     .body = tg_view_str("\"k\""),
				     .key_bytes = 3 };

	tg_crc32c_init();
	tg_block_start(&block, 7, 41);
	struct tg_record first = upsert("{\"id\":\"a1\",\"v\":1}", 1000);
	first.flags = TG_REC_PSEUDO | TG_REC_SURROGATE;
	struct tg_record second = upsert("{\"id\":\"a2\"}", 400);
	second.only_sink = 3;
	TG_CHECK(tg_block_add(&block, &first));
	TG_CHECK(tg_block_add(&block, &second));
	TG_CHECK(tg_block_add(&block, &deleted));
	tg_block_finish(&block, value);
	TG_CHECK_INT(tg_block_open(&view, tg_view_of(value, tg_block_bytes(&block))), 0);
	TG_CHECK_INT(view.stream, 7);
	TG_CHECK_INT(view.count, 3);
	TG_CHECK_INT(tg_block_read(&view, 0, &read), 0);
	TG_CHECK(tg_view_same(read.record.body, first.body));
	TG_CHECK_INT(read.record.flags, TG_REC_PSEUDO | TG_REC_SURROGATE);
	TG_CHECK_INT(read.record.seq, 41);
	TG_CHECK_INT(read.record.time_ms, 1000);
	TG_CHECK_INT(read.record.key_at, 6);
	TG_CHECK_INT(tg_block_read(&view, 1, &read), 0);
	TG_CHECK_INT(read.record.time_ms, 400);
	TG_CHECK_INT(read.record.only_sink, 3);
	TG_CHECK_INT(tg_block_read(&view, 2, &read), 0);
	TG_CHECK_INT(read.record.op, TG_DELETE);
	TG_CHECK(tg_view_same(read.record.body, deleted.body));
}

TG_TEST(block_fills_to_its_last_bytes_and_goes_on_when_loaded)
{
	struct tg_record record = upsert("{\"id\":\"a1\",\"value\":12345678901234567890}", 5);
	static struct tg_block again;
	uint32_t count = 0;

	tg_block_start(&block, 1, 1);
	while (count < 100) {
		TG_CHECK(tg_block_add(&block, &record));
		count++;
	}
	tg_block_finish(&block, value);
	TG_CHECK_INT(tg_block_load(&again, tg_view_of(value, tg_block_bytes(&block))), 0);
	while (tg_block_add(&again, &record))
		count++;
	TG_CHECK_INT(again.count, count);
	TG_CHECK(tg_block_bytes(&again) <= TG_BLOCK_BYTES);
	TG_CHECK(tg_block_bytes(&again) + 64 > TG_BLOCK_BYTES);
}

TG_TEST(block_enters_a_large_body_by_length_and_checksum)
{
	static uint8_t body[TG_BLOCK_BODY_MAX + 1];
	struct tg_record record = {
		.op = TG_UPSERT, .body = tg_view_of(body, sizeof(body)), .key_at = 1, .key_bytes = 2
	};
	struct tg_block_view view;
	struct tg_block_record read;

	tg_block_start(&block, 1, 1);
	TG_CHECK(tg_block_add(&block, &record));
	tg_block_finish(&block, value);
	TG_CHECK(tg_block_bytes(&block) < 100);
	TG_CHECK_INT(tg_block_open(&view, tg_view_of(value, tg_block_bytes(&block))), 0);
	TG_CHECK_INT(tg_block_read(&view, 0, &read), 0);
	TG_CHECK(read.large);
	TG_CHECK_INT(read.large_bytes, sizeof(body));
	TG_CHECK_INT(read.large_crc, tg_crc32c(0, body, sizeof(body)));
	TG_CHECK(tg_block_record_bytes(&view, 0) > sizeof(body));
}

/* Every bit of a block is under a checksum: header and table spoil the block, a record only itself.
 */
TG_TEST(block_tells_every_flipped_bit)
{
	struct tg_block_view view;
	struct tg_block_record read;
	struct tg_record record = upsert("{\"id\":\"a1\"}", 9);

	tg_block_start(&block, 1, 1);
	TG_CHECK(tg_block_add(&block, &record));
	TG_CHECK(tg_block_add(&block, &record));
	size_t bytes = tg_block_bytes(&block);
	for (size_t bit = 0; bit < bytes * 8; bit++) {
		tg_block_finish(&block, value);
		value[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if (tg_block_open(&view, tg_view_of(value, bytes)) < 0)
			continue;
		int first = tg_block_read(&view, 0, &read);
		int second = tg_block_read(&view, 1, &read);
		TG_CHECK((first == 0) != (second == 0));
	}
}
