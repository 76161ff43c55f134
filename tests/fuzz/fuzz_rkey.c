/* Goal: a key that is taken comes back as JSON that encodes to the same bytes, and any two keys
 * compare one way round; bytes that are no encoding are named, never followed.
 * Input: lines, each the JSON of a key; the whole is also read as an encoded key. */
#include <stdlib.h>

#include "drivers/rethink/key.h"

enum { JSON_MAX = 16384 };

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
	static uint8_t json[JSON_MAX];
	static struct coded again;
	struct tg_out out = { .at = json, .cap = sizeof(json) };

	must(tg_rethink_key_json(coded->key.bytes, &out) == TG_OK);
	if (tg_out_overran(&out))
		return;
	must(tg_rethink_key_encode(tg_view_of(json, tg_out_filled(&out)), again.at,
				   sizeof(again.at), &again.key) == TG_OK);
	must(tg_view_same(again.key.bytes, coded->key.bytes));
	must(again.key.cmp_bytes == coded->key.cmp_bytes);
	must(tg_rethink_key_compare(again.key, coded->key) == 0);
}

static void decode(struct tg_view bytes)
{
	static uint8_t json[JSON_MAX];
	struct tg_out out = { .at = json, .cap = sizeof(json) };
	int rc = tg_rethink_key_json(bytes, &out);

	must(rc == TG_OK || rc == TG_ERR_DAMAGED);
	out = (struct tg_out){ .at = json, .cap = sizeof(json) };
	must(tg_rethink_key_term(bytes, &out) == rc || rc == TG_ERR_DAMAGED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct coded coded[2];
	const uint8_t *at = data, *end = data + size;
	unsigned count = 0;

	decode(tg_view_of(data, size));
	while (at < end) {
		const uint8_t *line = memchr(at, '\n', (size_t)(end - at));
		line = line != NULL ? line : end;
		struct coded *now = &coded[count % 2];
		struct tg_view json = tg_view_of(at, (size_t)(line - at));
		at = line + 1;
		if (tg_rethink_key_encode(json, now->at, sizeof(now->at), &now->key) != TG_OK)
			continue;
		there_and_back(now);
		if (++count < 2)
			continue;
		int order = tg_rethink_key_compare(coded[0].key, coded[1].key);
		int other = tg_rethink_key_compare(coded[1].key, coded[0].key);
		must((order > 0) == (other < 0) && (order == 0) == (other == 0));
	}
	return 0;
}
