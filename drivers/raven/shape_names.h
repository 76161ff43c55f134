/* shape_names.h - what a document's columns are called where two of them have one name.
 *
 *      {"Id":7,"a":{"b":1,"b_":2},"a_b":3}     ->  Id_: 7  a_b__: 1  a_b_: 2  a_b: 3
 *
 * The rule: `_tidegate`, `Id` and `LastModified` are tidegate's. Of all others with one name that
 * one keeps it whose own member's name is the longest, counted from the document inwards (`a_b`
 * before `b` in `a`); where the first 64 bytes do not tell, the first in the document. Each other
 * one gets underscores behind it, the fewest that make a name nobody has. So the result depends on
 * the document alone, and but for that last case not on the order of its members.
 *
 * Names meet only where one that lies in an object has an underscore of its own, so that few
 * documents are ever looked at.
 *
 * For shape.c and infer.c. Memory: the struct, 28 bytes a column. Pure.
 */
#ifndef TG_DRIVERS_RAVEN_SHAPE_NAMES_H
#define TG_DRIVERS_RAVEN_SHAPE_NAMES_H

#include "drivers/raven/flatten.h"

struct tg_shape_name {
	uint64_t hash;   /* of the name, underscores included                               */
	uint64_t breaks; /* where its levels meet: the top bit is the name's first byte     */
	uint32_t more;   /* underscores behind it                                           */
	bool loses;      /* another column has its name                                     */
};

enum {
	TG_SHAPE_NAMES_MAX = CONFIG_TG_RAVEN_COLUMNS_MAX,
	/* A power of two, twice the names or more. */
	TG_SHAPE_SLOTS = TG_SHAPE_NAMES_MAX <= 256    ? 512
			 : TG_SHAPE_NAMES_MAX <= 512  ? 1024
			 : TG_SHAPE_NAMES_MAX <= 1024 ? 2048
						      : 4096,
};
_Static_assert(TG_SHAPE_SLOTS >= 2 * TG_SHAPE_NAMES_MAX, "Lower TG_RAVEN_COLUMNS_MAX");

struct tg_shape_names {
	uint32_t count, renamed;
	struct tg_shape_name names[TG_SHAPE_NAMES_MAX]; /* in the order of tg_flatten_next() */
	uint16_t slots[TG_SHAPE_SLOTS];                 /* index + 1 by hash, 0: none         */
};

/* Names every leaf of `body`, @metadata too. TG_ERR_LIMIT: more than TG_SHAPE_NAMES_MAX columns.
 * TG_ERR_DAMAGED as tg_flatten_next(). */
TG_CHECKED int tg_shape_names_find(struct tg_shape_names *names, struct tg_view body);

/* True for `_tidegate`, `Id` and `LastModified`. */
bool tg_shape_reserved(struct tg_view name);

#endif
