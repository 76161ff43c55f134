#include "platform/crypto.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_three(const uint8_t *from, size_t count, char to[4])
{
	uint32_t bits = (uint32_t)from[0] << 16;

	if (count > 1)
		bits |= (uint32_t)from[1] << 8;
	if (count > 2)
		bits |= from[2];
	to[0] = alphabet[bits >> 18];
	to[1] = alphabet[(bits >> 12) & 63];
	to[2] = count > 1 ? alphabet[(bits >> 6) & 63] : '=';
	to[3] = count > 2 ? alphabet[bits & 63] : '=';
}

int tg_base64_encode(struct tg_view bytes, char *at, size_t cap)
{
	if (bytes.bytes > (size_t)INT32_MAX / 2 || (bytes.bytes + 2) / 3 * 4 > cap)
		return TG_ERR_LIMIT;
	size_t length = 0;
	for (size_t i = 0; i < bytes.bytes; i += 3) {
		encode_three(bytes.at + i, bytes.bytes - i, at + length);
		length += 4;
	}
	return (int)length;
}

static int digit_value(uint8_t digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	if (digit == '+')
		return 62;
	return digit == '/' ? 63 : -1;
}

/* What is left after the digits: only padding and line ends, and as much as the length allows. */
static bool tail_is_padding(struct tg_view text, size_t from, unsigned digits)
{
	unsigned padding = 0;

	for (size_t i = from; i < text.bytes; i++) {
		if (text.at[i] == '=')
			padding++;
		else if (text.at[i] != '\r' && text.at[i] != '\n')
			return false;
	}
	if (digits % 4 == 1)
		return false;
	return padding == 0 || padding == (4 - digits % 4) % 4;
}

int tg_base64_decode(struct tg_view text, uint8_t *at, size_t cap)
{
	uint32_t bits = 0;
	unsigned digits = 0;
	size_t length = 0, i = 0;

	if (text.bytes > (size_t)INT32_MAX)
		return TG_ERR_LIMIT;
	for (; i < text.bytes && text.at[i] != '='; i++) {
		if (text.at[i] == '\r' || text.at[i] == '\n')
			continue;
		int value = digit_value(text.at[i]);
		if (value < 0)
			return TG_ERR_PROTOCOL;
		bits = bits << 6 | (uint32_t)value;
		if (digits++ % 4 == 0)
			continue; /* the first of four completes no byte */
		if (length == cap)
			return TG_ERR_LIMIT;
		at[length++] = (uint8_t)(bits >> (6 - 2 * ((digits - 1) % 4)));
	}
	return tail_is_padding(text, i, digits) ? (int)length : TG_ERR_PROTOCOL;
}
