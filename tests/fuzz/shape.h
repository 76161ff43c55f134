/* shape.h - what holds of every source's shape(): of a record that is JSON it makes JSON, strictly
 * UTF-8, whole or in slices. Included once by a harness.
 */
#ifndef TG_TESTS_FUZZ_SHAPE_H
#define TG_TESTS_FUZZ_SHAPE_H

#include "app/line.h"
#include "drivers/json/scan.h"
#include "tests/fuzz/fuzz.h"

enum { LINE_MAX_BYTES = 1 << 20 };

static uint8_t line[LINE_MAX_BYTES];

static inline bool scan_whole(struct tg_view text, uint32_t *flags)
{
	struct tg_scan scan = { .watch_count = 0 };

	tg_scan_start(&scan);
	int rc = tg_scan_feed(&scan, text.at, text.bytes, 0);
	*flags = scan.flags;
	return rc == TG_OK && scan.pos == text.bytes && text.at[0] == '{';
}

typedef int fuzz_shape(const struct tg_columns *columns, const struct tg_record *record,
		       struct tg_out *out);

/* The members that `shape` made, behind a brace and a first member in `line`; `place` chooses the
 * slice. None when they are more than fit. */
static inline struct tg_view shape_valid(fuzz_shape *shape, const struct tg_columns *columns,
					 const struct tg_record *record, uint8_t place)
{
	struct tg_out out = { .at = line + 6, .cap = sizeof(line) - 7 };
	uint8_t slice[16];
	uint32_t flags;

	must(shape(columns, record, &out) == TG_OK);
	if (tg_out_overran(&out))
		return tg_view_of(NULL, 0);
	size_t bytes = tg_out_filled(&out);
	memcpy(line, "{\"q\":0", 6);
	line[6 + bytes] = '}';
	must(scan_whole(tg_view_of(line, bytes + 7), &flags));
	must((flags & (TG_SCAN_SURROGATE | TG_SCAN_RESERVED)) == 0);
	must(columns->shape == TG_SHAPE_DOCUMENT || (flags & TG_SCAN_NESTED) == 0);
	struct tg_out part = { .at = slice, .cap = sizeof(slice), .skip = bytes * place / 256 };
	must(shape(columns, record, &part) == TG_OK && part.total == bytes);
	must(memcmp(slice, line + 6 + part.skip, tg_out_filled(&part)) == 0);
	return tg_view_of(line + 6, bytes);
}

#endif
