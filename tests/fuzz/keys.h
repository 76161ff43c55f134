/* keys.h - what holds of every source's keys: one that is taken comes back as JSON that encodes to
 * the same bytes, and any two compare one way round. Included once by a harness.
 */
#ifndef TG_TESTS_FUZZ_KEYS_H
#define TG_TESTS_FUZZ_KEYS_H

#include "app/record.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX = 16384 };

struct coded {
	struct tg_key key;
	uint8_t at[TG_KEY_BYTES_MAX];
};

struct fuzz_keys {
	int (*encode)(struct tg_view json, uint8_t *at, size_t cap, struct tg_key *out);
	int (*json)(struct tg_view key, struct tg_out *out);
	int (*compare)(struct tg_key a, struct tg_key b);
	/* What else holds of two keys that compare as `order`; NULL: nothing. */
	void (*look)(const struct coded *one, const struct coded *other, int order);
};

static inline void there_and_back(const struct fuzz_keys *keys, const struct coded *coded)
{
	static uint8_t text[TEXT_MAX];
	static struct coded again;
	struct tg_out out = { .at = text, .cap = sizeof(text) };

	must(keys->json(coded->key.bytes, &out) == TG_OK);
	if (tg_out_overran(&out))
		return;
	must(keys->encode(tg_view_of(text, tg_out_filled(&out)), again.at, sizeof(again.at),
			  &again.key) == TG_OK);
	must(tg_view_same(again.key.bytes, coded->key.bytes));
	must(again.key.cmp_bytes == coded->key.cmp_bytes);
	must(keys->compare(again.key, coded->key) == 0);
}

static inline void compare(const struct fuzz_keys *keys, const struct coded *one,
			   const struct coded *other)
{
	int order = keys->compare(one->key, other->key);
	int back = keys->compare(other->key, one->key);

	must((order > 0) == (back < 0) && (order == 0) == (back == 0));
	if (keys->look != NULL)
		keys->look(one, other, order);
}

/* Each line of the input is the JSON of a key; each is compared with the one before. */
static inline void each_line(const struct fuzz_keys *keys, const uint8_t *data, size_t size)
{
	static struct coded coded[2];
	const uint8_t *at = data, *end = data + size;
	unsigned count = 0;

	while (at < end) {
		const uint8_t *found = memchr(at, '\n', (size_t)(end - at));
		found = found != NULL ? found : end;
		struct coded *now = &coded[count % 2];
		struct tg_view json = tg_view_of(at, (size_t)(found - at));
		at = found + 1;
		if (keys->encode(json, now->at, sizeof(now->at), &now->key) != TG_OK)
			continue;
		there_and_back(keys, now);
		if (++count >= 2)
			compare(keys, &coded[0], &coded[1]);
	}
}

#endif
