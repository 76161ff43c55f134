/* page.h - RavenDB's answers, taken apart as they arrive: the rows of a list, or one value.
 *
 *      {"Results":[ {doc} , {doc} ] }          documents, metadata alone, queries
 *      {"Tombstones":[ {..} , {..} ],"ContinuationToken":null}
 *                     ^ROW    ^ROW   ^ and what stands beside them
 *
 * A 200 may end in an error: cut-off JSON with an error object glued behind it, or an "Error"
 * member. So an answer is good only when tg_raven_page_end() says that its outermost brace closed
 * and nothing but white space followed (reference/ravendb.md 1.4); rows that came before are true
 * all the same. What stood behind the break is kept, for judging it.
 *
 * It is fed a window of bytes that grows at its end: the caller keeps what lies from `window.from`
 * on. A row is given out in place. A row larger than `doc_bytes_max` is walked and dropped while
 * its metadata is kept.
 *
 * Memory:  the struct, about 10 KiB. Waits: never.
 */
#ifndef TG_DRIVERS_RAVEN_PAGE_H
#define TG_DRIVERS_RAVEN_PAGE_H

#include "drivers/json/scan.h"

enum tg_raven_page_event {
	TG_RAVEN_PAGE_MORE = 1, /* all bytes are used: receive     */
	TG_RAVEN_PAGE_ROW,      /* `row` holds the next one        */
};

enum tg_raven_page_kind {
	TG_RAVEN_PAGE_LIST,  /* an object with one list of rows          */
	TG_RAVEN_PAGE_ALONE, /* any one JSON value: it is the one row    */
};

enum tg_raven_stale { TG_RAVEN_STALE_UNSAID, TG_RAVEN_STALE_NO, TG_RAVEN_STALE_YES };

enum {
	TG_RAVEN_INDEX_NAME_BYTES = 256, /* longer ones are cut                              */
	TG_RAVEN_TAIL_BYTES = 1024,      /* of what follows a break, or of "Error"           */
};

/* The bytes received and not used up: at[from .. fill). Between two calls they may move, and the
 * used ones go. */
struct tg_raven_window {
	const uint8_t *at;
	size_t from, fill;
};

struct tg_raven_row {
	struct tg_view body;     /* not to be used when oversize                              */
	struct tg_view metadata; /* the value of @metadata; empty: none, or lost with the row */
	uint64_t bytes;          /* the row's true length                                     */
	uint32_t flags;          /* enum tg_scan_flag                                         */
	bool oversize;           /* larger or deeper than we hold                             */
};

struct tg_raven_page { /* Public only so that it can be placed; the first part may be read. */
	struct tg_raven_row row;
	uint64_t rows; /* given out so far */
	/* Beside the list; they may come behind it. */
	enum tg_raven_stale stale;
	bool index_named;
	char index_name[TG_RAVEN_INDEX_NAME_BYTES]; /* as JSON writes it, without quotes */
	/* Once it is broken: what begins at the break, or the value of "Error". */
	uint32_t tail_bytes;
	uint8_t tail[TG_RAVEN_TAIL_BYTES];
	/* The rest is page.c's. */
	uint64_t doc_bytes_max_;
	struct tg_scan scan_;
	uint64_t base_; /* bytes of the value under way that were dropped */
	uint32_t state_, name_;
	bool scanning_, dropping_, listed_;
	uint32_t metadata_bytes_;
	uint8_t metadata_[TG_SCAN_WATCH_BYTES_MAX];
};

/* A new answer. `doc_bytes_max`: of one row, at most what the window holds less what is received at
 * a time. */
void tg_raven_page_start(struct tg_raven_page *page, enum tg_raven_page_kind kind,
			 uint64_t doc_bytes_max);
/* Goes on at window->from; an event. Behind a break it swallows what comes. */
TG_CHECKED int tg_raven_page_next(struct tg_raven_page *page, struct tg_raven_window *window);
/* The body is over. TG_OK: it was whole. TG_ERR_PROTOCOL: it was not, see `tail`. */
TG_CHECKED int tg_raven_page_end(const struct tg_raven_page *page);

#endif
