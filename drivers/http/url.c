#include "drivers/http/url.h"

#include <stdio.h>
#include <strings.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_host_byte(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
	       c == '-' || c == '_';
}

static const char *parse_scheme(const char **at, struct tg_url *out)
{
	if (strncasecmp(*at, "https://", 8) == 0) {
		out->tls = true;
		out->port = 443;
		*at += 8;
		return NULL;
	}
	if (strncasecmp(*at, "http://", 7) == 0) {
		out->port = 80;
		*at += 7;
		return NULL;
	}
	return "does not begin with https:// (or http://)";
}

static const char *copy_host(const char *from, size_t bytes, struct tg_url *out)
{
	if (bytes == 0)
		return "has no host";
	if (bytes >= sizeof(out->host))
		return "has a host name of more than 253 characters";
	memcpy(out->host, from, bytes);
	out->host[bytes] = '\0';
	return NULL;
}

static const char *parse_address6(const char **at, struct tg_url *out)
{
	const char *end = strchr(*at, ']');
	const char *from = *at + 1;

	if (end == NULL)
		return "has an IPv6 address without its closing bracket";
	for (const char *c = from; c < end; c++)
		if (!is_hex(*c) && *c != ':' && *c != '.')
			return "has a character in its IPv6 address that does not belong there";
	*at = end + 1;
	return copy_host(from, (size_t)(end - from), out);
}

static const char *parse_host(const char **at, struct tg_url *out)
{
	const char *from = *at;

	if (*from == '[')
		return parse_address6(at, out);
	while (is_host_byte(**at))
		(*at)++;
	return copy_host(from, (size_t)(*at - from), out);
}

static const char *parse_port(const char **at, struct tg_url *out)
{
	unsigned port = 0;

	if (**at != ':')
		return NULL;
	(*at)++;
	while (is_digit(**at) && port <= UINT16_MAX)
		port = port * 10 + (unsigned)(*(*at)++ - '0');
	if (port == 0 || port > UINT16_MAX)
		return "has no port between 1 and 65535 behind its colon";
	out->port = (uint16_t)port;
	return NULL;
}

static const char *parse_target(const char *at, struct tg_url *out)
{
	size_t used = 0;

	if (*at != '\0' && *at != '/' && *at != '?')
		return "has a character in its host name that does not belong there";
	if (*at != '/')
		out->target[used++] = '/';
	for (; *at != '\0'; at++) {
		if (*at == '#')
			return "has a fragment (#), which no server ever sees";
		if (*at <= ' ' || *at > '~' || strchr("\"<>\\^`{|}", *at) != NULL)
			return "has a character in its path that must be written as %XX";
		if (*at == '%' && (!is_hex(at[1]) || !is_hex(at[2])))
			return "has a % in its path without two hexadecimal digits";
		if (used + 1 >= sizeof(out->target))
			return "is too long";
		out->target[used++] = *at;
	}
	out->target[used] = '\0';
	return NULL;
}

static bool has_userinfo(const char *at)
{
	return memchr(at, '@', strcspn(at, "/?#")) != NULL;
}

static void write_authority(struct tg_url *url)
{
	bool six = strchr(url->host, ':') != NULL;
	bool usual = url->port == (url->tls ? 443 : 80);
	char port[8] = "";

	if (!usual)
		(void)snprintf(port, sizeof(port), ":%u", (unsigned)url->port);
	(void)snprintf(url->authority, sizeof(url->authority), "%s%s%s%s", six ? "[" : "",
		       url->host, six ? "]" : "", port);
}

const char *tg_url_parse(const char *text, struct tg_url *out)
{
	const char *fault;

	memset(out, 0, sizeof(*out));
	fault = parse_scheme(&text, out);
	if (fault == NULL && has_userinfo(text))
		return "carries a user before the @: give the secret as bearer or header";
	if (fault == NULL)
		fault = parse_host(&text, out);
	if (fault == NULL)
		fault = parse_port(&text, out);
	if (fault == NULL)
		fault = parse_target(text, out);
	if (fault == NULL)
		write_authority(out);
	return fault;
}

/* Four numbers and nothing else: `127.example.com` is a name like any other. */
static bool is_127(const char *host)
{
	unsigned dots = 0;

	if (strncmp(host, "127.", 4) != 0)
		return false;
	for (const char *c = host; *c != '\0'; c++) {
		if (*c == '.' && (c[1] == '\0' || c[1] == '.'))
			return false;
		if (*c != '.' && !is_digit(*c))
			return false;
		dots += *c == '.';
	}
	return dots == 3;
}

bool tg_url_is_loopback(const struct tg_url *url)
{
	return strcasecmp(url->host, "localhost") == 0 || strcmp(url->host, "::1") == 0 ||
	       is_127(url->host);
}
