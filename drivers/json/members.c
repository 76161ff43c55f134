/* members.c - the members of a value that was found to be valid, one after another. */
#include "drivers/json/scan.h"

#include "app/swar.h"

/* What a byte outside of strings is; 0: part of a number or word, or a separator inside a
 * container. */
enum { BYTE_SPACE = 1, BYTE_STOP = 2, BYTE_QUOTE = 4, BYTE_OPEN = 8, BYTE_CLOSE = 16 };
static const uint8_t kind_of[256] = {
	[' '] = BYTE_SPACE, ['\n'] = BYTE_SPACE, ['\r'] = BYTE_SPACE, ['\t'] = BYTE_SPACE,
	[','] = BYTE_STOP,  ['"'] = BYTE_QUOTE,  ['{'] = BYTE_OPEN,   ['['] = BYTE_OPEN,
	['}'] = BYTE_CLOSE, [']'] = BYTE_CLOSE,
};

static inline const uint8_t *space_end(const uint8_t *at, const uint8_t *end)
{
	while (at < end && kind_of[*at] == BYTE_SPACE)
		at++;
	return at;
}

/* Both kinds of bracket count alike: the value is known to be valid. NULL when it is cut. */
static const uint8_t *container_end(const uint8_t *at, const uint8_t *end)
{
	uint64_t depth = 0;

	while (at < end) {
		uint8_t kind = kind_of[*at++];
		if (kind < BYTE_QUOTE)
			continue;
		if (kind == BYTE_OPEN)
			depth++;
		else if (kind == BYTE_CLOSE && --depth == 0)
			return at;
		if (kind == BYTE_QUOTE && (at = tg_swar_string_end(at, end)) == NULL)
			return NULL;
	}
	return NULL;
}

static inline const uint8_t *value_end(const uint8_t *at, const uint8_t *end)
{
	if (at == end)
		return NULL;
	if (*at == '"')
		return tg_swar_string_end(at + 1, end);
	if (kind_of[*at] == BYTE_OPEN)
		return container_end(at, end);
	while (at < end && (kind_of[*at] & (BYTE_SPACE | BYTE_STOP | BYTE_CLOSE)) == 0)
		at++;
	return at;
}

bool tg_members_start(struct tg_members *members, struct tg_view value)
{
	if (value.bytes < 2 || (value.at[0] | 0x20) != '{')
		return false;
	members->at = value.at + 1;
	members->end = value.at + value.bytes;
	members->object = value.at[0] == '{';
	return true;
}

/* Reads `"name":` and returns where its value begins, or NULL. */
static inline const uint8_t *take_name(const uint8_t *at, const uint8_t *end, struct tg_view *name)
{
	const uint8_t *from = at + 1;

	if (at == end || *at != '"')
		return NULL;
	at = tg_swar_string_end(from, end);
	if (at == NULL)
		return NULL;
	*name = tg_view_of(from, (size_t)(at - 1 - from));
	at = space_end(at, end);
	return at == end || *at != ':' ? NULL : space_end(at + 1, end);
}

bool tg_members_next(struct tg_members *members, struct tg_view *name, struct tg_view *value)
{
	const uint8_t *end = members->end;
	const uint8_t *at = space_end(members->at, end);

	members->at = end; /* Where something is wrong, this was the last one. */
	*name = tg_view_of(at, 0);
	if (members->object)
		at = take_name(at, end, name);
	const uint8_t *last = at == NULL ? NULL : value_end(at, end);
	if (last == NULL || last == at)
		return false;
	*value = tg_view_of(at, (size_t)(last - at));
	last = space_end(last, end);
	members->at = last < end && *last == ',' ? last + 1 : end;
	return true;
}

struct tg_view tg_member_of(struct tg_view object, const char *name)
{
	struct tg_members members;
	struct tg_view wanted = tg_view_str(name), found, value;

	if (!tg_members_start(&members, object) || !members.object)
		return tg_view_of(object.at, 0);
	while (tg_members_next(&members, &found, &value)) {
		if (tg_view_same(found, wanted))
			return value;
	}
	return tg_view_of(object.at, 0);
}

static bool is_with(struct tg_view other, struct tg_view name, uint32_t underscores)
{
	if (other.bytes != name.bytes + underscores || memcmp(other.at, name.at, name.bytes) != 0)
		return false;
	for (size_t i = name.bytes; i < other.bytes; i++)
		if (other.at[i] != '_')
			return false;
	return true;
}

/* A server sorts its members, so that one pass finds them; a second one finds nothing more. */
uint32_t tg_json_underscores(struct tg_view body, struct tg_view name)
{
	struct tg_members members;
	struct tg_view other, value;
	uint32_t count = 1, before = 0;

	while (count != before && tg_members_start(&members, body)) {
		before = count;
		while (tg_members_next(&members, &other, &value))
			count += is_with(other, name, count);
	}
	return count;
}
