/* Goal: an answer means the same however it is cut, its body comes out whole and in order through a
 * receive buffer of any size, and nothing is written beyond a buffer. Input: one byte that sets
 * the pieces, one that sets the buffer and (bit 0) says that the request was a HEAD, then the
 * answer. */
#include "drivers/http/response.h"
#include "drivers/http/window.h"
#include "drivers/https/answer.h"
#include "tests/fuzz/fuzz.h"

enum { BODY_BYTES = 256, GUARD = 0xa5, ROOM_BYTES = 4096, KEPT_BYTES = 1 << 16, ETAG_BYTES = 12 };

struct reading {
	struct tg_http_response response;
	struct tg_http_window window;
	uint8_t body[BODY_BYTES + 1], room[ROOM_BYTES + 1];
	uint8_t kept[KEPT_BYTES]; /* the body as it came out */
	size_t kept_bytes;
	char etag[ETAG_BYTES + 1];
	struct tg_http_wanted wanted;
	int err;
};

static void start(struct reading *out, size_t room, bool head_only)
{
	out->body[BODY_BYTES] = GUARD;
	out->room[room] = GUARD;
	out->etag[ETAG_BYTES] = GUARD & 0x7f;
	out->kept_bytes = 0;
	out->err = TG_OK;
	out->window = (struct tg_http_window){ .at = out->room, .cap = room };
	out->wanted =
		(struct tg_http_wanted){ .name = "etag", .into = out->etag, .cap = ETAG_BYTES };
	tg_http_response_start(&out->response, out->body, BODY_BYTES, head_only);
	tg_http_response_want(&out->response, &out->wanted, 1);
}

static void understand(struct reading *out)
{
	struct tg_http_taken taken;
	struct tg_why why;

	while (out->err == TG_OK && !out->response.done) {
		struct tg_view raw = tg_http_window_raw(&out->window);

		if (raw.bytes == 0)
			return;
		out->err = tg_http_response_take(&out->response, raw, &taken, &why);
		must(out->err != TG_OK || (taken.used > 0 && taken.used <= raw.bytes));
		tg_http_response_keep(&out->response, taken.body);
		tg_http_window_use(&out->window, taken.used, taken.body.bytes);
	}
}

/* Takes all but `hold` bytes, as a reader of rows does. */
static void take(struct reading *out, size_t hold)
{
	struct tg_view body = tg_http_window_body(&out->window);
	size_t run = body.bytes > hold ? body.bytes - hold : 0;

	must(out->kept_bytes + run <= KEPT_BYTES);
	if (run > 0)
		memcpy(out->kept + out->kept_bytes, body.at, run);
	out->kept_bytes += run;
	tg_http_window_take(&out->window, run);
}

static void read_all(struct reading *out, struct tg_view text, size_t piece, size_t hold)
{
	struct tg_why why;

	while (out->err == TG_OK && !out->response.done && text.bytes > 0) {
		size_t room, run = text.bytes < piece ? text.bytes : piece;
		uint8_t *at = tg_http_window_room(&out->window, &room);

		must(room > 0);
		run = run < room ? run : room;
		memcpy(at, text.at, run);
		tg_http_window_fill(&out->window, run);
		text = tg_view_of(text.at + run, text.bytes - run);
		understand(out);
		take(out, hold);
	}
	take(out, 0);
	if (out->err == TG_OK && !out->response.done)
		out->err = tg_http_response_end(&out->response, &why);
	must(out->body[BODY_BYTES] == GUARD && out->room[out->window.cap] == GUARD);
	must(out->etag[ETAG_BYTES] == (GUARD & 0x7f) && strlen(out->etag) < ETAG_BYTES);
	must(out->response.body_bytes <= BODY_BYTES);
	must(out->kept_bytes == out->response.read_bytes);
}

/* What the HTTPS sink makes of it. */
static void judge(const struct tg_http_response *response)
{
	struct tg_https_context context = { .authority = "h", .took_some = true };
	struct tg_delivery delivery = { .first = 3, .last = 900 };
	struct tg_outcome outcome = { .refused_count = 0 };
	struct tg_why why;

	(void)!tg_https_verdict(response, &context, &why);
	must(tg_http_retry_after_ms(response, 0) <= UINT64_C(86400000));
	(void)!tg_https_refused(response, &delivery, &outcome, &why);
	must(outcome.refused_count <= TG_REFUSED_MAX);
	for (uint32_t i = 0; i < outcome.refused_count; i++)
		must(outcome.refused[i] >= 3 && outcome.refused[i] <= 900);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reading whole, pieces;
	struct tg_view text;

	if (size < 2 || size > KEPT_BYTES)
		return 0;
	text = tg_view_of(data + 2, size - 2);
	start(&whole, ROOM_BYTES, (data[1] & 1) != 0);
	read_all(&whole, text, ROOM_BYTES, 0);
	start(&pieces, 64u + data[1], (data[1] & 1) != 0);
	read_all(&pieces, text, 1u + data[0] % 16u, data[0] / 16u);
	must(whole.err == pieces.err);
	if (whole.err != TG_OK)
		return 0;
	must(whole.response.status == pieces.response.status && whole.response.status >= 200);
	must(whole.response.body_bytes == pieces.response.body_bytes);
	must(memcmp(whole.body, pieces.body, whole.response.body_bytes) == 0);
	must(whole.kept_bytes == pieces.kept_bytes);
	must(memcmp(whole.kept, pieces.kept, whole.kept_bytes) == 0);
	must(strcmp(whole.etag, pieces.etag) == 0 && whole.wanted.bytes == pieces.wanted.bytes);
	must(whole.response.keep_alive == pieces.response.keep_alive);
	judge(&whole.response);
	return 0;
}
