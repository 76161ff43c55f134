#include "drivers/rethink/scram.h"

#include "platform/assert.h"

void tg_scram_nonce(char at[TG_HANDSHAKE_NONCE_BYTES + 1])
{
	uint8_t bytes[18];
	char text[TG_HANDSHAKE_NONCE_BYTES + 4];

	tg_random(bytes, sizeof(bytes));
	int count = tg_base64_encode(tg_view_of(bytes, sizeof(bytes)), text, sizeof(text));
	TG_ASSERT(count == TG_HANDSHAKE_NONCE_BYTES);
	memcpy(at, text, TG_HANDSHAKE_NONCE_BYTES);
	at[TG_HANDSHAKE_NONCE_BYTES] = '\0';
}

void tg_scram_first_bare(const char *user, const char *nonce, struct tg_out *out)
{
	tg_out_str(out, "n=");
	for (; *user != '\0'; user++) {
		if (*user == '=')
			tg_out_str(out, "=3D");
		else if (*user == ',')
			tg_out_str(out, "=2C");
		else
			tg_out_byte(out, *user);
	}
	tg_out_str(out, ",r=");
	tg_out_str(out, nonce);
}

/* Cuts the next attribute off `text`: its letter, and what follows the first `=`. */
static bool next_attribute(struct tg_view *text, char *letter, struct tg_view *value)
{
	if (text->bytes < 2 || text->at[1] != '=')
		return false;
	const uint8_t *comma = memchr(text->at, ',', text->bytes);
	size_t bytes = comma == NULL ? text->bytes : (size_t)(comma - text->at);
	if (bytes < 2)
		return false;
	*letter = (char)text->at[0];
	*value = tg_view_of(text->at + 2, bytes - 2);
	size_t eaten = comma == NULL ? bytes : bytes + 1;
	*text = tg_view_of(text->at + eaten, text->bytes - eaten);
	return true;
}

static int read_iterations(struct tg_view text, uint32_t *out)
{
	uint64_t number = 0;

	if (text.bytes == 0 || text.bytes > 10)
		return TG_ERR_PROTOCOL;
	for (size_t i = 0; i < text.bytes; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return TG_ERR_PROTOCOL;
		number = number * 10 + (uint64_t)(text.at[i] - '0');
	}
	if (number == 0 || number > UINT32_MAX)
		return TG_ERR_PROTOCOL;
	*out = (uint32_t)number;
	return TG_OK;
}

static int read_attribute(char letter, struct tg_view value, struct tg_scram_first *out)
{
	int bytes = 0;

	switch (letter) {
	case 'r':
		out->nonce = value;
		return TG_OK;
	case 's':
		bytes = tg_base64_decode(value, out->salt, sizeof(out->salt));
		out->salt_bytes = bytes > 0 ? (uint32_t)bytes : 0;
		return bytes > 0 ? TG_OK : TG_ERR_PROTOCOL;
	case 'i':
		return read_iterations(value, &out->iterations);
	default:
		return letter == 'm' ? TG_ERR_PROTOCOL : TG_OK;
	}
}

int tg_scram_read_first(struct tg_view text, const char *nonce, struct tg_scram_first *out)
{
	char letter = 0;
	struct tg_view value;
	size_t ours = strlen(nonce);

	memset(out, 0, sizeof(*out));
	while (text.bytes > 0) {
		if (!next_attribute(&text, &letter, &value))
			return TG_ERR_PROTOCOL;
		int rc = read_attribute(letter, value, out);
		if (rc != TG_OK)
			return rc;
	}
	if (out->salt_bytes == 0 || out->iterations == 0 || out->nonce.bytes <= ours)
		return TG_ERR_PROTOCOL;
	return memcmp(out->nonce.at, nonce, ours) == 0 ? TG_OK : TG_ERR_PROTOCOL;
}

void tg_scram_prove(const uint8_t salted[TG_SHA256_BYTES], struct tg_view auth,
		    struct tg_scram_proof *out)
{
	uint8_t client_key[TG_SHA256_BYTES], stored_key[TG_SHA256_BYTES];
	uint8_t server_key[TG_SHA256_BYTES], signature[TG_SHA256_BYTES];
	struct tg_view key = tg_view_of(salted, TG_SHA256_BYTES);

	tg_hmac_sha256(key, tg_view_str("Client Key"), client_key);
	tg_sha256(tg_view_of(client_key, sizeof(client_key)), stored_key);
	tg_hmac_sha256(tg_view_of(stored_key, sizeof(stored_key)), auth, signature);
	for (size_t i = 0; i < TG_SHA256_BYTES; i++)
		out->client_proof[i] = client_key[i] ^ signature[i];
	tg_hmac_sha256(key, tg_view_str("Server Key"), server_key);
	tg_hmac_sha256(tg_view_of(server_key, sizeof(server_key)), auth, out->server_signature);
	tg_wipe(client_key, sizeof(client_key));
	tg_wipe(stored_key, sizeof(stored_key));
	tg_wipe(server_key, sizeof(server_key));
}

bool tg_scram_signature_fits(struct tg_view text, const uint8_t signature[TG_SHA256_BYTES])
{
	uint8_t got[TG_SHA256_BYTES + 4];

	if (text.bytes < 2 || memcmp(text.at, "v=", 2) != 0)
		return false;
	int bytes = tg_base64_decode(tg_view_of(text.at + 2, text.bytes - 2), got, sizeof(got));
	return bytes == TG_SHA256_BYTES && tg_same_secret(got, signature, TG_SHA256_BYTES);
}
