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

struct tg_view tg_raven_hash_head(struct tg_view body, struct tg_view metadata)
{
	return tg_view_of(body.at, (size_t)(head_end(body, metadata) - body.at));
}

/* What is hashed, part by part. */
struct parts {
	struct tg_view part[4 + 2 * TG_RAVEN_META_OWN_MAX + 1];
	uint32_t count;
	size_t bytes; /* of all, with the byte behind each */
};

static void add(struct parts *parts, struct tg_view part)
{
	parts->part[parts->count++] = part;
	parts->bytes += part.bytes + 1;
}

static void take_parts(struct parts *parts, struct tg_view body, struct tg_view metadata,
		       const struct tg_raven_meta *meta)
{
	const uint8_t *end = head_end(body, metadata), *rest = metadata.at + metadata.bytes;

	parts->count = 0;
	parts->bytes = 0;
	add(parts, tg_view_of(body.at, (size_t)(end - body.at)));
	add(parts, tg_view_of(rest, (size_t)(body.at + body.bytes - rest)));
	add(parts, meta->id);
	add(parts, meta->collection);
	for (uint32_t i = 0; i < meta->own_count; i++) {
		add(parts, meta->own[i].name);
		add(parts, meta->own[i].value);
	}
	if (meta->own_more > 0)
		add(parts, metadata);
}

uint64_t tg_raven_hash_of_digest(const uint8_t digest[TG_SHA1_BYTES])
{
	uint64_t hash = 0;

	for (unsigned i = 0; i < 8; i++)
		hash = hash << 8 | digest[i];
	return hash;
}

/* Behind each part stands a byte that no JSON has, so that parts never run into each other. */
uint64_t tg_raven_hash(struct tg_view body, struct tg_view metadata,
		       const struct tg_raven_meta *meta)
{
	uint8_t digest[TG_SHA1_BYTES];
	struct parts parts;
	struct tg_sha1 sha;

	take_parts(&parts, body, metadata, meta);
	tg_sha1_start(&sha);
	tg_sha1_add(&sha, tg_view_of(namespace_uuid, sizeof(namespace_uuid)));
	for (uint32_t i = 0; i < parts.count; i++) {
		if (parts.part[i].bytes > 0)
			tg_sha1_add(&sha, parts.part[i]);
		tg_sha1_add(&sha, tg_view_of("", 1));
	}
	tg_sha1_end(&sha, digest);
	return tg_raven_hash_of_digest(digest);
}

size_t tg_raven_hash_text(struct tg_view body, struct tg_view metadata,
			  const struct tg_raven_meta *meta, uint8_t at[TG_RAVEN_HASH_TEXT_BYTES])
{
	struct parts parts;

	take_parts(&parts, body, metadata, meta);
	if (parts.bytes > TG_RAVEN_HASH_TEXT_BYTES)
		return 0;
	for (uint32_t i = 0; i < parts.count; i++) {
		struct tg_view part = parts.part[i];
		if (part.bytes > 0)
			memcpy(at, part.at, part.bytes);
		at[part.bytes] = 0;
		at += part.bytes + 1;
	}
	return parts.bytes;
}

uint64_t tg_raven_hash_of_text(struct tg_view text)
{
	uint8_t digest[TG_SHA1_BYTES];

	tg_sha1_two(tg_view_of(namespace_uuid, sizeof(namespace_uuid)), text, digest);
	return tg_raven_hash_of_digest(digest);
}

void tg_raven_hash_of_texts(const struct tg_view text[2], uint64_t hash[2])
{
	uint8_t digest[2][TG_SHA1_BYTES];

	tg_sha1_pair(tg_view_of(namespace_uuid, sizeof(namespace_uuid)), text, digest);
	hash[0] = tg_raven_hash_of_digest(digest[0]);
	hash[1] = tg_raven_hash_of_digest(digest[1]);
}
