/* Goal: no server can lead the login astray: it ends, it is never logged in without the signature,
 * and sentences stay sentences. Input: one byte that places the cuts, then what the server says. */
#include "drivers/rethink/handshake.h"
#include "tests/fuzz/fuzz.h"

static struct tg_handshake hs;
static struct tg_scram_cache cache;
static const struct tg_login login = {
	.user = "admin", .password = "", .peer = "db:28015", .nonce = "cGxhaW5ub25jZTAwMDAwMDAx"
};

static void plain_sentence(const struct tg_why *why)
{
	must(why->err < 0 && memchr(why->text, '\0', sizeof(why->text)) != NULL);
	for (const char *at = why->text; *at != '\0'; at++)
		must((unsigned char)*at >= 0x20);
}

/* A few slices: an iteration count near the bound would take seconds. */
static void derive(void)
{
	for (int i = 0; i < 4 && tg_handshake_busy(&hs); i++)
		tg_handshake_step(&hs);
	tg_handshake_sent(&hs, tg_handshake_out(&hs).bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size == 0 ? 1 : (size_t)data[0] + 1;
	struct tg_why why = { .err = 0 };
	int rc = tg_handshake_start(&hs, &login, &cache, &why);

	memset(&cache, 0, sizeof(cache));
	must(rc == TG_OK);
	tg_handshake_sent(&hs, tg_handshake_out(&hs).bytes);
	rc = TG_ERR_AGAIN;
	for (size_t at = 1; at < size && rc == TG_ERR_AGAIN;) {
		size_t used = 0, bytes = size - at < piece ? size - at : piece;
		rc = tg_handshake_feed(&hs, tg_view_of(data + at, bytes), &used, &why);
		must(used <= bytes);
		derive();
		if (tg_handshake_busy(&hs))
			return 0;
		at += used == 0 ? bytes : used;
	}
	if (rc == TG_ERR_AGAIN)
		rc = tg_handshake_ended(&hs, TG_ERR_CLOSED, &why);
	if (rc != TG_OK)
		plain_sentence(&why);
	return 0;
}
