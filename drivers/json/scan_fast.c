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

/* The byte behind the scalar at `at`, which is there to be read, or NULL. */
static inline const uint8_t *scalar_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *last;

	if (*at == '"') {
		last = tg_swar_plain(at + 1, end);
		return end - last > 1 && *last == '"' ? last + 1 : NULL;
	}
	if ((uint8_t)(*at - '0') <= 9 || *at == '-')
		last = number_end(at, end);
	else
		last = literal_end(at, end);
	return last;
}

/* `at` is the opening quote of a name; the byte behind its colon, which is there, or NULL. */
static inline const uint8_t *name_end(const struct tg_scan_run *run, const uint8_t *at)
{
	const uint8_t *last = tg_swar_plain(at + 1, run->end);

	if (run->end - last < 3 || *last != '"' || last[1] != ':')
		return NULL;
	size_t bytes = (size_t)(last - at - 1);
	if (tg_scan_name_matters(run->scan, bytes))
		tg_scan_name_seen(run->scan, tg_view_of(at + 1, bytes));
	return last + 2;
}

const uint8_t *tg_scan_fast_members(const struct tg_scan_run *run, const uint8_t *at)
{
	struct tg_scan *scan = run->scan;

	for (;;) {
		const uint8_t *value = name_end(run, at);
		if (value == NULL)
			return at;
		const uint8_t *last = scalar_end(value, run->end);
		if (last == NULL) {
			scan->state_ = TG_SCAN_VALUE;
			return value;
		}
		if (scan->watching_ != 0 && scan->depth_ == 1)
			scan->watch[scan->watching_ - 1].at = tg_scan_offset(run, value);
		tg_scan_value_ends(run, last);
		if (*last != ',')
			return last;
		scan->state_ = TG_SCAN_NAME;
		at = last + 1;
		if (at == run->end || *at != '"')
			return at;
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
