/* Goal: a row that is JSON goes out as JSON in both shapes, strictly UTF-8, whole or in slices; one
 * that is none is never read beyond its end.
 * Input: one byte that chooses slices and columns, then the row. */
#include <stdlib.h>

#include "drivers/json/scan.h"
#include "drivers/rethink/shape.h"

enum { LINE_MAX_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t line[LINE_MAX_BYTES], other[LINE_MAX_BYTES];

static void must(bool condition)
{
	if (!condition)
		abort();
}

static bool scan_whole(struct tg_view text, uint32_t *flags)
{
	struct tg_scan scan = { .watch_count = 0 };

	tg_scan_start(&scan);
	int rc = tg_scan_feed(&scan, text.at, text.bytes, 0);
	*flags = scan.flags;
	return rc == TG_OK && scan.pos == text.bytes && text.at[0] == '{';
}

/* A flag too much costs time and changes nothing: member by member it is the same as by leaps.
 * White space between members is left away or not, which no server sends. */
static void same_member_by_member(const struct tg_columns *columns, const struct tg_record *record,
				  struct tg_view want)
{
	struct tg_record slow = *record;
	struct tg_out out = { .at = other, .cap = sizeof(other) };

	for (size_t i = 0; i < record->body.bytes; i++)
		if (strchr(" \t\r\n", record->body.at[i]) != NULL)
			return;
	slow.flags |= TG_REC_RESERVED;
	must(tg_rethink_shape(columns, &slow, &out) == TG_OK && out.total == want.bytes);
	must(memcmp(other, want.at, want.bytes) == 0);
}

/* The line holds the members behind a brace and a first member. */
static void shape_valid(const struct tg_columns *columns, const struct tg_record *record,
			uint8_t place)
{
	struct tg_out out = { .at = line + 6, .cap = sizeof(line) - 7 };
	uint8_t slice[16];
	uint32_t flags;

	must(tg_rethink_shape(columns, record, &out) == TG_OK);
	if (tg_out_overran(&out))
		return;
	size_t bytes = tg_out_filled(&out);
	same_member_by_member(columns, record, tg_view_of(line + 6, bytes));
	memcpy(line, "{\"q\":0", 6);
	line[6 + bytes] = '}';
	must(scan_whole(tg_view_of(line, bytes + 7), &flags));
	must((flags & (TG_SCAN_SURROGATE | TG_SCAN_RESERVED)) == 0);
	must(columns->shape == TG_SHAPE_DOCUMENT || (flags & TG_SCAN_NESTED) == 0);
	struct tg_out part = { .at = slice, .cap = sizeof(slice), .skip = bytes * place / 256 };
	must(tg_rethink_shape(columns, record, &part) == TG_OK && part.total == bytes);
	must(memcmp(slice, line + 6 + part.skip, tg_out_filled(&part)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char specs[][9] = { "", "-a\0*b\0", "+a\0*b\0+t", "*a" };
	uint32_t flags;

	if (size < 2)
		return 0;
	struct tg_columns columns = { .spec = tg_view_of(specs[data[0] % 4], 0) };
	struct tg_record record = { .op = TG_UPSERT, .body = tg_view_of(data + 1, size - 1) };
	columns.spec.bytes = data[0] % 4 == 0 ? 0 : sizeof(specs[0]);
	bool valid = scan_whole(record.body, &flags);
	for (int shape = TG_SHAPE_COLUMNS; shape <= TG_SHAPE_DOCUMENT; shape++) {
		struct tg_out out = { .at = line, .cap = sizeof(line) };
		columns.shape = (enum tg_shape)shape;
		record.flags = 15;
		int rc = tg_rethink_shape(&columns, &record, &out);
		must(rc == TG_OK || rc == TG_ERR_DAMAGED);
		record.flags = flags & 15;
		if (valid && (flags & TG_SCAN_DEEP) == 0)
			shape_valid(&columns, &record, data[0]);
	}
	return 0;
}
