/* shape_value.c - one value walked from its first byte to its last, pseudo-types replaced on the
 * way.
 *
 * What needs no change is copied in runs as long as they come. A GEOMETRY only loses its first
 * member, so the walk goes on inside it; TIME and BINARY hold no other value. Nothing is kept a
 * level.
 */
#include "app/record.h"
#include "app/swar.h"
#include "drivers/json/scan.h"
#include "drivers/rethink/shape_out.h"
#include "drivers/rethink/time.h"

static const uint8_t *space_end(const uint8_t *at, const uint8_t *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	return at;
}

/* Takes `text` and the white space around it; NULL when something else is there. */
static const uint8_t *take(const uint8_t *at, const uint8_t *end, const char *text)
{
	size_t bytes = strlen(text);

	if (at == NULL)
		return NULL;
	at = space_end(at, end);
	if ((size_t)(end - at) < bytes || memcmp(at, text, bytes) != 0)
		return NULL;
	return space_end(at + bytes, end);
}

/* How the server's pseudo-types begin; PSEUDO_NONE for every other object. */
enum pseudo { PSEUDO_NONE, PSEUDO_TIME, PSEUDO_BINARY, PSEUDO_GEOMETRY };

/* `rest` gets where the members behind `$reql_type$` begin (or the brace that closes). */
static enum pseudo pseudo_kind(struct tg_view value, const uint8_t **rest)
{
	static const char *const names[] = { "\"TIME\"", "\"BINARY\"", "\"GEOMETRY\"" };
	const uint8_t *end = value.at + value.bytes;

	if (value.bytes < 3 || (value.at[1] == '"' && value.at[2] != '$'))
		return PSEUDO_NONE; /* nearly every object, at its first byte */
	const uint8_t *type =
		take(take(take(value.at, end, "{"), end, "\"$reql_type$\""), end, ":");

	for (int i = 0; type != NULL && i < 3; i++) {
		const uint8_t *at = take(type, end, names[i]);
		if (at == NULL || at == end || (*at != ',' && *at != '}'))
			continue;
		*rest = *at == ',' ? space_end(at + 1, end) : at;
		return (enum pseudo)(PSEUDO_TIME + i);
	}
	return PSEUDO_NONE;
}

/* How a server spells a TIME, up to its number. */
#define TIME_HEAD "{\"$reql_type$\":\"TIME\",\"epoch_time\":"
enum { TIME_HEAD_BYTES = sizeof(TIME_HEAD) - 1 };

static bool has_time_head(struct tg_view object)
{
	return object.bytes > TIME_HEAD_BYTES &&
	       memcmp(object.at, TIME_HEAD, TIME_HEAD_BYTES) == 0;
}

static int read_epoch(struct tg_view object, struct tg_view *epoch, int64_t *ms)
{
	if (has_time_head(object)) {
		const uint8_t *from = object.at + TIME_HEAD_BYTES;
		const uint8_t *to = memchr(from, ',', object.bytes - TIME_HEAD_BYTES);
		*epoch = tg_view_of(from, to == NULL ? 0 : (size_t)(to - from));
		int rc = tg_time_from_number(*epoch, 1000, ms);
		if (rc != TG_ERR_PROTOCOL)
			return rc;
	}
	*epoch = tg_member_of(object, "epoch_time");
	return tg_time_from_number(*epoch, 1000, ms);
}

/* False when the object is no TIME as the server writes it. */
static bool put_time(const struct tg_shape_out *shape, struct tg_view object)
{
	char iso[TG_TIME_ISO_BYTES];
	struct tg_view epoch;
	int64_t ms;
	int rc = read_epoch(object, &epoch, &ms);

	if (rc == TG_ERR_PROTOCOL)
		return false;
	if (rc == TG_OK && tg_time_to_iso(ms, iso) == TG_OK)
		epoch = tg_view_of(iso, sizeof(iso));
	tg_shape_put(shape, tg_view_str("\""));
	tg_shape_put(shape, epoch);
	tg_shape_put(shape, tg_view_str("\""));
	return true;
}

/* Base64 has no backslash of its own: those that come are the server's line ends. */
static bool put_binary(const struct tg_shape_out *shape, struct tg_view object)
{
	struct tg_view data = tg_member_of(object, "data");
	const uint8_t *from = data.at, *end = data.at + data.bytes;

	if (data.bytes < 2 || *from != '"')
		return false;
	while (from < end) {
		const uint8_t *to = memchr(from, '\\', (size_t)(end - from));
		to = to != NULL ? to : end;
		tg_shape_put_valid(shape, tg_view_of(from, (size_t)(to - from)));
		from = to;
		if (end - from < 2)
			break;
		if (from[1] != 'r' && from[1] != 'n')
			tg_shape_put(shape, tg_view_of(from, 2));
		from += 2;
	}
	return true;
}

static bool put_scalar(const struct tg_shape_out *shape, enum pseudo kind, struct tg_view object)
{
	if (kind == PSEUDO_TIME)
		return put_time(shape, object);
	return kind == PSEUDO_BINARY && put_binary(shape, object);
}

bool tg_shape_scalar(const struct tg_shape_out *shape, struct tg_view value)
{
	const uint8_t *rest;

	if ((shape->flags & TG_REC_PSEUDO) == 0 || *value.at != '{')
		return false;
	if (has_time_head(value))
		return put_time(shape, value);
	return put_scalar(shape, pseudo_kind(value, &rest), value);
}

static struct tg_view whole_value(const uint8_t *at, const uint8_t *end)
{
	struct tg_members one = { .at = at, .end = end, .object = false };
	struct tg_view none, value;

	return tg_members_next(&one, &none, &value) ? value : tg_view_of(at, 0);
}

/* `run` up to the object at `at` and its replacement go out; returns where the walk goes on, or
 * NULL when the object stays as it is (and nothing went out). */
static const uint8_t *replace(const struct tg_shape_out *shape, struct tg_view run,
			      const uint8_t *at, const uint8_t *end)
{
	const uint8_t *rest = NULL;
	enum pseudo kind = pseudo_kind(tg_view_of(at, (size_t)(end - at)), &rest);

	if (kind == PSEUDO_NONE)
		return NULL;
	tg_shape_put_valid(shape, run);
	if (kind == PSEUDO_GEOMETRY) {
		tg_shape_put(shape, tg_view_str("{"));
		return rest;
	}
	struct tg_view object = whole_value(at, end);
	if (put_scalar(shape, kind, object))
		return object.at + object.bytes;
	tg_shape_put(shape, tg_view_str("{"));
	return at + 1;
}

int tg_shape_value(const struct tg_shape_out *shape, struct tg_view value)
{
	const uint8_t *run = value.at, *at = run, *end = value.at + value.bytes;

	if ((shape->flags & TG_REC_PSEUDO) == 0)
		at = end;
	while (at < end) {
		if (*at == '"') {
			at = tg_swar_string_end(at + 1, end);
			if (at == NULL)
				return TG_ERR_DAMAGED;
			continue;
		}
		const uint8_t *next = NULL;
		if (*at == '{')
			next = replace(shape, tg_view_of(run, (size_t)(at - run)), at, end);
		if (next != NULL)
			run = next;
		at = next != NULL ? next : at + 1;
	}
	tg_shape_put_valid(shape, tg_view_of(run, (size_t)(end - run)));
	return TG_OK;
}
