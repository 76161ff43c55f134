/* flatten.h - a document's members as columns, one after another, without recursion.
 *
 *      {"Name":"x","Address":{"City":"y","Geo":{"Lat":1}},"Lines":[{"N":1}],"@metadata":{..}}
 *       Name       Address_City         Address_Geo_Lat     Lines             @metadata
 *
 * A leaf is a value that is no object, an empty object, an object below the deepest level, or
 * @metadata. Its path is the names from the document to it; joined with `_` they are the column.
 * Names are compared as they are written: the server spells each in one way only.
 *
 * Memory: the struct; views onto the document. Pure.
 */
#ifndef TG_DRIVERS_RAVEN_FLATTEN_H
#define TG_DRIVERS_RAVEN_FLATTEN_H

#include "platform/err.h"

enum { TG_FLATTEN_LEVELS_MAX = CONFIG_TG_RAVEN_FLATTEN_LEVELS_MAX };

struct tg_flatten {
	struct tg_view path[TG_FLATTEN_LEVELS_MAX];
	uint32_t depth; /* names in the path of the leaf                        */
	uint32_t fresh; /* the first of them that differs from the leaf before  */
	bool metadata;  /* the leaf is @metadata                                */
	/* The rest is flatten.c's. */
	const uint8_t *at_, *end_;
	uint32_t levels_;
	bool behind_value_;
};

/* Objects of `levels` levels become columns, 1 to TG_FLATTEN_LEVELS_MAX; 1 is the document's own
 * members. */
void tg_flatten_start(struct tg_flatten *flat, struct tg_view body, uint32_t levels);
/* 1 and the next leaf's value, 0 at the end, TG_ERR_DAMAGED when the document is no object. What
 * is inside of a value is not looked at. */
TG_CHECKED int tg_flatten_next(struct tg_flatten *flat, struct tg_view *value);

/* Appends the column's name, without quotes. */
void tg_flatten_put(const struct tg_flatten *flat, struct tg_out *out);
/* How many names of the path make up `name` when they are joined: 0 when none do, `depth` when it
 * is the column itself, fewer when it is an object around it. */
uint32_t tg_flatten_named(const struct tg_flatten *flat, struct tg_view name);

#endif
