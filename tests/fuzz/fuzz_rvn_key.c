/* Goal: an id that is taken comes back as JSON that encodes to the same bytes, ids compare one way
 * round and equal exactly when their lower cases are; bytes that are no encoding are named, never
 * followed.
 * Input: lines, each the JSON of an id; the whole is also read as an encoded key. */
#include "drivers/raven/fold.h"
#include "drivers/raven/key.h"
#include "tests/fuzz/keys.h"

static void look(const struct coded *one, const struct coded *other, int order)
{
	static uint8_t ids[2][TEXT_MAX];
	int a = tg_raven_key_id(one->key.bytes, ids[0], sizeof(ids[0]));
	int b = tg_raven_key_id(other->key.bytes, ids[1], sizeof(ids[1]));

	must(a > 0 && b > 0);
	must(tg_fold_same(tg_view_of(ids[0], (size_t)a), tg_view_of(ids[1], (size_t)b)) ==
	     (order == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_keys keys = { .encode = tg_raven_key_encode,
					       .json = tg_raven_key_json,
					       .compare = tg_raven_key_compare,
					       .look = look };
	static uint8_t text[TEXT_MAX];
	int rc = tg_raven_key_id(tg_view_of(data, size), text, sizeof(text));

	must(rc > 0 || rc == TG_ERR_DAMAGED || rc == TG_ERR_LIMIT);
	each_line(&keys, data, size);
	return 0;
}
