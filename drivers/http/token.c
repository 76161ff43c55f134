#include "drivers/http/token.h"

#include <strings.h>

#include "drivers/http/response.h"

bool tg_http_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int tg_http_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool tg_http_number(const char **at, uint64_t *out)
{
	uint64_t sum = 0;
	bool any = false;

	for (; tg_http_is_digit(**at); (*at)++) {
		sum = sum * 10 + (uint64_t)(**at - '0');
		any = true;
		if (sum > UINT64_C(1) << 58)
			return false;
	}
	*out = sum;
	return any;
}

bool tg_http_is_token(const char *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		bool letter = (at[i] >= 'a' && at[i] <= 'z') || (at[i] >= 'A' && at[i] <= 'Z');

		if (at[i] == '\0' || (!letter && !tg_http_is_digit(at[i]) &&
				      strchr("!#$%&'*+-.^_`|~", at[i]) == NULL))
			return false;
	}
	return bytes > 0;
}

bool tg_http_is_value(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text != '\t' && (*text < ' ' || *text > '~'))
			return false;
	return true;
}

/* The next element of a comma-separated list, without the spaces around it; moves on behind it. */
static struct tg_view next_element(const char **at)
{
	const char *from, *end;

	*at += strspn(*at, " \t,");
	from = *at;
	end = from + strcspn(from, ",");
	*at = end;
	while (end > from && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return tg_view_of(from, (size_t)(end - from));
}

static bool is_word(struct tg_view element, const char *token)
{
	return element.bytes == strlen(token) &&
	       strncasecmp((const char *)element.at, token, element.bytes) == 0;
}

bool tg_http_has_token(const char *list, const char *token)
{
	while (*list != '\0')
		if (is_word(next_element(&list), token))
			return true;
	return false;
}

bool tg_http_last_token(const char *list, const char *token)
{
	bool last = false;

	while (*list != '\0') {
		struct tg_view element = next_element(&list);

		if (element.bytes != 0)
			last = is_word(element, token);
	}
	return last;
}

void tg_http_keep(char *into, const char *value)
{
	size_t bytes = strlen(value);

	if (bytes >= TG_HTTP_VALUE_BYTES_MAX)
		bytes = TG_HTTP_VALUE_BYTES_MAX - 1;
	memcpy(into, value, bytes);
	into[bytes] = '\0';
}
