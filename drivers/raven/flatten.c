#include "drivers/raven/flatten.h"

#include "app/swar.h"
#include "drivers/json/scan.h"
#include "platform/assert.h"

static const uint8_t *space_end(const uint8_t *at, const uint8_t *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	return at;
}

static const uint8_t *container_end(const uint8_t *at, const uint8_t *end)
{
	struct tg_members one = { .at = at, .end = end, .object = false };
	struct tg_view none, value;

	return tg_members_next(&one, &none, &value) ? value.at + value.bytes : NULL;
}

static bool is_scalar_byte(uint8_t byte)
{
	return byte > ' ' && byte != ',' && byte != '}' && byte != ']' && byte != '"';
}

/* Where the value that begins at `at` ends; NULL where there is none. */
static const uint8_t *value_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *from = at;

	if (at == end)
		return NULL;
	if (*at == '"')
		return tg_swar_string_end(at + 1, end);
	if (*at == '{' || *at == '[')
		return container_end(at, end);
	while (at < end && is_scalar_byte(*at))
		at++;
	return at == from ? NULL : at;
}

void tg_flatten_start(struct tg_flatten *flat, struct tg_view body, uint32_t levels)
{
	bool object = body.bytes >= 2 && body.at[0] == '{';

	TG_ASSERT(levels >= 1 && levels <= TG_FLATTEN_LEVELS_MAX);
	flat->at_ = object ? body.at + 1 : body.at;
	flat->end_ = object ? body.at + body.bytes : body.at;
	flat->depth = 1;
	flat->fresh = 0;
	flat->levels_ = levels;
	flat->behind_value_ = flat->metadata = false;
}

/* Takes `"name":` and returns where its value begins, or NULL. */
static const uint8_t *take_name(struct tg_flatten *flat, const uint8_t *at)
{
	const uint8_t *end = flat->end_, *from = at + 1;

	if (at == end || *at != '"')
		return NULL;
	at = tg_swar_string_end(from, end);
	if (at == NULL)
		return NULL;
	flat->path[flat->depth - 1] = tg_view_of(from, (size_t)(at - 1 - from));
	at = space_end(at, end);
	return at == end || *at != ':' ? NULL : space_end(at + 1, end);
}

/* Behind closing braces and a comma, where the next name begins; NULL at the end of the document,
 * or where something else stands. */
static const uint8_t *to_name(struct tg_flatten *flat)
{
	const uint8_t *at = space_end(flat->at_, flat->end_);

	while (at < flat->end_ && *at == '}' && flat->depth > 0) {
		flat->depth--;
		flat->behind_value_ = true;
		at = space_end(at + 1, flat->end_);
	}
	flat->at_ = at;
	if (flat->depth == 0 || at == flat->end_ || !flat->behind_value_)
		return flat->depth == 0 ? NULL : at;
	return *at == ',' ? space_end(at + 1, flat->end_) : NULL;
}

/* Whether the object at `at` is gone into. */
static bool is_level(const struct tg_flatten *flat, const uint8_t *at)
{
	if (at == flat->end_ || *at != '{' || flat->depth == flat->levels_ || flat->metadata)
		return false;
	at = space_end(at + 1, flat->end_);
	return at < flat->end_ && *at != '}';
}

static bool is_metadata(const struct tg_flatten *flat)
{
	static const char name[] = "@metadata";

	return flat->depth == 1 && tg_view_same(flat->path[0], tg_view_of(name, sizeof(name) - 1));
}

int tg_flatten_next(struct tg_flatten *flat, struct tg_view *value)
{
	const uint8_t *at = to_name(flat);

	if (at == NULL)
		return flat->depth == 0 && flat->at_ == flat->end_ ? 0 : TG_ERR_DAMAGED;
	flat->fresh = flat->depth - 1;
	while ((at = take_name(flat, at)) != NULL) {
		flat->metadata = is_metadata(flat);
		if (!is_level(flat, at))
			break;
		flat->depth++;
		at = space_end(at + 1, flat->end_);
	}
	const uint8_t *end = at == NULL ? NULL : value_end(at, flat->end_);
	if (end == NULL)
		return TG_ERR_DAMAGED;
	*value = tg_view_of(at, (size_t)(end - at));
	flat->at_ = end;
	flat->behind_value_ = true;
	return 1;
}

void tg_flatten_put(const struct tg_flatten *flat, struct tg_out *out)
{
	tg_out_view(out, flat->path[0]);
	for (uint32_t i = 1; i < flat->depth; i++) {
		tg_out_byte(out, '_');
		tg_out_view(out, flat->path[i]);
	}
}

uint32_t tg_flatten_named(const struct tg_flatten *flat, struct tg_view name)
{
	for (uint32_t i = 0; i < flat->depth; i++) {
		struct tg_view part = flat->path[i];
		if (part.bytes > name.bytes ||
		    (part.bytes > 0 && memcmp(part.at, name.at, part.bytes) != 0))
			return 0;
		name = tg_view_of(name.at + part.bytes, name.bytes - part.bytes);
		if (name.bytes == 0)
			return i + 1;
		if (name.at[0] != '_')
			return 0;
		name = tg_view_of(name.at + 1, name.bytes - 1);
	}
	return 0;
}
