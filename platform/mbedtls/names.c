#include "platform/mbedtls/session.h"

#include <arpa/inet.h>
#include <stdio.h>

/* Context-specific tags of GeneralName (RFC 5280, 4.2.1.6); mbedTLS keeps the raw tag byte. */
enum { SAN_DNS = 0x82, SAN_IP = 0x87 };

/* The 4 or 16 bytes of `name`, or 0 when it is no address. A zone ("%eth0") is not part of it. */
static size_t address_bytes(const char *name, uint8_t address[16])
{
	char text[64];
	size_t bytes = strcspn(name, "%");

	if (bytes >= sizeof(text))
		return 0;
	memcpy(text, name, bytes);
	text[bytes] = '\0';
	if (inet_pton(AF_INET, text, address) == 1)
		return 4;
	return inet_pton(AF_INET6, text, address) == 1 ? 16 : 0;
}

bool tg_tls_name_is_address(const char *name)
{
	uint8_t address[16];

	return address_bytes(name, address) != 0;
}

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

static bool same_text(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

/* "*.example.org" stands for one label before ".example.org", never for a whole public suffix. */
static bool wildcard_matches(struct tg_view pattern, struct tg_view name)
{
	const uint8_t *dot = memchr(name.at, '.', name.bytes);
	struct tg_view rest = tg_view_of(pattern.at + 1, pattern.bytes - 1);

	if (dot == NULL || dot == name.at || memchr(rest.at + 1, '.', rest.bytes - 1) == NULL)
		return false;
	size_t left = name.bytes - (size_t)(dot - name.at);
	return left == rest.bytes && same_text(dot, rest.at, left);
}

static bool dns_matches(struct tg_view pattern, struct tg_view name)
{
	if (name.bytes > 0 && name.at[name.bytes - 1] == '.')
		name.bytes--; /* the root's dot is not written in certificates */
	if (pattern.bytes > 3 && pattern.at[0] == '*' && pattern.at[1] == '.')
		return wildcard_matches(pattern, name);
	return pattern.bytes == name.bytes && same_text(pattern.at, name.at, name.bytes);
}

bool tg_tls_name_matches(const mbedtls_x509_crt *crt, const char *name)
{
	uint8_t address[16];
	size_t bytes = address_bytes(name, address);

	for (const mbedtls_x509_sequence *at = &crt->subject_alt_names; at != NULL; at = at->next) {
		struct tg_view held = tg_view_of(at->buf.p, at->buf.len);
		if (bytes > 0 && at->buf.tag == SAN_IP &&
		    tg_view_same(held, tg_view_of(address, bytes)))
			return true;
		if (bytes == 0 && at->buf.tag == SAN_DNS && dns_matches(held, tg_view_str(name)))
			return true;
	}
	return false;
}

/* Foreign bytes go into a sentence: only what prints. */
static void put_printable(struct tg_out *out, struct tg_view text)
{
	for (size_t i = 0; i < text.bytes; i++) {
		bool prints = text.at[i] > 0x20 && text.at[i] < 0x7f;
		tg_out_byte(out, prints ? (char)text.at[i] : '?');
	}
}

static void put_name(struct tg_out *out, const mbedtls_x509_buf *name)
{
	char text[INET6_ADDRSTRLEN];
	bool is_ip = name->tag == SAN_IP && (name->len == 4 || name->len == 16);

	if (name->tag != SAN_DNS && !is_ip)
		return;
	if (out->total > 0)
		tg_out_str(out, ", ");
	if (!is_ip)
		put_printable(out, tg_view_of(name->p, name->len));
	else if (inet_ntop(name->len == 4 ? AF_INET : AF_INET6, name->p, text, sizeof(text)))
		tg_out_str(out, text);
}

void tg_tls_names_list(const mbedtls_x509_crt *crt, char *at, size_t cap)
{
	struct tg_out out = { .at = (uint8_t *)at, .cap = cap - 1 };

	for (const mbedtls_x509_sequence *san = &crt->subject_alt_names; san; san = san->next)
		put_name(&out, &san->buf);
	at[tg_out_filled(&out)] = '\0';
	if (tg_out_overran(&out) && cap > 4)
		memcpy(at + cap - 4, "...", 4);
}
