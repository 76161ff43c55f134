/* shape_out.h - where shaped text goes: into a line as it is, or into a JSON string of the line.
 *
 *      value [1,"a\nb"]    as it is: [1,"a\nb"]     as a string: "[1,\"a\\nb\"]"
 *
 * For shape*.c only. Memory: the struct.
 */
#ifndef TG_DRIVERS_RETHINK_SHAPE_OUT_H
#define TG_DRIVERS_RETHINK_SHAPE_OUT_H

#include "platform/err.h"

struct tg_shape_out {
	struct tg_out *out;
	uint32_t flags; /* of the record: what must be looked for */
	bool quoted;    /* inside a JSON string of the line       */
};

/* Appends JSON text as it is (or escaped once more): no byte of it is looked at otherwise. */
void tg_shape_put(const struct tg_shape_out *shape, struct tg_view text);
/* The same, bytes that are no strict UTF-8 becoming escapes when the flags tell of such. */
void tg_shape_put_valid(const struct tg_shape_out *shape, struct tg_view text);
/* Appends a whole value, or several with what stands between them, pseudo-types at any depth
 * converted when the flags tell of such. `text` is JSON. */
void tg_shape_value(const struct tg_shape_out *shape, struct tg_view value);

/* Appends `value` as the scalar that it stands for when it is a TIME or a BINARY; false, and
 * nothing appended, for every other value. */
bool tg_shape_scalar(const struct tg_shape_out *shape, struct tg_view value);

/* The same for a TIME as a server writes it, whose end need not be known: returns the byte behind
 * it. NULL, and nothing appended: look closer. */
const uint8_t *tg_shape_usual_time(const struct tg_shape_out *shape, const uint8_t *at,
				   const uint8_t *end);

#endif
