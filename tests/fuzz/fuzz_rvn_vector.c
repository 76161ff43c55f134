/* Goal: whatever a change vector holds, each of its entries is found by its id, and a vector that
 * can be read contains itself.
 * Input: two vectors with a line end between, the first also an ETag header. */
#include "drivers/raven/vector.h"
#include "tests/fuzz/fuzz.h"

static void walk(struct tg_view text)
{
	struct tg_raven_vector vector = tg_raven_vector_of(text);
	struct tg_raven_entry entry;
	uint8_t id[TG_RAVEN_ID_BYTES];
	char again[TG_RAVEN_ID_TEXT_BYTES];
	uint64_t etag;

	while (tg_raven_vector_next(&vector, &entry)) {
		must(tg_raven_vector_etag(text, entry.id, &etag) && etag >= entry.etag);
		if (tg_raven_id_bytes(entry.id, id) != TG_OK)
			continue;
		tg_raven_id_text(id, again);
		must(tg_view_same(entry.id, tg_view_of(again, sizeof(again))));
	}
	must(tg_raven_vector_covers(text, text) == !vector.strange);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *found = size == 0 ? NULL : memchr(data, '\n', size);
	size_t first = found == NULL ? size : (size_t)(found - data);
	struct tg_view one = tg_view_of(data, first);
	struct tg_view other = tg_view_of(data + size, 0);
	struct tg_view text;

	if (size > 4096)
		return 0;
	if (found != NULL)
		other = tg_view_of(found + 1, size - first - 1);
	walk(one);
	walk(other);
	if (tg_raven_vector_covers(one, other) && tg_raven_vector_covers(other, one))
		must(tg_raven_vector_covers(one, one));
	if (tg_raven_vector_of_header(one, &text) == TG_OK)
		walk(text);
	return 0;
}
