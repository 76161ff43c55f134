/* node.h - what a struct tg_json is made of: json.c builds it, take.c and problem.c read it.
 *
 * Each node knows its parent, which cJSON's do not: a fault is told with its path. The texts are
 * cJSON's own and lie in the same arena.
 */
#ifndef TG_DRIVERS_JSON_NODE_H
#define TG_DRIVERS_JSON_NODE_H

#include "drivers/json/json.h"

enum { TG_JSON_LEVELS_MAX = 32 };

struct tg_json {
	const struct tg_json *parent_;
	struct tg_json *first_, *next_;
	const char *name_; /* NULL: an element of an array, or the root */
	const char *text_; /* strings only */
	int64_t number_;
	uint32_t index_; /* the place among the parent's children */
	uint8_t kind_;   /* enum tg_json_kind */
	bool true_;
	bool exact_; /* number_ is the number's whole value */
};

/* "sources[0].port" of `at`, then ".member" when there is one; cut at `cap`, always ended. */
void tg_json_path(const struct tg_json *at, const char *member, char *text, size_t cap);

#endif
