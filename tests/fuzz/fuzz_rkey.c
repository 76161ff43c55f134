/* Goal: a key that is taken comes back as JSON that encodes to the same bytes, and any two keys
 * compare one way round; bytes that are no encoding are named, never followed.
 * Input: lines, each the JSON of a key; the whole is also read as an encoded key. */
#include "drivers/rethink/key.h"
#include "tests/fuzz/keys.h"

static void decode(struct tg_view bytes)
{
	static uint8_t json[TEXT_MAX];
	struct tg_out out = { .at = json, .cap = sizeof(json) };
	bool cut;
	int rc = tg_rethink_key_json(bytes, &out);

	must(rc == TG_OK || rc == TG_ERR_DAMAGED);
	out = (struct tg_out){ .at = json, .cap = sizeof(json) };
	must(tg_rethink_key_term(bytes, &out, &cut) == rc || rc == TG_ERR_DAMAGED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_keys keys = { .encode = tg_rethink_key_encode,
					       .json = tg_rethink_key_json,
					       .compare = tg_rethink_key_compare };

	decode(tg_view_of(data, size));
	each_line(&keys, data, size);
	return 0;
}
