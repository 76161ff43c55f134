/* pattern.h - names chosen by glob patterns: streams, tables, columns' rules.
 *
 *      "*"  any run of characters, "/" included      "?"  one character
 *      everything else stands for itself, with its case
 *
 * A list is read from left to right and the last pattern that matches decides: "!" in front
 * excludes. Where none matches, a list takes nothing, unless its first pattern excludes:
 *
 *      ["*", "!tmp_*", "tmp_keep"]   all but tmp_..., yet tmp_keep
 *      ["!tmp_*"]                    the same as ["*", "!tmp_*"]
 *
 * A list is kept packed: each pattern followed by a NUL.
 *
 * Memory:  none. Thread: any.
 */
#ifndef TG_APP_PATTERN_H
#define TG_APP_PATTERN_H

#include "platform/view.h"

/* Whether `pattern` (without "!") matches all of `text`, UTF-8. Linear in `text` for one star,
 * at worst their lengths multiplied. */
bool tg_pattern_match(const char *pattern, struct tg_view text);

/* Whether the packed list takes `text`. An empty list takes nothing. */
bool tg_patterns_take(struct tg_view patterns, struct tg_view text);

#endif
