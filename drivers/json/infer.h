/* infer.h - what type each column of a table has, by a sample of rows, for `discover`.
 *
 *      start -> row, see, see ... -> row, see ... -> end: reports[0 .. count)
 *
 *      BOOLEAN | LONG < DECIMAL < DOUBLE | STRING | UTC_DATETIME | BINARY | JSON
 *
 * Numbers of different width agree: the widest one counts. Null counts for no type.
 *
 * Memory:  the struct, from the source's arena. Waits: never.
 */
#ifndef TG_DRIVERS_JSON_INFER_H
#define TG_DRIVERS_JSON_INFER_H

#include "app/source.h"

enum tg_column_type {
	TG_COLUMN_BOOLEAN,
	TG_COLUMN_LONG,
	TG_COLUMN_DECIMAL,
	TG_COLUMN_DOUBLE,
	TG_COLUMN_STRING,
	TG_COLUMN_UTC_DATETIME,
	TG_COLUMN_BINARY,
	TG_COLUMN_JSON,
	TG_COLUMN_NULL,
	TG_COLUMN_TYPES,
};

enum { TG_INFER_NAMES_BYTES = 32 * CONFIG_TG_INFER_COLUMNS_MAX };

struct tg_infer_column {
	uint32_t name_at, name_bytes;
	bool renamed; /* another column has this name in a row */
	uint32_t seen[TG_COLUMN_TYPES];
};

struct tg_infer {
	uint32_t rows, count, left_out, names_bytes;
	bool leaving_out_; /* the row under way has a column more than we can hold */
	struct tg_infer_column columns[CONFIG_TG_INFER_COLUMNS_MAX];
	struct tg_column_report reports[CONFIG_TG_INFER_COLUMNS_MAX];
	uint8_t names[TG_INFER_NAMES_BYTES];
};

/* The type that JSON alone tells: a number is LONG, or DOUBLE when it is not whole or too large for
 * one; no bytes are null. The driver knows better of objects, strings and DOUBLE. */
enum tg_column_type tg_infer_type(struct tg_view value);

void tg_infer_start(struct tg_infer *infer);
/* Another row of the sample begins. */
void tg_infer_row(struct tg_infer *infer);
/* It has the column `name`, as JSON writes it. */
void tg_infer_see(struct tg_infer *infer, struct tg_view name, enum tg_column_type type);
/* As above, where the column is called so because another one has its name. */
void tg_infer_see_renamed(struct tg_infer *infer, struct tg_view name, enum tg_column_type type);
/* Fills infer->reports[0 .. count). */
void tg_infer_end(struct tg_infer *infer);

#endif
