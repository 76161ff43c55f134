#include "drivers/rethink/stamp.h"

#include <inttypes.h>
#include <stdio.h>

#include "drivers/json/scan.h"
#include "drivers/rethink/time.h"

enum { TEXT_BYTES_MAX = 64, ISO_SECONDS_BYTES = 19, ISO_DATE_BYTES = 10 };

/* A number is taken for a moment between 1990 and 2200; counters and sizes lie outside. */
#define EPOCH_S_MIN INT64_C(631152000)
#define EPOCH_S_MAX INT64_C(7258118400)

/* The widest zones are UTC-12 and UTC+14. */
#define ZONE_SPAN_MS (INT64_C(15) * 3600 * 1000)

static const char *const candidates[TG_STAMP_CANDIDATES] = {
	"updated_at", "modified_at", "timestamp", "created_at", "last_modified",
};

static bool read_time(struct tg_view value, int64_t *out_ms)
{
	if (!tg_view_same(tg_member_of(value, "$reql_type$"), tg_view_str("\"TIME\"")))
		return false;
	return tg_time_from_number(tg_member_of(value, "epoch_time"), 1000, out_ms) == TG_OK;
}

static bool read_iso(struct tg_view value, int64_t *out_ms, uint32_t *forms)
{
	uint8_t text[TEXT_BYTES_MAX];
	uint32_t zone_bytes = 0;
	int bytes = tg_json_unescape(value, text, sizeof(text));

	if (bytes < ISO_DATE_BYTES)
		return false;
	struct tg_view iso = tg_view_of(text, (size_t)bytes);
	if (tg_time_from_iso(iso, out_ms, &zone_bytes) != TG_OK)
		return false;
	if (zone_bytes > 1)
		*forms |= TG_STAMP_ZONED;
	if (iso.bytes > ISO_DATE_BYTES && text[ISO_DATE_BYTES] == ' ')
		*forms |= TG_STAMP_SPACED;
	if (iso.bytes - zone_bytes < ISO_SECONDS_BYTES)
		*forms |= TG_STAMP_COARSE;
	return true;
}

static enum tg_stamp_kind kind_of_number(struct tg_view value)
{
	int64_t number = 0;

	if (tg_time_from_number(value, 1, &number) != TG_OK)
		return TG_STAMP_NONE;
	if (number >= EPOCH_S_MIN && number <= EPOCH_S_MAX)
		return TG_STAMP_SECONDS;
	if (number >= EPOCH_S_MIN * 1000 && number <= EPOCH_S_MAX * 1000)
		return TG_STAMP_MILLISECONDS;
	return TG_STAMP_NONE;
}

enum tg_stamp_kind tg_stamp_kind_of(struct tg_view value, uint32_t *forms)
{
	int64_t ms = 0;

	if (value.bytes == 0)
		return TG_STAMP_NONE;
	if (value.at[0] == '{')
		return read_time(value, &ms) ? TG_STAMP_TIME : TG_STAMP_NONE;
	if (value.at[0] == '"')
		return read_iso(value, &ms, forms) ? TG_STAMP_ISO : TG_STAMP_NONE;
	return kind_of_number(value);
}

const char *tg_stamp_kind_name(enum tg_stamp_kind kind)
{
	static const char *const names[TG_STAMP_KINDS] = {
		"no moment",
		"TIME",
		"ISO 8601 string",
		"seconds since 1970",
		"milliseconds since 1970",
	};

	return names[kind];
}

bool tg_stamp_read(const struct tg_stamp *stamp, struct tg_view value, int64_t *out_ms)
{
	uint32_t forms = 0;

	if (value.bytes == 0)
		return false;
	switch (stamp->kind) {
	case TG_STAMP_TIME:
		return read_time(value, out_ms);
	case TG_STAMP_ISO:
		return value.at[0] == '"' && read_iso(value, out_ms, &forms);
	case TG_STAMP_SECONDS:
		return tg_time_from_number(value, 1000, out_ms) == TG_OK;
	case TG_STAMP_MILLISECONDS:
		return tg_time_from_number(value, 1, out_ms) == TG_OK;
	default:
		return false;
	}
}

/* A prefix of the moment's text is not above any longer text of the same moment. */
static void put_iso_bound(const struct tg_stamp *stamp, int64_t ms, struct tg_out *out)
{
	char text[TG_TIME_ISO_BYTES];
	size_t bytes = stamp->forms & TG_STAMP_COARSE ? ISO_DATE_BYTES : ISO_SECONDS_BYTES;

	if (stamp->forms & TG_STAMP_ZONED)
		ms -= ZONE_SPAN_MS;
	if (tg_time_to_iso(ms, text) != TG_OK)
		bytes = 0;
	/* A blank sorts before the T, so that both are found. */
	if (stamp->forms & TG_STAMP_SPACED && bytes > ISO_DATE_BYTES)
		text[ISO_DATE_BYTES] = ' ';
	tg_out_byte(out, '"');
	tg_out_put(out, text, bytes);
	tg_out_byte(out, '"');
}

void tg_stamp_bound(const struct tg_stamp *stamp, int64_t ms, struct tg_out *out)
{
	char number[24];

	switch (stamp->kind) {
	case TG_STAMP_TIME:
		tg_out_str(out, "[101,[");
		tg_time_to_seconds(ms, out);
		tg_out_str(out, "]]");
		return;
	case TG_STAMP_ISO:
		put_iso_bound(stamp, ms, out);
		return;
	case TG_STAMP_SECONDS:
		tg_time_to_seconds(ms, out);
		return;
	default:
		snprintf(number, sizeof(number), "%" PRId64, ms);
		tg_out_str(out, number);
	}
}

void tg_stamp_sample_start(struct tg_stamp_sample *sample, const char *field)
{
	memset(sample, 0, sizeof(*sample));
	if (field[0] != '\0') {
		sample->count = tg_member_set_text(&sample->fields[0], field) ? 1 : 0;
		return;
	}
	for (; sample->count < TG_STAMP_CANDIDATES; sample->count++)
		(void)!tg_member_set_text(&sample->fields[sample->count],
					  candidates[sample->count]);
}

void tg_stamp_sample_row(struct tg_stamp_sample *sample, struct tg_view row)
{
	struct tg_members members;
	struct tg_view name, value;

	sample->rows++;
	if (!tg_members_start(&members, row) || !members.object)
		return;
	while (tg_members_next(&members, &name, &value))
		for (uint32_t i = 0; i < sample->count; i++)
			if (tg_view_same(name, tg_member_bare(&sample->fields[i])))
				sample->seen[i][tg_stamp_kind_of(value, &sample->forms[i])]++;
}

static enum tg_stamp_kind most_seen(const uint32_t seen[TG_STAMP_KINDS])
{
	unsigned best = TG_STAMP_TIME;

	for (unsigned kind = TG_STAMP_TIME + 1; kind < TG_STAMP_KINDS; kind++)
		if (seen[kind] > seen[best])
			best = kind;
	return (enum tg_stamp_kind)best;
}

void tg_stamp_choose(const struct tg_stamp_sample *sample, struct tg_stamp *out)
{
	*out = (struct tg_stamp){ .kind = TG_STAMP_NONE };
	for (uint32_t i = 0; i < sample->count; i++) {
		enum tg_stamp_kind kind = most_seen(sample->seen[i]);
		uint64_t rows = sample->seen[i][kind];
		if (rows == 0 || rows * 100 < (uint64_t)sample->rows * 95)
			continue;
		out->field = sample->fields[i];
		out->kind = kind;
		out->forms = sample->forms[i];
		return;
	}
}
