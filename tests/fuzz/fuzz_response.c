/* Goal: answers are taken apart the same however they are cut, rows lie inside what was received,
 * and nothing the server sends reads beyond it. Input: one byte that places the cuts, one for the
 * largest document, then the bytes of the wire. */
#include "drivers/rethink/response.h"
#include "tests/fuzz/fuzz.h"

enum { ROOM_BYTES = 64, WINDOW_BYTES = 64 + 255 + ROOM_BYTES };

/* What came of a stream, however it was cut. */
struct outcome {
	uint64_t rows, row_bytes, ends, types, hash;
	int rc;
};

static void take_row(const struct tg_response *response, const struct tg_window *window,
		     struct outcome *out)
{
	const struct tg_row *row = &response->row;

	out->rows++;
	out->row_bytes += row->bytes;
	out->hash = out->hash * 31 + (row->oversize ? row->hash : tg_row_hash(row->body));
	out->hash = out->hash * 31 + row->key.bytes;
	must(row->oversize || row->body.bytes == row->bytes);
	must(row->oversize || (row->body.at >= window->at &&
			       row->body.at + row->body.bytes <= window->at + window->fill));
	must(row->oversize || row->key.bytes == 0 ||
	     (row->key.at >= row->body.at &&
	      row->key.at + row->key.bytes <= row->body.at + row->body.bytes));
}

static int drain(struct tg_response *response, struct tg_window *window, struct outcome *out)
{
	struct tg_why why;
	int rc = tg_response_next(response, window, 1, &why);

	while (rc > TG_RESPONSE_MORE) {
		if (rc == TG_RESPONSE_ROW)
			take_row(response, window, out);
		if (rc == TG_RESPONSE_END) {
			out->ends++;
			out->types = out->types * 31 + (uint64_t)response->type;
		}
		rc = tg_response_next(response, window, 1, &why);
	}
	return rc;
}

static struct outcome run(struct tg_view wire, size_t piece, size_t doc_bytes_max)
{
	static struct tg_response response;
	static uint8_t bytes[WINDOW_BYTES];
	struct tg_window window = { .at = bytes, .cap = doc_bytes_max + ROOM_BYTES };
	struct outcome out = { .rc = TG_RESPONSE_MORE };

	tg_response_start(&response, doc_bytes_max);
	response.watch[0] = tg_view_str("id");
	response.watch[1] = tg_view_str("ts");
	for (size_t at = 0; at < wire.bytes && out.rc == TG_RESPONSE_MORE;) {
		size_t count = tg_window_room(&window, piece);
		must(count > 0);
		count = count < wire.bytes - at ? count : wire.bytes - at;
		memcpy(window.at + window.fill, wire.at + at, count);
		window.fill += count;
		at += count;
		out.rc = drain(&response, &window, &out);
	}
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	size_t piece = data[0] % ROOM_BYTES + 1u, doc_bytes_max = 64 + (size_t)data[1];
	struct tg_view wire = tg_view_of(data + 2, size - 2);
	struct outcome one = run(wire, 1, doc_bytes_max), cut = run(wire, piece, doc_bytes_max);

	/* A stream that breaks may break some bytes sooner or later. */
	if (one.rc < 0 || cut.rc < 0)
		return 0;
	must(one.rows == cut.rows && one.row_bytes == cut.row_bytes);
	must(one.ends == cut.ends && one.types == cut.types && one.hash == cut.hash);
	return 0;
}
