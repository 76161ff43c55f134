/* shape_value.c - text of values with the pseudo-types in it replaced, at any depth.
 *
 * Their name is leapt to, and what lies between is copied. A GEOMETRY only loses its first member,
 * so that the walk goes on inside it; TIME and BINARY hold no other value. Nothing is kept a level.
 */
#include "app/record.h"
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
	return object.bytes > TIME_HEAD_BYTES && memcmp(object.at, TIME_HEAD, TIME_HEAD_BYTES) == 0;
}

/* False when the object is no TIME as the server writes it. */
static bool put_time(const struct tg_shape_out *shape, struct tg_view object)
{
	struct tg_view epoch = tg_member_of(object, "epoch_time");
	char iso[TG_TIME_ISO_BYTES];
	int64_t ms = 0;
	int rc = tg_time_from_number(epoch, 1000, &ms);

	if (rc == TG_ERR_PROTOCOL)
		return false;
	if (rc == TG_OK && tg_time_to_iso(ms, iso) == TG_OK)
		epoch = tg_view_of(iso, sizeof(iso));
	tg_shape_put(shape, tg_view_str("\""));
	tg_shape_put(shape, epoch);
	tg_shape_put(shape, tg_view_str("\""));
	return true;
}

#define ZONE_HEAD ",\"timezone\":\""
enum { ZONE_HEAD_BYTES = sizeof(ZONE_HEAD) - 1, ZONE_BYTES = sizeof("+00:00") - 1 };

/* The byte behind a time zone and the object's brace at `at`; NULL: it is written otherwise. */
static const uint8_t *zone_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *zone = at + ZONE_HEAD_BYTES, *quote = zone + ZONE_BYTES;

	if (end - at < ZONE_HEAD_BYTES + ZONE_BYTES + 2 ||
	    memcmp(at, ZONE_HEAD, ZONE_HEAD_BYTES) != 0 || quote[0] != '"' || quote[1] != '}')
		return NULL;
	for (int i = 0; i < ZONE_BYTES; i++) {
		if (zone[i] == '"' || zone[i] == '\\')
			return NULL;
	}
	return quote + 2;
}

const uint8_t *tg_shape_usual_time(const struct tg_shape_out *shape, const uint8_t *at,
				   const uint8_t *end)
{
	char iso[TG_TIME_ISO_BYTES + 2];
	int64_t ms;

	if ((shape->flags & TG_REC_PSEUDO) == 0 ||
	    !has_time_head(tg_view_of(at, (size_t)(end - at))))
		return NULL;
	const uint8_t *rest = tg_time_take_seconds(at + TIME_HEAD_BYTES, end, &ms);
	rest = rest == NULL ? NULL : zone_end(rest, end);
	if (rest == NULL || tg_time_to_iso(ms, iso + 1) != TG_OK)
		return NULL;
	iso[0] = iso[sizeof(iso) - 1] = '"';
	tg_shape_put(shape, tg_view_of(iso, sizeof(iso)));
	return rest;
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
	return put_scalar(shape, pseudo_kind(value, &rest), value);
}

static struct tg_view whole_value(const uint8_t *at, const uint8_t *end)
{
	struct tg_members one = { .at = at, .end = end, .object = false };
	struct tg_view none, value;

	return tg_members_next(&one, &none, &value) ? value : tg_view_of(at, 0);
}

/* Puts what the object at `at` stands for in its place; returns where the walk goes on, or NULL
 * when the object stays as it is (and nothing went out). */
static const uint8_t *replace(const struct tg_shape_out *shape, const uint8_t *at,
			      const uint8_t *end)
{
	const uint8_t *rest = tg_shape_usual_time(shape, at, end);

	if (rest != NULL)
		return rest;
	enum pseudo kind = pseudo_kind(tg_view_of(at, (size_t)(end - at)), &rest);
	if (kind == PSEUDO_NONE)
		return NULL;
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

/* The brace before the name whose first byte is at `name`, not before `from`; NULL: it is no
 * object's first name. */
static const uint8_t *brace_before(const uint8_t *name, const uint8_t *from)
{
	const uint8_t *at = name;

	if (at == from || *--at != '"')
		return NULL;
	while (at > from && space_end(at - 1, at) == at)
		at--;
	return at > from && at[-1] == '{' ? at - 1 : NULL;
}

/* The next object from `from` that begins with a member $reql_type$, or `end`. The name is looked
 * for, since little else holds a `$`. No string can hold it: its quotes would have a backslash. */
static const uint8_t *next_pseudo(const uint8_t *from, const uint8_t *end)
{
	static const char name[] = "$reql_type$\"";
	const uint8_t *at = from, *brace;

	while ((at = memchr(at, '$', (size_t)(end - at))) != NULL) {
		if ((size_t)(end - at) >= sizeof(name) && memcmp(at, name, sizeof(name) - 1) == 0) {
			brace = brace_before(at, from);
			if (brace != NULL)
				return brace;
		}
		at++;
	}
	return end;
}

void tg_shape_value(const struct tg_shape_out *shape, struct tg_view value)
{
	const uint8_t *run = value.at, *at = run, *end = value.at + value.bytes;

	if ((shape->flags & TG_REC_PSEUDO) == 0)
		at = end;
	while (at < end && (at = next_pseudo(at, end)) < end) {
		tg_shape_put_valid(shape, tg_view_of(run, (size_t)(at - run)));
		run = at;
		const uint8_t *next = replace(shape, at, end);
		run = next != NULL ? next : run;
		at = next != NULL ? next : at + 1;
	}
	tg_shape_put_valid(shape, tg_view_of(run, (size_t)(end - run)));
}
