/* Goal: an id that is taken comes back as JSON that encodes to the same bytes, ids compare one way
 * round and equal exactly when their lower cases are; bytes that are no encoding are named, never
 * followed.
 * Input: lines, each the JSON of an id; the whole is also read as an encoded key. */
#include <stdlib.h>

#include "drivers/raven/fold.h"
#include "drivers/raven/key.h"

enum { TEXT_MAX = 16384 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct coded {
	struct tg_key key;
	uint8_t at[TG_KEY_BYTES_MAX];
};

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void there_and_back(const struct coded *coded)
{
	static uint8_t text[TEXT_MAX];
	static struct coded again;
	struct tg_out out = { .at = text, .cap = sizeof(text) };

	must(tg_raven_key_json(coded->key.bytes, &out) == TG_OK);
	if (tg_out_overran(&out))
		return;
	must(tg_raven_key_encode(tg_view_of(text, tg_out_filled(&out)), again.at, sizeof(again.at),
				 &again.key) == TG_OK);
	must(tg_view_same(again.key.bytes, coded->key.bytes));
	must(again.key.cmp_bytes == coded->key.cmp_bytes);
}

static void compare(const struct coded *one, const struct coded *other)
{
	static uint8_t ids[2][TEXT_MAX];
	int order = tg_raven_key_compare(one->key, other->key);
	int back = tg_raven_key_compare(other->key, one->key);
	int a = tg_raven_key_id(one->key.bytes, ids[0], sizeof(ids[0]));
	int b = tg_raven_key_id(other->key.bytes, ids[1], sizeof(ids[1]));

	must((order > 0) == (back < 0) && (order == 0) == (back == 0) && a > 0 && b > 0);
	must(tg_fold_same(tg_view_of(ids[0], (size_t)a), tg_view_of(ids[1], (size_t)b)) ==
	     (order == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct coded coded[2];
	static uint8_t text[TEXT_MAX];
	const uint8_t *at = data, *end = data + size;
	unsigned count = 0;
	int rc = tg_raven_key_id(tg_view_of(data, size), text, sizeof(text));

	must(rc > 0 || rc == TG_ERR_DAMAGED || rc == TG_ERR_LIMIT);
	while (at < end) {
		const uint8_t *found = memchr(at, '\n', (size_t)(end - at));
		found = found != NULL ? found : end;
		struct coded *now = &coded[count % 2];
		struct tg_view json = tg_view_of(at, (size_t)(found - at));
		at = found + 1;
		if (tg_raven_key_encode(json, now->at, sizeof(now->at), &now->key) != TG_OK)
			continue;
		there_and_back(now);
		if (++count >= 2)
			compare(&coded[0], &coded[1]);
	}
	return 0;
}
