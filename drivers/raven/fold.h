/* fold.h - RavenDB's lower case: which ids and collections are the same to the server.
 *
 * The server lowers an id letter by letter with .NET's invariant rules: the simple lower case of
 * Unicode's UnicodeData.txt (one letter gives one letter; `Ö` is `ö`, but `ß` is not `ss`). U+0130
 * stays as it is, and so does all that lies above U+FFFF, for the server looks at halves of UTF-16
 * pairs. Seen on 5.4.207, 6.2.4 and 7.1.5 for 76,921 letters, in the ids of tombstones.
 *
 * Which Unicode the server knows depends on its .NET; we take 14.0. A letter that is younger stays
 * as it is: two spellings of one id are then two keys here, which sends a row twice; the other way
 * round one row would hide another.
 *
 *      first..last, every step-th letter   + delta ->   its lower case
 *      0041..005A  A B C ...               + 20         a b c ...
 *
 * Pure: no state, no allocation.
 */
#ifndef TG_DRIVERS_RAVEN_FOLD_H
#define TG_DRIVERS_RAVEN_FOLD_H

#include "platform/err.h"

/* The lower case of one letter, or the letter itself. */
uint32_t tg_fold_letter(uint32_t letter);

/* Which of the letters with the lower case `lower` is `letter`: 0 for `lower` itself, 1 for the
 * first in the table ... */
uint32_t tg_fold_which(uint32_t letter);
/* The inverse: letter number `which` (>= 1) whose lower case `lower` is, or 0 when there is none.
 */
uint32_t tg_fold_back(uint32_t lower, uint32_t which);

enum { TG_FOLD_WHICH_MAX = 2 };

/* One letter of UTF-8 text, and back. A byte that is no UTF-8 is TG_FOLD_NO_LETTER and one byte
 * long; encoded surrogates are taken as letters. */
#define TG_FOLD_NO_LETTER UINT32_MAX
unsigned tg_fold_take(const uint8_t *at, const uint8_t *end, uint32_t *letter);
unsigned tg_fold_put(uint32_t letter, uint8_t at[4]);

/* Lowers `text` into `at`; bytes that are no UTF-8 stay as they are. Returns the length (which may
 * differ from the text's), or TG_ERR_LIMIT. */
TG_CHECKED int tg_fold(struct tg_view text, uint8_t *at, size_t cap);

/* Whether the server takes the two for one name; plain bytes, not JSON. */
bool tg_fold_same(struct tg_view a, struct tg_view b);

#endif
