#include "platform/mbedtls/sha1.h"

#include "platform/assert.h"
#include "platform/crypto.h"
#include "platform/mbedtls/compat.h"

struct sha1 {
	uint32_t state[5];
	uint32_t held; /* bytes in `block` */
	uint64_t bytes;
	uint8_t block[TG_SHA1_BLOCK_BYTES];
};
_Static_assert(sizeof(struct sha1) <= sizeof(struct tg_sha1), "enlarge tg_sha1");

void tg_sha1_blocks_portable(uint32_t state[5], const uint8_t *at, size_t count)
{
	mbedtls_sha1_context context;

	mbedtls_sha1_init(&context);
	memcpy(context.state, state, sizeof(context.state));
	for (; count > 0; count--, at += TG_SHA1_BLOCK_BYTES)
		TG_ASSERT(mbedtls_internal_sha1_process(&context, at) == 0);
	memcpy(state, context.state, sizeof(context.state));
}

static void blocks(uint32_t state[5], const uint8_t *at, size_t count)
{
	static int has_x86 = -1;

	if (has_x86 < 0)
		has_x86 = tg_sha1_has_x86();
	if (has_x86)
		tg_sha1_blocks_x86(state, at, count);
	else
		tg_sha1_blocks_portable(state, at, count);
}

static struct sha1 *sha1_of(struct tg_sha1 *sha)
{
	return (struct sha1 *)(void *)sha->opaque_;
}

void tg_sha1_start(struct tg_sha1 *sha)
{
	static const uint32_t first[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
					   0xc3d2e1f0 };
	struct sha1 *self = sha1_of(sha);

	memcpy(self->state, first, sizeof(first));
	self->held = 0;
	self->bytes = 0;
}

/* Fills up a block that was begun; returns how much of `bytes` that took. */
static size_t fill(struct sha1 *self, struct tg_view bytes)
{
	size_t room = sizeof(self->block) - self->held;
	size_t part = bytes.bytes < room ? bytes.bytes : room;

	if (self->held == 0 || part == 0)
		return 0;
	memcpy(self->block + self->held, bytes.at, part);
	self->held += (uint32_t)part;
	if (self->held == sizeof(self->block)) {
		blocks(self->state, self->block, 1);
		self->held = 0;
	}
	return part;
}

void tg_sha1_add(struct tg_sha1 *sha, struct tg_view bytes)
{
	struct sha1 *self = sha1_of(sha);

	self->bytes += bytes.bytes;
	size_t at = fill(self, bytes);
	size_t whole = (bytes.bytes - at) / sizeof(self->block);
	if (whole > 0)
		blocks(self->state, bytes.at + at, whole);
	at += whole * sizeof(self->block);
	if (at < bytes.bytes) {
		memcpy(self->block, bytes.at + at, bytes.bytes - at);
		self->held = (uint32_t)(bytes.bytes - at);
	}
}

/* Padding (RFC 3174, section 4): a one bit, zeros, the length in bits in the last eight bytes. */
void tg_sha1_end(struct tg_sha1 *sha, uint8_t digest[TG_SHA1_BYTES])
{
	struct sha1 *self = sha1_of(sha);
	uint8_t tail[2 * TG_SHA1_BLOCK_BYTES] = { 0 };
	size_t count = self->held < TG_SHA1_BLOCK_BYTES - 8 ? 1 : 2;
	uint64_t bits = self->bytes * 8;

	memcpy(tail, self->block, self->held);
	tail[self->held] = 0x80;
	for (size_t i = 0; i < 8; i++)
		tail[count * TG_SHA1_BLOCK_BYTES - 1 - i] = (uint8_t)(bits >> 8 * i);
	blocks(self->state, tail, count);
	for (size_t i = 0; i < TG_SHA1_BYTES; i++)
		digest[i] = (uint8_t)(self->state[i / 4] >> (24 - 8 * (i % 4)));
}

void tg_sha1_two(struct tg_view head, struct tg_view body, uint8_t digest[TG_SHA1_BYTES])
{
	struct tg_sha1 sha;

	tg_sha1_start(&sha);
	tg_sha1_add(&sha, head);
	tg_sha1_add(&sha, body);
	tg_sha1_end(&sha, digest);
}
