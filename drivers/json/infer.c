#include "drivers/json/infer.h"

#include "drivers/json/scan.h"

static const char *const type_names[TG_COLUMN_TYPES] = {
	[TG_COLUMN_BOOLEAN] = "BOOLEAN", [TG_COLUMN_LONG] = "LONG",
	[TG_COLUMN_DECIMAL] = "DECIMAL", [TG_COLUMN_DOUBLE] = "DOUBLE",
	[TG_COLUMN_STRING] = "STRING",   [TG_COLUMN_UTC_DATETIME] = "UTC_DATETIME",
	[TG_COLUMN_BINARY] = "BINARY",   [TG_COLUMN_JSON] = "JSON",
	[TG_COLUMN_NULL] = "",
};

enum tg_column_type tg_infer_type(struct tg_view value)
{
	int64_t number;

	switch (value.bytes == 0 ? 'n' : value.at[0]) {
	case 'n':
		return TG_COLUMN_NULL;
	case 't':
	case 'f':
		return TG_COLUMN_BOOLEAN;
	case '"':
		return TG_COLUMN_STRING;
	case '{':
	case '[':
		return TG_COLUMN_JSON;
	default:
		return tg_json_integer(value, &number) == TG_OK ? TG_COLUMN_LONG : TG_COLUMN_DOUBLE;
	}
}

void tg_infer_start(struct tg_infer *infer)
{
	infer->rows = infer->count = infer->left_out = infer->names_bytes = 0;
}

static struct tg_infer_column *column_of(struct tg_infer *infer, struct tg_view name)
{
	for (uint32_t i = 0; i < infer->count; i++) {
		struct tg_infer_column *column = &infer->columns[i];
		if (tg_view_same(tg_view_of(infer->names + column->name_at, column->name_bytes),
				 name))
			return column;
	}
	if (infer->count == CONFIG_TG_INFER_COLUMNS_MAX ||
	    name.bytes > sizeof(infer->names) - infer->names_bytes)
		return NULL;
	struct tg_infer_column *column = &infer->columns[infer->count++];
	*column = (struct tg_infer_column){ .name_at = infer->names_bytes,
					    .name_bytes = (uint32_t)name.bytes };
	if (name.bytes > 0)
		memcpy(infer->names + infer->names_bytes, name.at, name.bytes);
	infer->names_bytes += (uint32_t)name.bytes;
	return column;
}

void tg_infer_row(struct tg_infer *infer)
{
	infer->rows++;
	infer->leaving_out_ = false;
}

void tg_infer_see(struct tg_infer *infer, struct tg_view name, enum tg_column_type type)
{
	struct tg_infer_column *column = column_of(infer, name);

	if (column != NULL) {
		column->seen[type]++;
	} else if (!infer->leaving_out_) {
		infer->left_out++;
		infer->leaving_out_ = true;
	}
}

void tg_infer_see_renamed(struct tg_infer *infer, struct tg_view name, enum tg_column_type type)
{
	struct tg_infer_column *column = column_of(infer, name);

	if (column != NULL)
		column->renamed = true;
	tg_infer_see(infer, name, type);
}

/* LONG, DECIMAL and DOUBLE become one count under the widest of them. */
static void merge_numbers(struct tg_infer_column *column)
{
	uint32_t *seen = column->seen;
	unsigned widest = seen[TG_COLUMN_DOUBLE] > 0    ? TG_COLUMN_DOUBLE
			  : seen[TG_COLUMN_DECIMAL] > 0 ? TG_COLUMN_DECIMAL
							: TG_COLUMN_LONG;
	uint32_t sum = seen[TG_COLUMN_LONG] + seen[TG_COLUMN_DECIMAL] + seen[TG_COLUMN_DOUBLE];

	seen[TG_COLUMN_LONG] = seen[TG_COLUMN_DECIMAL] = seen[TG_COLUMN_DOUBLE] = 0;
	seen[widest] = sum;
}

/* The most frequent type but `besides`; TG_COLUMN_NULL when there is none. */
static unsigned most_seen(const struct tg_infer_column *column, unsigned besides)
{
	unsigned best = TG_COLUMN_NULL, most = 0;

	for (unsigned type = 0; type < TG_COLUMN_NULL; type++) {
		if (type == besides || column->seen[type] <= most)
			continue;
		best = type;
		most = column->seen[type];
	}
	return best;
}

static void report_column(const struct tg_infer *infer, struct tg_infer_column *column,
			  struct tg_column_report *out)
{
	uint32_t typed = 0;

	merge_numbers(column);
	unsigned type = most_seen(column, TG_COLUMN_TYPES);
	for (unsigned i = 0; i < TG_COLUMN_NULL; i++)
		typed += column->seen[i];
	*out = (struct tg_column_report){
		.name = tg_view_of(infer->names + column->name_at, column->name_bytes),
		.type = type_names[type],
		.rows = typed + column->seen[TG_COLUMN_NULL],
		.other_rows = type == TG_COLUMN_NULL ? 0 : typed - column->seen[type],
		.other_type = type_names[most_seen(column, type)],
		.renamed = column->renamed,
	};
}

void tg_infer_end(struct tg_infer *infer)
{
	for (uint32_t i = 0; i < infer->count; i++)
		report_column(infer, &infer->columns[i], &infer->reports[i]);
}
