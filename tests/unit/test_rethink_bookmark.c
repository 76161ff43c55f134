#include "drivers/rethink/bookmark.h"
#include "tests/check.h"

static uint8_t bytes[TG_RETHINK_BOOKMARK_BYTES_MAX];

static struct tg_bookmark sample(void)
{
	struct tg_bookmark mark;

	tg_bookmark_clear(&mark);
	mark.pass = TG_PASS_FILTER;
	memset(mark.uuid, 0xA5, sizeof(mark.uuid));
	mark.settings = UINT64_C(0x0102030405060708);
	mark.time_ms = -1;
	mark.pass_now_ms = 1700000000123;
	mark.pass_lower_ms = INT64_MAX;
	mark.full_pass_ms = 0;
	tg_bookmark_set_key(&mark, (struct tg_key){ .bytes = tg_view_of("Skey\0tail", 9),
						    .cmp_bytes = 4 });
	return mark;
}

static void same(const struct tg_bookmark *a, const struct tg_bookmark *b)
{
	TG_CHECK_INT(a->pass, b->pass);
	TG_CHECK(memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0);
	TG_CHECK(a->settings == b->settings);
	TG_CHECK_INT(a->time_ms, b->time_ms);
	TG_CHECK_INT(a->pass_now_ms, b->pass_now_ms);
	TG_CHECK_INT(a->pass_lower_ms, b->pass_lower_ms);
	TG_CHECK_INT(a->pass_newest_ms, b->pass_newest_ms);
	TG_CHECK_INT(a->full_pass_ms, b->full_pass_ms);
	TG_CHECK_INT(a->key_cmp_bytes, b->key_cmp_bytes);
	TG_CHECK_BYTES(a->key, a->key_bytes, b->key, b->key_bytes);
}

TG_TEST(rethink_bookmark_comes_back_as_written)
{
	struct tg_bookmark mark = sample(), back;
	struct tg_view view = tg_bookmark_write(&mark, bytes);

	TG_CHECK_INT(view.bytes, TG_BOOKMARK_HEAD_BYTES + 4 + 9);
	TG_CHECK_INT(tg_bookmark_read(view, &back), TG_OK);
	same(&back, &mark);
	tg_bookmark_clear(&mark);
	view = tg_bookmark_write(&mark, bytes);
	TG_CHECK_INT(tg_bookmark_read(view, &back), TG_OK);
	same(&back, &mark);
}

TG_TEST(rethink_bookmark_holds_the_longest_key)
{
	static uint8_t key[TG_KEY_BYTES_MAX];
	struct tg_bookmark mark = sample(), back;

	memset(key, 'k', sizeof(key));
	tg_bookmark_set_key(&mark, (struct tg_key){ .bytes = tg_view_of(key, sizeof(key)),
						    .cmp_bytes = sizeof(key) });
	struct tg_view view = tg_bookmark_write(&mark, bytes);
	TG_CHECK_INT(view.bytes, sizeof(bytes));
	TG_CHECK_INT(tg_bookmark_read(view, &back), TG_OK);
	same(&back, &mark);
}

TG_TEST(rethink_bookmark_refuses_other_versions_and_damage)
{
	struct tg_bookmark mark = sample(), back;
	struct tg_view view = tg_bookmark_write(&mark, bytes);

	for (size_t cut = 0; cut < view.bytes; cut++) {
		int rc = tg_bookmark_read(tg_view_of(view.at, cut), &back);
		TG_CHECK_INT(rc, TG_ERR_DAMAGED);
		TG_CHECK(back.pass == TG_PASS_NONE && back.key_bytes == 0);
		TG_CHECK_INT(back.time_ms, TG_TIME_NONE);
	}
	bytes[1] = 9;
	TG_CHECK_INT(tg_bookmark_read(view, &back), TG_ERR_DAMAGED);
	bytes[1] = TG_PASS_FULL;
	bytes[2] = 2;
	TG_CHECK_INT(tg_bookmark_read(view, &back), TG_ERR_DAMAGED);
	bytes[2] = 1;
	bytes[0] = 2;
	TG_CHECK_INT(tg_bookmark_read(view, &back), TG_ERR_NEWER);
}
