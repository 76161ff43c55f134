#include "platform/crypto.h"

#include "platform/assert.h"
#include "platform/mbedtls/compat.h"

/* The contexts are plain memory in both versions, so that a copy continues on its own. */
_Static_assert(sizeof(mbedtls_sha256_context) <= sizeof(((struct tg_pbkdf2 *)0)->inner_),
	       "enlarge tg_pbkdf2");

enum { SHA256_BLOCK_BYTES = 64 };

static void sha256_add(mbedtls_sha256_context *context, struct tg_view bytes)
{
	if (bytes.bytes > 0)
		TG_ASSERT(mbedtls_sha256_update(context, bytes.at, bytes.bytes) == 0);
}

static void sha256_start(mbedtls_sha256_context *context)
{
	mbedtls_sha256_init(context);
	TG_ASSERT(mbedtls_sha256_starts(context, 0) == 0);
}

static void sha256_end(mbedtls_sha256_context *context, uint8_t digest[TG_SHA256_BYTES])
{
	TG_ASSERT(mbedtls_sha256_finish(context, digest) == 0);
	mbedtls_sha256_free(context); /* wipes it: what was hashed may be a password */
}

void tg_sha256(struct tg_view bytes, uint8_t digest[TG_SHA256_BYTES])
{
	mbedtls_sha256_context context;

	sha256_start(&context);
	sha256_add(&context, bytes);
	sha256_end(&context, digest);
}

/* HMAC (RFC 2104): H(key ^ opad, H(key ^ ipad, message)). The two keyed beginnings are made once.
 */
struct hmac {
	mbedtls_sha256_context inner, outer;
};

static void hmac_start(struct hmac *hmac, struct tg_view key)
{
	uint8_t block[SHA256_BLOCK_BYTES] = { 0 };

	if (key.bytes > sizeof(block))
		tg_sha256(key, block);
	else if (key.bytes > 0)
		memcpy(block, key.at, key.bytes);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36;
	sha256_start(&hmac->inner);
	sha256_add(&hmac->inner, tg_view_of(block, sizeof(block)));
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	sha256_start(&hmac->outer);
	sha256_add(&hmac->outer, tg_view_of(block, sizeof(block)));
	tg_wipe(block, sizeof(block));
}

/* Ends a copy of `hmac` with head and tail, so that it can be used again. */
static void hmac_of(const struct hmac *hmac, struct tg_view head, struct tg_view tail,
		    uint8_t digest[TG_SHA256_BYTES])
{
	mbedtls_sha256_context context = hmac->inner;

	sha256_add(&context, head);
	sha256_add(&context, tail);
	sha256_end(&context, digest);
	context = hmac->outer;
	sha256_add(&context, tg_view_of(digest, TG_SHA256_BYTES));
	sha256_end(&context, digest);
}

void tg_hmac_sha256(struct tg_view key, struct tg_view message, uint8_t digest[TG_SHA256_BYTES])
{
	struct hmac hmac;

	hmac_start(&hmac, key);
	hmac_of(&hmac, message, tg_view_of(NULL, 0), digest);
	tg_wipe(&hmac, sizeof(hmac));
}

static void kdf_hmac(const struct tg_pbkdf2 *kdf, struct hmac *hmac)
{
	memcpy(&hmac->inner, kdf->inner_, sizeof(hmac->inner));
	memcpy(&hmac->outer, kdf->outer_, sizeof(hmac->outer));
}

void tg_pbkdf2_start(struct tg_pbkdf2 *kdf, struct tg_view password, struct tg_view salt,
		     uint32_t iterations)
{
	static const uint8_t first_block[4] = { 0, 0, 0, 1 };
	struct hmac hmac;

	TG_ASSERT(iterations > 0);
	hmac_start(&hmac, password);
	memcpy(kdf->inner_, &hmac.inner, sizeof(hmac.inner));
	memcpy(kdf->outer_, &hmac.outer, sizeof(hmac.outer));
	hmac_of(&hmac, salt, tg_view_of(first_block, sizeof(first_block)), kdf->u_);
	memcpy(kdf->out_, kdf->u_, sizeof(kdf->out_));
	kdf->left_ = iterations - 1;
	tg_wipe(&hmac, sizeof(hmac));
}

bool tg_pbkdf2_step(struct tg_pbkdf2 *kdf, uint32_t rounds, uint8_t key[TG_SHA256_BYTES])
{
	struct hmac hmac;

	kdf_hmac(kdf, &hmac);
	for (; rounds > 0 && kdf->left_ > 0; rounds--, kdf->left_--) {
		hmac_of(&hmac, tg_view_of(kdf->u_, sizeof(kdf->u_)), tg_view_of(NULL, 0), kdf->u_);
		for (size_t i = 0; i < sizeof(kdf->out_); i++)
			kdf->out_[i] ^= kdf->u_[i];
	}
	tg_wipe(&hmac, sizeof(hmac));
	if (kdf->left_ > 0)
		return false;
	memcpy(key, kdf->out_, TG_SHA256_BYTES);
	tg_wipe(kdf, sizeof(*kdf));
	return true;
}
