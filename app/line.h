/* line.h - the line that every sink delivers: the envelope first, the row's members behind it.
 *
 *      {"_tidegate":{"instance":"..","stream":"..","op":"upsert","seq":7,"key":"k","time":".."}
 *      ,"a":1                                                        made by ops->shape
 *      }                                      (all on one line; a delete has the envelope alone)
 *
 * The bytes of a line depend on the record and on `struct tg_columns` alone, so that a retry months
 * later is byte for byte the same.
 */
#ifndef TG_APP_LINE_H
#define TG_APP_LINE_H

#include "app/record.h"
#include "platform/err.h"

enum tg_shape { TG_SHAPE_COLUMNS = 1, TG_SHAPE_DOCUMENT = 2 };
enum { TG_COLUMNS_SPEC_BYTES_MAX = 1024, TG_INSTANCE_BYTES_MAX = 81 };

/* Which top-level members go out and how, compiled from the configuration into bytes that the
 * in-flight row keeps: `spec` is a run of entries, each an action byte followed by the member's
 * name as JSON writes it (escaped, without quotes) and a NUL:
 *      '+' only these go out     '-' left out      '*' masked: any value but null becomes "***"
 * An empty spec lets everything through. */
struct tg_columns {
	enum tg_shape shape;
	struct tg_view spec;
};

enum tg_column_action { TG_COLUMN_KEEP, TG_COLUMN_DROP, TG_COLUMN_MASK };
/* What happens to the top-level member `name` (escaped as on the wire). `-` comes before `*`, and a
 * masked name goes out without being in any `+`. */
enum tg_column_action tg_columns_action(const struct tg_columns *columns, struct tg_view name);

struct tg_source_ops;

enum { TG_LINE_HEAD_BYTES_MAX = 320, TG_LINE_TAIL_BYTES = 35 };

/* Texts that were made for one line and are the same in the next; all zero: none. */
struct tg_line_memo {
	uint32_t head_bytes_; /* the envelope as far as its stream; longer ones are not kept */
	bool timed_;          /* `tail_` is the envelope's end with `time_ms_` as ISO text */
	int64_t time_ms_;
	char head_[TG_LINE_HEAD_BYTES_MAX];
	char tail_[TG_LINE_TAIL_BYTES];
};

/* What is the same for every line of a batch. */
struct tg_line {
	const struct tg_source_ops *ops; /* whose rows these are           */
	struct tg_columns columns;
	struct tg_view instance;   /* plain text, quoted here           */
	struct tg_view stream;     /* "SOURCE/DATABASE/TABLE", raw UTF-8 */
	struct tg_line_memo *memo; /* of this instance and stream; NULL: each line is made anew */
};

/* The JSON of the record's key as its source wrote it: a delete's body, a piece of an upsert's.
 * TG_ERR_DAMAGED when it does not lie in the body. */
TG_CHECKED int tg_line_key(const struct tg_record *record, struct tg_view *key);

/* Appends the whole line of `record`, no line end. TG_ERR_DAMAGED when the body is not what its
 * source wrote, TG_ERR_LIMIT for a TG_REC_OVERSIZE record, whose body is not here. What was
 * appended by then is no line. */
TG_CHECKED int tg_line_write(const struct tg_line *line, const struct tg_record *record,
			     struct tg_out *out);

#endif
