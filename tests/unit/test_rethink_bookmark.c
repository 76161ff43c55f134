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
	tg_bookmark_set(&mark.front,
			(struct tg_key){ .bytes = tg_view_of("Skey\0tail", 9), .cmp_bytes = 4 });
	return mark;
}

static void same_key(const struct tg_bookmark_key *a, const struct tg_bookmark_key *b)
{
	TG_CHECK_BYTES(a->at, a->bytes, b->at, b->bytes);
	TG_CHECK(a->bytes == 0 || a->cmp_bytes == b->cmp_bytes);
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
	same_key(&a->front, &b->front);
	same_key(&a->back, &b->back);
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

TG_TEST(rethink_bookmark_tells_where_both_ends_stand)
{
	struct tg_bookmark mark = sample(), back;

	tg_bookmark_set(&mark.back,
			(struct tg_key){ .bytes = tg_view_of("Szz", 3), .cmp_bytes = 3 });
	struct tg_view view = tg_bookmark_write(&mark, bytes);
	TG_CHECK_INT(view.bytes, TG_BOOKMARK_HEAD_BYTES + 4 + 9 + 4 + 3);
	TG_CHECK_INT(tg_bookmark_read(view, &back), TG_OK);
	same(&back, &mark);
	TG_CHECK_INT(tg_bookmark_get(&back.back).cmp_bytes, 3);
	for (size_t cut = 0; cut < view.bytes; cut++)
		TG_CHECK_INT(tg_bookmark_read(tg_view_of(view.at, cut), &back), TG_ERR_DAMAGED);
	bytes[2] = 1; /* one key, and another one behind it */
	TG_CHECK_INT(tg_bookmark_read(view, &back), TG_ERR_DAMAGED);
	TG_CHECK(back.front.bytes == 0 && back.back.bytes == 0);
}

TG_TEST(rethink_bookmark_holds_the_longest_keys)
{
	static uint8_t key[TG_KEY_BYTES_MAX];
	struct tg_bookmark mark = sample(), back;

	memset(key, 'k', sizeof(key));
	tg_bookmark_set(&mark.front, (struct tg_key){ .bytes = tg_view_of(key, sizeof(key)),
						      .cmp_bytes = sizeof(key) });
	tg_bookmark_set(&mark.back, tg_bookmark_get(&mark.front));
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
		TG_CHECK(back.pass == TG_PASS_NONE && back.front.bytes == 0);
		TG_CHECK_INT(back.time_ms, TG_TIME_NONE);
	}
	bytes[1] = 9;
	TG_CHECK_INT(tg_bookmark_read(view, &back), TG_ERR_DAMAGED);
	bytes[1] = TG_PASS_FULL;
	bytes[2] = 3;
	TG_CHECK_INT(tg_bookmark_read(view, &back), TG_ERR_DAMAGED);
	bytes[2] = 1;
	bytes[0] = 2;
	TG_CHECK_INT(tg_bookmark_read(view, &back), TG_ERR_NEWER);
}
