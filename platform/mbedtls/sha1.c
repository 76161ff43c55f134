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

static bool has_x86(void)
{
	static int known = -1;

	if (known < 0)
		known = tg_sha1_has_x86();
	return known != 0;
}

static void blocks(uint32_t state[5], const uint8_t *at, size_t count)
{
	if (has_x86())
		tg_sha1_blocks_x86(state, at, count);
	else
		tg_sha1_blocks_portable(state, at, count);
}

static struct sha1 *sha1_of(struct tg_sha1 *sha)
{
	return (struct sha1 *)(void *)sha->opaque_;
}

static const uint32_t first[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };

static inline void store_be32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

static void put_digest(const uint32_t state[5], uint8_t digest[TG_SHA1_BYTES])
{
	for (size_t i = 0; i < 5; i++)
		store_be32(digest + 4 * i, state[i]);
}

/* Padding (RFC 3174, section 4): a one bit, zeros, the length in bits in the last eight bytes.
 * `held` bytes of the last block are at `at`, where two blocks have room. Returns how many are
 * used. */
static size_t pad(uint8_t *at, size_t held, uint64_t bytes)
{
	size_t count = held < TG_SHA1_BLOCK_BYTES - 8 ? 1 : 2;
	uint8_t *end = at + count * TG_SHA1_BLOCK_BYTES - 8;

	at[held] = 0x80;
	memset(at + held + 1, 0, (size_t)(end - at) - held - 1);
	store_be32(end, (uint32_t)(bytes >> 29));
	store_be32(end + 4, (uint32_t)(bytes << 3));
	return count;
}

void tg_sha1_start(struct tg_sha1 *sha)
{
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

void tg_sha1_end(struct tg_sha1 *sha, uint8_t digest[TG_SHA1_BYTES])
{
	struct sha1 *self = sha1_of(sha);
	uint8_t tail[2 * TG_SHA1_BLOCK_BYTES];

	memcpy(tail, self->block, self->held);
	blocks(self->state, tail, pad(tail, self->held, self->bytes));
	put_digest(self->state, digest);
}

void tg_sha1_two(struct tg_view head, struct tg_view body, uint8_t digest[TG_SHA1_BYTES])
{
	struct tg_sha1 sha;

	tg_sha1_start(&sha);
	tg_sha1_add(&sha, head);
	tg_sha1_add(&sha, body);
	tg_sha1_end(&sha, digest);
}

enum { PAIR_BYTES = 1024 };

/* The whole message with its padding at `at`; returns its blocks. */
static size_t write_message(uint8_t at[PAIR_BYTES], struct tg_view head, struct tg_view body)
{
	size_t bytes = head.bytes + body.bytes, whole = bytes / TG_SHA1_BLOCK_BYTES;

	if (head.bytes > 0)
		memcpy(at, head.at, head.bytes);
	if (body.bytes > 0)
		memcpy(at + head.bytes, body.at, body.bytes);
	return whole + pad(at + whole * TG_SHA1_BLOCK_BYTES, bytes % TG_SHA1_BLOCK_BYTES, bytes);
}

static void hash_lanes(struct tg_view head, const struct tg_view body[2],
		       struct tg_sha1_lane lane[2])
{
	uint8_t message[2][PAIR_BYTES];
	size_t count[2], both;

	for (int i = 0; i < 2; i++) {
		count[i] = write_message(message[i], head, body[i]);
		memcpy(lane[i].state, first, sizeof(first));
		lane[i].at = message[i];
	}
	both = count[0] < count[1] ? count[0] : count[1];
	tg_sha1_lanes_x86(lane, both);
	for (int i = 0; i < 2; i++)
		tg_sha1_blocks_x86(lane[i].state, lane[i].at, count[i] - both);
}

/* Its last blocks take up to nine bytes and what is left of a block besides. */
static bool fits_pair(struct tg_view head, struct tg_view body)
{
	size_t most = PAIR_BYTES - 2 * TG_SHA1_BLOCK_BYTES;

	return head.bytes <= most && body.bytes <= most - head.bytes;
}

void tg_sha1_pair(struct tg_view head, const struct tg_view body[2],
		  uint8_t digest[2][TG_SHA1_BYTES])
{
	struct tg_sha1_lane lane[2];

	if (!has_x86() || !fits_pair(head, body[0]) || !fits_pair(head, body[1])) {
		tg_sha1_two(head, body[0], digest[0]);
		tg_sha1_two(head, body[1], digest[1]);
		return;
	}
	hash_lanes(head, body, lane);
	put_digest(lane[0].state, digest[0]);
	put_digest(lane[1].state, digest[1]);
}
