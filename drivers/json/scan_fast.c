/* scan_fast.c - whole tokens at once, as a server writes them: no white space, no escapes, ASCII.
 *
 * Nothing is remembered inside a token: where one is not whole or not plain, the place where it
 * begins is returned and the other states take over, so that each byte is looked at twice at most.
 */
#include "app/swar.h"
#include "drivers/json/scan_run.h"

static inline const uint8_t *digits(const uint8_t *at, const uint8_t *end)
{
	while (at < end && (uint8_t)(*at - '0') <= 9)
		at++;
	return at;
}

/* The byte behind the number; NULL when it is wrong or its end is not in sight. */
static inline const uint8_t *number_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *from;

	if (*at == '-' && ++at == end)
		return NULL;
	from = at;
	at = digits(at, end);
	if (at == from || at == end || (*from == '0' && at - from > 1))
		return NULL;
	if (*at == '.') {
		from = ++at;
		at = digits(at, end);
		if (at == from || at == end)
			return NULL;
	}
	if ((*at | 0x20) != 'e')
		return at;
	if (++at < end && (*at == '+' || *at == '-'))
		at++;
	from = at;
	at = digits(at, end);
	return at == from || at == end ? NULL : at;
}

static inline const uint8_t *literal_end(const uint8_t *at, const uint8_t *end)
{
	if (end - at < 6)
		return NULL;
	if (memcmp(at, "true", 4) == 0 || memcmp(at, "null", 4) == 0)
		return at + 4;
	return memcmp(at, "false", 5) == 0 ? at + 5 : NULL;
}

/* `at` is the opening quote; the byte behind the closing one, which is there, or NULL. */
static inline const uint8_t *string_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *last = tg_swar_plain(at + 1, end);

	return end - last > 1 && *last == '"' ? last + 1 : NULL;
}

static inline bool begins_number(uint8_t byte)
{
	return (uint8_t)(byte - '0') <= 9 || byte == '-';
}

/* The byte behind the scalar at `at`, which is there to be read, or NULL. */
static const uint8_t *scalar_end(const uint8_t *at, const uint8_t *end)
{
	if (*at == '"')
		return string_end(at, end);
	return begins_number(*at) ? number_end(at, end) : literal_end(at, end);
}

/* The byte behind the member at `at` when it is a usual one: its name is of no interest, its value
 * a scalar, and nothing is wrong with it. NULL: look closer. */
static inline const uint8_t *usual_member_end(const struct tg_scan_run *run, const uint8_t *at)
{
	const uint8_t *end = run->end, *quote = tg_swar_plain(at + 1, end), *value = quote + 2;

	if (end - quote < 3 || quote[0] != '"' || quote[1] != ':' ||
	    tg_scan_name_matters(run->scan, tg_view_of(at + 1, (size_t)(quote - at - 1))))
		return NULL;
	if (*value == '"')
		return string_end(value, end);
	return begins_number(*value) ? number_end(value, end) : literal_end(value, end);
}

/* `at` is the opening quote of a name; the byte behind its colon, which is there, or NULL. */
static inline const uint8_t *name_end(const struct tg_scan_run *run, const uint8_t *at)
{
	const uint8_t *last = tg_swar_plain(at + 1, run->end);

	if (run->end - last < 3 || *last != '"' || last[1] != ':')
		return NULL;
	struct tg_view name = tg_view_of(at + 1, (size_t)(last - at - 1));
	if (tg_scan_name_matters(run->scan, name))
		tg_scan_name_seen(run->scan, name);
	return last + 2;
}

/* Goes into the object at `at`, a member's value, when nobody watches it. */
static inline bool enter_object(struct tg_scan *scan, const uint8_t *at)
{
	uint32_t level = scan->depth_;

	if (*at != '{' || scan->watching_ != 0 || level >= CONFIG_TG_JSON_DEPTH_MAX)
		return false;
	if (level == 1)
		scan->flags |= TG_SCAN_NESTED;
	scan->kinds_[level >> 3] |= (uint8_t)(1u << (level & 7));
	scan->depth_ = level + 1;
	scan->state_ = TG_SCAN_FIRST_NAME;
	return true;
}

/* `at` is behind a member's value, and there is a byte. Leaves as many objects as end here; returns
 * the quote of the next name, or NULL with `stop` where the other states go on. */
static inline const uint8_t *next_name(const struct tg_scan_run *run, const uint8_t *at,
				       const uint8_t **stop)
{
	struct tg_scan *scan = run->scan;

	while (*at == '}' && tg_scan_in_object(scan)) {
		scan->depth_--;
		tg_scan_value_ends(run, ++at);
		if (scan->depth_ == 0 || at == run->end)
			break;
	}
	*stop = at;
	if (scan->depth_ == 0 || at == run->end || *at != ',' || !tg_scan_in_object(scan))
		return NULL;
	scan->state_ = TG_SCAN_NAME;
	*stop = ++at;
	return at < run->end && *at == '"' ? at : NULL;
}

/* A member that usual_member_end() would not take: the byte behind it, or NULL with `stop` where to
 * go on, which is at a name when the state says so. */
static const uint8_t *member_end(const struct tg_scan_run *run, const uint8_t *at,
				 const uint8_t **stop)
{
	struct tg_scan *scan = run->scan;
	const uint8_t *value = name_end(run, at);

	*stop = at;
	if (value == NULL)
		return NULL;
	if (enter_object(scan, value)) {
		*stop = value + 1;
		return NULL;
	}
	const uint8_t *last = scalar_end(value, run->end);
	*stop = value;
	scan->state_ = TG_SCAN_VALUE;
	if (last == NULL)
		return NULL;
	if (scan->watching_ != 0 && scan->depth_ == 1)
		scan->watch[scan->watching_ - 1].at = tg_scan_offset(run, value);
	tg_scan_value_ends(run, last);
	return last;
}

const uint8_t *tg_scan_fast_members(const struct tg_scan_run *run, const uint8_t *at)
{
	struct tg_scan *scan = run->scan;

	for (;;) {
		const uint8_t *stop, *last = usual_member_end(run, at);
		if (last != NULL && last[0] == ',' && run->end - last > 1 && last[1] == '"') {
			scan->state_ = TG_SCAN_NAME;
			at = last + 1;
			continue;
		}
		if (last == NULL)
			last = member_end(run, at, &stop);
		else
			scan->state_ = TG_SCAN_AFTER;
		if (last != NULL) {
			at = next_name(run, last, &stop);
		} else {
			bool entered = scan->state_ == TG_SCAN_FIRST_NAME && stop != at;
			at = entered && stop < run->end && *stop == '"' ? stop : NULL;
		}
		if (at == NULL)
			return stop;
	}
}

const uint8_t *tg_scan_fast_elements(const struct tg_scan_run *run, const uint8_t *at)
{
	struct tg_scan *scan = run->scan;

	while (at < run->end) {
		const uint8_t *last = scalar_end(at, run->end);
		if (last == NULL)
			return at;
		if (*last != ',') {
			scan->state_ = TG_SCAN_AFTER;
			return last;
		}
		scan->state_ = TG_SCAN_VALUE;
		at = last + 1;
	}
	return at;
}
