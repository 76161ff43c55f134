#include "drivers/raven/hash.h"

#include "drivers/json/scan.h"
#include "platform/crypto.h"

/* 7c3bb5a8-0b3e-4c5f-9d35-6f0a4a1f3f61, drawn for this. */
static const uint8_t namespace_uuid[] = { 0x7c, 0x3b, 0xb5, 0xa8, 0x0b, 0x3e, 0x4c, 0x5f,
					  0x9d, 0x35, 0x6f, 0x0a, 0x4a, 0x1f, 0x3f, 0x61 };

enum { NAME_BYTES = sizeof("\"@metadata\"") - 1 };

/* Back over white space and at most one `byte`. */
static const uint8_t *back_over(const uint8_t *at, const uint8_t *first, uint8_t byte)
{
	while (at > first && tg_json_is_space(at[-1]))
		at--;
	if (at > first && at[-1] == byte)
		at--;
	while (at > first && tg_json_is_space(at[-1]))
		at--;
	return at;
}

/* Where the document's members end that stand before @metadata. */
static const uint8_t *head_end(struct tg_view body, struct tg_view metadata)
{
	const uint8_t *at = back_over(metadata.at, body.at, ':');

	if (at - body.at < NAME_BYTES)
		return body.at;
	return back_over(at - NAME_BYTES, body.at, ',');
}

/* A part, and a byte that no JSON has behind it, so that parts never run into each other. */
static void add(struct tg_sha1 *sha, struct tg_view part)
{
	if (part.bytes > 0)
		tg_sha1_add(sha, part);
	tg_sha1_add(sha, tg_view_of("", 1));
}

uint64_t tg_raven_hash_of_digest(const uint8_t digest[TG_SHA1_BYTES])
{
	uint64_t hash = 0;

	for (unsigned i = 0; i < 8; i++)
		hash = hash << 8 | digest[i];
	return hash;
}

uint64_t tg_raven_hash(struct tg_view body, struct tg_view metadata,
		       const struct tg_raven_meta *meta)
{
	const uint8_t *end = head_end(body, metadata), *rest = metadata.at + metadata.bytes;
	uint8_t digest[TG_SHA1_BYTES];
	struct tg_sha1 sha;

	tg_sha1_start(&sha);
	tg_sha1_add(&sha, tg_view_of(namespace_uuid, sizeof(namespace_uuid)));
	add(&sha, tg_view_of(body.at, (size_t)(end - body.at)));
	add(&sha, tg_view_of(rest, (size_t)(body.at + body.bytes - rest)));
	add(&sha, meta->id);
	add(&sha, meta->collection);
	for (uint32_t i = 0; i < meta->own_count; i++) {
		add(&sha, meta->own[i].name);
		add(&sha, meta->own[i].value);
	}
	if (meta->own_more > 0)
		add(&sha, metadata);
	tg_sha1_end(&sha, digest);
	return tg_raven_hash_of_digest(digest);
}
