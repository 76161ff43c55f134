#include "drivers/raven/meta.h"

#include "app/moment.h"
#include "drivers/json/scan.h"

static bool is(struct tg_view name, const char *text)
{
	return tg_view_same(name, tg_view_str(text));
}

/* Where the server's own member goes, or NULL; `passed` is for those that nobody needs. */
static struct tg_view *place_of(struct tg_raven_meta *meta, struct tg_view name,
				struct tg_view *passed)
{
	if (name.bytes < 3 || name.at[0] != '@')
		return NULL;
	switch (name.at[1]) {
	case 'i':
		return is(name, "@id") ? &meta->id : is(name, "@index-score") ? passed : NULL;
	case 'c':
		if (is(name, "@change-vector"))
			return &meta->change_vector;
		return is(name, "@collection") ? &meta->collection : NULL;
	case 'l':
		return is(name, "@last-modified") ? &meta->last_modified : NULL;
	case 'f':
		return is(name, "@flags") ? &meta->flags : NULL;
	default:
		return is(name, "@etag") ? passed : NULL;
	}
}

static int order_of(struct tg_view a, struct tg_view b)
{
	size_t bytes = a.bytes < b.bytes ? a.bytes : b.bytes;
	int order = bytes == 0 ? 0 : memcmp(a.at, b.at, bytes);

	return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static void add_own(struct tg_raven_meta *meta, struct tg_view name, struct tg_view value)
{
	uint32_t at = meta->own_count;

	meta->replicated |= is(name, "Tidegate-Instance");
	if (is(name, "Tidegate-Hash"))
		meta->sum = value;
	if (at == TG_RAVEN_META_OWN_MAX) {
		meta->own_more++;
		return;
	}
	for (; at > 0 && order_of(meta->own[at - 1].name, name) > 0; at--)
		meta->own[at] = meta->own[at - 1];
	meta->own[at] = (struct tg_raven_member){ name, value };
	meta->own_count++;
}

int tg_raven_meta_read(struct tg_raven_meta *meta, struct tg_view metadata)
{
	struct tg_members members;
	struct tg_view name, value, passed;

	meta->id = meta->collection = meta->change_vector = meta->last_modified = meta->flags =
		meta->sum = tg_view_of(NULL, 0);
	meta->own_count = meta->own_more = 0;
	meta->replicated = false;
	if (!tg_members_start(&members, metadata) || !members.object)
		return TG_ERR_PROTOCOL;
	while (tg_members_next(&members, &name, &value)) {
		struct tg_view *place = place_of(meta, name, &passed);
		if (place != NULL)
			*place = value;
		else
			add_own(meta, name, value);
	}
	return meta->id.bytes > 2 ? TG_OK : TG_ERR_PROTOCOL;
}

bool tg_raven_meta_has(struct tg_view flags, const char *flag)
{
	struct tg_view wanted = tg_view_str(flag);
	size_t from = 1;

	for (size_t at = 1; at < flags.bytes; at++) {
		if (flags.at[at] != ',' && flags.at[at] != '"')
			continue;
		if (tg_view_same(tg_view_of(flags.at + from, at - from), wanted))
			return true;
		from = at + 1;
		if (from < flags.bytes && flags.at[from] == ' ')
			from++;
	}
	return false;
}

/* --- moments --- */

enum { DAY_SECONDS = 86400, SECONDS_BYTES = 19 }; /* "2026-11-21T10:01:45" */

/* Reads `digits` of them at `at`; false when there is another byte among them. */
static bool take_number(const uint8_t *at, unsigned digits, uint32_t *number)
{
	*number = 0;
	for (unsigned i = 0; i < digits; i++) {
		if (at[i] < '0' || at[i] > '9')
			return false;
		*number = *number * 10 + (uint32_t)(at[i] - '0');
	}
	return true;
}

static bool read_seconds(const uint8_t *at, int64_t *seconds)
{
	static const uint8_t month_days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	uint32_t year, month, day, hour, minute, second;

	if (at[4] != '-' || at[7] != '-' || at[10] != 'T' || at[13] != ':' || at[16] != ':')
		return false;
	if (!take_number(at, 4, &year) || !take_number(at + 5, 2, &month) ||
	    !take_number(at + 8, 2, &day) || !take_number(at + 11, 2, &hour) ||
	    !take_number(at + 14, 2, &minute) || !take_number(at + 17, 2, &second))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1] || hour > 23 ||
	    minute > 59 || second > 59)
		return false;
	*seconds = tg_moment_days(year, month, day) * DAY_SECONDS +
		   (int64_t)(hour * 3600 + minute * 60 + second);
	return true;
}

/* What stands behind the seconds: decimals, Z, both or neither. */
static bool read_rest(struct tg_view rest, uint32_t *ms, bool *utc)
{
	uint32_t digits = 0, unit = 100;

	*ms = 0;
	if (rest.bytes > 1 && rest.at[0] == '.') {
		while (digits + 1 < rest.bytes && rest.at[digits + 1] >= '0' &&
		       rest.at[digits + 1] <= '9') {
			*ms += unit * (uint32_t)(rest.at[digits + 1] - '0');
			unit /= 10;
			digits++;
		}
		if (digits == 0)
			return false;
		rest = tg_view_of(rest.at + 1 + digits, rest.bytes - 1 - digits);
	}
	*utc = rest.bytes == 1 && rest.at[0] == 'Z';
	return rest.bytes == 0 || *utc;
}

static bool read_moment(struct tg_view json, int64_t *ms, bool *utc)
{
	int64_t seconds;
	uint32_t rest;

	if (json.bytes < SECONDS_BYTES + 2 || json.at[0] != '"' || json.at[json.bytes - 1] != '"' ||
	    !read_seconds(json.at + 1, &seconds) ||
	    !read_rest(tg_view_of(json.at + 1 + SECONDS_BYTES, json.bytes - 2 - SECONDS_BYTES),
		       &rest, utc))
		return false;
	*ms = seconds * 1000 + rest;
	return true;
}

int tg_raven_time(struct tg_view json, int64_t *ms)
{
	bool utc;

	return read_moment(json, ms, &utc) ? TG_OK : TG_ERR_PROTOCOL;
}

bool tg_raven_is_moment(struct tg_view json)
{
	int64_t ms;
	bool utc = false;

	return read_moment(json, &ms, &utc) && utc;
}
