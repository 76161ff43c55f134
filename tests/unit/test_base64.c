#include "tests/check.h"

#include "platform/crypto.h"

/* RFC 4648, section 10. */
static const char *const pairs[][2] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

TG_TEST(base64_vectors)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char text[16];
		uint8_t bytes[16];
		int count = tg_base64_encode(tg_view_str(pairs[i][0]), text, sizeof(text));
		TG_CHECK(count >= 0);
		TG_CHECK_BYTES(text, (size_t)count, pairs[i][1], strlen(pairs[i][1]));
		count = tg_base64_decode(tg_view_str(pairs[i][1]), bytes, sizeof(bytes));
		TG_CHECK(count >= 0);
		TG_CHECK_BYTES(bytes, (size_t)count, pairs[i][0], strlen(pairs[i][0]));
	}
}

TG_TEST(base64_every_length_and_byte_comes_back)
{
	uint8_t from[256], back[256];
	char text[400];

	for (size_t bytes = 0; bytes <= sizeof(from); bytes++) {
		for (size_t i = 0; i < bytes; i++)
			from[i] = (uint8_t)(i * 7 + bytes);
		int count = tg_base64_encode(tg_view_of(from, bytes), text, sizeof(text));
		TG_CHECK_INT(count, (bytes + 2) / 3 * 4);
		count = tg_base64_decode(tg_view_of(text, (size_t)count), back, sizeof(back));
		TG_CHECK(count >= 0);
		TG_CHECK_BYTES(back, (size_t)count, from, bytes);
	}
}

static int decode(const char *text)
{
	uint8_t bytes[8];

	return tg_base64_decode(tg_view_str(text), bytes, sizeof(bytes));
}

TG_TEST(base64_decodes_what_rethinkdb_decodes)
{
	TG_CHECK_INT(decode("Zm8"), 2);
	TG_CHECK_INT(decode("Zg"), 1);
	TG_CHECK_INT(decode("Zm\r\n9v\n"), 3);
	TG_CHECK_INT(decode("Zg==\r\n"), 1);
}

TG_TEST(base64_refuses_the_rest)
{
	TG_CHECK_INT(decode("Z"), TG_ERR_PROTOCOL);
	TG_CHECK_INT(decode("Zm9v="), TG_ERR_PROTOCOL);
	TG_CHECK_INT(decode("Zg="), TG_ERR_PROTOCOL);
	TG_CHECK_INT(decode("Zg==Zg=="), TG_ERR_PROTOCOL);
	TG_CHECK_INT(decode("Z g="), TG_ERR_PROTOCOL);
	TG_CHECK_INT(decode("Zm9\x80"), TG_ERR_PROTOCOL);
	TG_CHECK_INT(decode("Zm9vZm9vZm9v"), TG_ERR_LIMIT);
	char text[7];
	TG_CHECK_INT(tg_base64_encode(tg_view_str("foob"), text, sizeof(text)), TG_ERR_LIMIT);
}
