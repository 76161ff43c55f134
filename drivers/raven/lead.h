/* lead.h - with which etags the next pages of a walk may be asked for before the present one has
 * come.
 *
 *      present page   |a b c . d e|                  P rows, in the order of their etags
 *      asked[0]                   |. . . . . .|      at most the present page's end
 *      asked[1]                               |...   at most asked[0] + P
 *
 * A page asked with etag Y answers the P documents with the smallest etags from Y on. Etags are
 * whole numbers and rise strictly, so a page that comes with all its P rows ends at Y + P - 1 or
 * behind; and row i of it (from 0) with etag e means an end at e + P - 1 - i or behind. The next
 * page may be asked with one more than such a bound, and the one behind it with P more than that:
 * holes make pages overlap, never leave a gap. What may not be taken as a bound is a row's distance
 * from the first one: it leaps over rows as soon as a page before it had holes.
 *
 * Told etags may be lower than true ones (a document's own entry in its change vector may be older
 * than its last write here), never higher: every bound stays one.
 *
 * Only pages that came whole count. When one is short the walk is at its end, and what was asked
 * ahead is nobody's. With no holes nothing comes twice; with a share f of live etags, f of each
 * page is new, however many pages are ahead: what is asked never lies below what was read by then.
 *
 * Pure. Memory: the struct.
 */
#ifndef TG_DRIVERS_RAVEN_LEAD_H
#define TG_DRIVERS_RAVEN_LEAD_H

#include <stdbool.h>
#include <stdint.h>

enum { TG_RAVEN_AHEAD_MAX = 4 };

struct tg_raven_lead {
	uint64_t rows;    /* P. To be changed only while nothing is asked ahead            */
	uint64_t reach;   /* all below it is read once the present page has come with P rows */
	uint64_t first;   /* the present page's first told etag; 0: none yet               */
	uint64_t seen;    /* the largest told etag of the whole walk                       */
	uint64_t repeats; /* rows of the present page at or below what was seen before     */
	uint64_t asked[TG_RAVEN_AHEAD_MAX];
	uint32_t count; /* of these, the next one first */
};

/* The present page is asked with `from`: all below it is read. Nothing may be asked ahead. */
void tg_raven_lead_page(struct tg_raven_lead *lead, uint64_t from);
/* Row `at` (from 0) of the present page tells this etag. True: a row before told one as large. */
bool tg_raven_lead_row(struct tg_raven_lead *lead, uint64_t at, uint64_t etag);
/* With which etag one more page may be asked; tg_raven_lead_ask() when it is. */
uint64_t tg_raven_lead_next(const struct tg_raven_lead *lead);
void tg_raven_lead_ask(struct tg_raven_lead *lead, uint64_t etag);
/* The present page came with P rows. True: the one asked first is the present page now. False:
 * there is none, or it lies behind what was read, and so would all others: drop them. */
bool tg_raven_lead_turn(struct tg_raven_lead *lead);
/* How many answers nobody wants any more. */
uint32_t tg_raven_lead_drop(struct tg_raven_lead *lead);
/* Of a page that came with P rows: whether asking ahead pays. */
bool tg_raven_lead_is_dense(const struct tg_raven_lead *lead);

#endif
