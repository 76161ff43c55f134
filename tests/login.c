#include "tests/login.h"

#include <stdio.h>

#include "app/pack.h"
#include "drivers/json/scan.h"
#include "drivers/rethink/scram.h"
#include "platform/assert.h"

static const uint8_t salt[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static const char salt64[] = "AQIDBAUGBwgJCgsMDQ4PEA==";

size_t tg_peer_login_first(struct tg_peer_login *login, const char *message,
			   char answer[TG_LOGIN_ANSWER_BYTES])
{
	static const char version[] = "{\"max_protocol_version\":0,\"min_protocol_version\":0,"
				      "\"server_version\":\"2.4.4\",\"success\":true}";
	char text[512];
	int bytes = tg_json_unescape(tg_member_of(tg_view_str(message), "authentication"),
				     (uint8_t *)text, sizeof(text) - 1);

	TG_ASSERT(bytes > 3 && memcmp(text, "n,,", 3) == 0);
	text[bytes] = '\0';
	snprintf(login->first_bare_, sizeof(login->first_bare_), "%.255s", text + 3);
	const char *nonce = strstr(text, "r=");
	TG_ASSERT(nonce != NULL);
	memcpy(answer, version, sizeof(version));
	bytes = snprintf(answer + sizeof(version), TG_LOGIN_ANSWER_BYTES - sizeof(version),
			 "{\"authentication\":\"%sPEER,s=%s,i=%d\",\"success\":true}", nonce,
			 salt64, TG_PEER_PASSWORD_ITERATIONS);
	return sizeof(version) + (size_t)bytes + 1;
}

size_t tg_peer_login_final(const struct tg_peer_login *login, const char *message,
			   char answer[TG_LOGIN_ANSWER_BYTES])
{
	struct tg_pbkdf2 kdf;
	struct tg_scram_proof proof;
	uint8_t key[TG_SHA256_BYTES];
	char auth[1024], text[64] = "";
	const char *nonce = strstr(login->first_bare_, "r=");
	const char *given = strstr(message, ",p=");

	TG_ASSERT(nonce != NULL && given != NULL);
	tg_pbkdf2_start(&kdf, tg_view_str(TG_PEER_PASSWORD), tg_view_of(salt, sizeof(salt)),
			TG_PEER_PASSWORD_ITERATIONS);
	while (!tg_pbkdf2_step(&kdf, 100, key))
		continue;
	snprintf(auth, sizeof(auth), "%s,%sPEER,s=%s,i=%d,c=biws,%sPEER", login->first_bare_, nonce,
		 salt64, TG_PEER_PASSWORD_ITERATIONS, nonce);
	tg_scram_prove(key, tg_view_str(auth), &proof);
	int bytes = tg_base64_encode(tg_view_of(proof.client_proof, 32), text, sizeof(text));
	TG_ASSERT(bytes == 44);
	if (strncmp(given + 3, text, 44) != 0) {
		static const char wrong[] =
			"{\"error\":\"Wrong password\",\"error_code\":12,\"success\":false}";
		memcpy(answer, wrong, sizeof(wrong));
		return sizeof(wrong);
	}
	bytes = tg_base64_encode(tg_view_of(proof.server_signature, 32), text, sizeof(text));
	TG_ASSERT(bytes == 44);
	bytes = snprintf(answer, TG_LOGIN_ANSWER_BYTES,
			 "{\"authentication\":\"v=%.44s\",\"success\":true}", text);
	return (size_t)bytes + 1;
}

void tg_peer_frame_head(uint64_t token, size_t bytes, uint8_t head[12])
{
	tg_store_u64(head, token);
	tg_store_u32(head + 8, (uint32_t)bytes);
}
