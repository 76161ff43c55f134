/* Goal: a row that is JSON goes out as JSON in both shapes, strictly UTF-8, whole or in slices; one
 * that is none is never read beyond its end.
 * Input: one byte that chooses slices and columns, then the row. */
#include "drivers/rethink/shape.h"
#include "tests/fuzz/shape.h"

static uint8_t other[LINE_MAX_BYTES];

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
		if (!valid || (flags & TG_SCAN_DEEP) != 0)
			continue;
		struct tg_view made = shape_valid(tg_rethink_shape, &columns, &record, data[0]);
		if (made.at != NULL)
			same_member_by_member(&columns, &record, made);
	}
	return 0;
}
