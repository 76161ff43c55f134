/* Goal: an answer means the same however it is cut, and nothing is written beyond the body's
 * buffer. Input: one byte that sets the pieces, one of which bit 0 says that the request was a
 * HEAD, then the answer. */
#include <stdlib.h>

#include "drivers/http/response.h"
#include "drivers/https/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_BYTES = 256, GUARD = 0xa5 };

static void must(bool condition)
{
	if (!condition)
		abort();
}

struct reading {
	struct tg_http_response response;
	uint8_t body[BODY_BYTES + 1];
	size_t used;
	int err;
};

static void read_all(struct reading *out, struct tg_view text, size_t piece, bool head_only)
{
	struct tg_why why;

	out->body[BODY_BYTES] = GUARD;
	out->used = 0;
	out->err = TG_ERR_AGAIN;
	tg_http_response_start(&out->response, out->body, BODY_BYTES, head_only);
	while (out->err == TG_ERR_AGAIN && out->used < text.bytes) {
		size_t run = text.bytes - out->used < piece ? text.bytes - out->used : piece, took;
		struct tg_view bytes = tg_view_of(text.at + out->used, run);

		out->err = tg_http_response_feed(&out->response, bytes, &took, &why);
		must(took <= run);
		must(out->err != TG_ERR_AGAIN || took == run);
		out->used += took;
	}
	if (out->err == TG_ERR_AGAIN)
		out->err = tg_http_response_end(&out->response, &why);
	must(out->body[BODY_BYTES] == GUARD);
	must(out->response.body_bytes <= BODY_BYTES);
}

/* What the HTTPS sink makes of it. */
static void judge(const struct tg_http_response *response)
{
	struct tg_https_context context = { .authority = "h", .took_some = true };
	struct tg_delivery delivery = { .first = 3, .last = 900 };
	struct tg_outcome outcome = { .refused_count = 0 };
	struct tg_why why;

	(void)!tg_https_verdict(response, &context, &why);
	must(tg_https_retry_after_ms(response, 0) <= UINT64_C(86400000));
	(void)!tg_https_refused(response, &delivery, &outcome, &why);
	must(outcome.refused_count <= TG_REFUSED_MAX);
	for (uint32_t i = 0; i < outcome.refused_count; i++)
		must(outcome.refused[i] >= 3 && outcome.refused[i] <= 900);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reading whole, pieces;
	struct tg_view text;

	if (size < 2)
		return 0;
	text = tg_view_of(data + 2, size - 2);
	read_all(&whole, text, text.bytes + 1, (data[1] & 1) != 0);
	read_all(&pieces, text, 1u + data[0] % 16u, (data[1] & 1) != 0);
	must(whole.err == pieces.err);
	if (whole.err != TG_OK)
		return 0;
	must(whole.response.status == pieces.response.status && whole.response.status >= 200);
	must(whole.response.body_bytes == pieces.response.body_bytes);
	must(memcmp(whole.body, pieces.body, whole.response.body_bytes) == 0);
	must(whole.response.keep_alive == pieces.response.keep_alive);
	judge(&whole.response);
	return 0;
}
