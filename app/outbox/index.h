/* index.h - per stream: which keys were handed on, with which content, and where the newest
 * version lies.
 *
 * One B+tree of packed pages a stream, each page one LMDB value ('I' stream page), so that no
 * source key is ever an LMDB key. An entry is {encoded key, 8 bytes of hash, sequence of the
 * newest version, flags}. One structure answers "unchanged?", "gone?", "which differ?" and "fold
 * these".
 *
 *                       [ inner: lower fence -> page ]
 *                      /              |               \
 *      [ leaf: key hash seq ... ] [ leaf ... ] [ leaf ... ]      4,080 bytes each: one LMDB page
 *
 * Changes that come in no order would touch a leaf each, and each leaf is a page to write. They
 * gather in young trees first, which are of the same pages, and go into the older one in key
 * order, many to a leaf:
 *
 *      put -> [ young 0: half of the cache ] -> [ young 1: 8 times that ] -> [ the tree ]
 *
 * A key's newest entry is the one in the youngest tree that has it. A tree not larger than young 0
 * needs none and is written at once; so are ordered passes, which begin by emptying the young ones
 * (tg_index_walk). So is a leaf that is written anyway, or that one change after the other falls
 * on, as with rising keys: a put right after the tg_index_find of a key in no young tree.
 *
 * A full pass in key order walks the leaves beside the rows (tg_index_merge): equal hash touches
 * nothing and writes nothing; keys that lie between two rows are flagged MISSING, and only
 * tg_index_next_missing, after a complete pass, turns them into deletes. A delete leaves an entry
 * flagged DELETED until every sink has it, so that a delete lost to a damaged block can be sent
 * again.
 *
 * Errors of every call that returns int:
 *      TG_ERR_FULL      too many changed pages: commit (tg_index_flushed), then repeat the call
 *      TG_ERR_LIMIT     the cache or TG_INDEX_HEIGHT_MAX is too small for this tree
 *      TG_ERR_DAMAGED   a page fails its check: drop the index and build it anew
 *      TG_ERR_IO        as the store's load says
 * A tg_index_put, _remove or _merge_put that fails has changed no entry; a put, a remove and a walk
 * may have moved some from young to old, and want several commits for that. A tg_index_merge or
 * _merge_end that fails has done a part of its work and stands before the rest.
 *
 * A page goes when it is empty; half-empty ones are not joined. A leaf that a merge empties goes
 * when the walk leaves it; if the walk never does, the next pass takes it. Rows put in key order
 * fill their leaves wholly, others two thirds.
 *
 * Memory:  the page cache (CONFIG_TG_INDEX_PAGES pages of 4,080 bytes), handed in; at most 8 KiB
 *          of stack.
 * Waits:   a load may wait for the disk.
 * Thread:  the loop's. tg_crc32c_init() came first.
 */
#ifndef TG_APP_OUTBOX_INDEX_H
#define TG_APP_OUTBOX_INDEX_H

#include "app/record.h"
#include "platform/err.h"

enum { TG_INDEX_PAGE_BYTES = 4080, TG_INDEX_HEIGHT_MAX = 16, TG_INDEX_YOUNG = 2 };

/* Sequences end here (more than 36,000 years of a million rows a second). */
#define TG_INDEX_SEQ_MAX ((UINT64_C(1) << 60) - 1)

enum tg_index_flag {
	TG_INDEX_MISSING = 1,  /* not seen where it should have been in the pass under way */
	TG_INDEX_DELETED = 2,  /* a delete with this sequence was handed on                */
	TG_INDEX_OVERSIZE = 4, /* the row could not be held; it is in quarantine           */
};

struct tg_index_entry {
	struct tg_key key; /* on return: borrows from a cached page until the next index call */
	uint64_t hash;
	uint64_t seq;   /* at most TG_INDEX_SEQ_MAX */
	uint32_t flags; /* enum tg_index_flag       */
};

/* What the stream's row keeps of a tree. All zero: an empty one. */
struct tg_index_root {
	uint32_t root_page; /* 0: empty                                  */
	uint32_t height;    /* 1: the root is a leaf                     */
	uint32_t next_page; /* page numbers are not used again soon      */
	uint32_t pages;     /* how many it has, at most                  */
	uint64_t entries;   /* all entries, flagged ones included        */
	uint64_t missing;   /* of them flagged MISSING                   */
	uint64_t deleted;   /* of them flagged DELETED                   */
};

/* Where pages come from. `load` copies page `page` of `stream` into `at` and returns 0, or
 * TG_ERR_DAMAGED (there is none, or of another size) or TG_ERR_IO. */
struct tg_index_store {
	void *context;
	int (*load)(void *context, uint32_t stream, uint32_t page, uint8_t at[TG_INDEX_PAGE_BYTES]);
};

enum tg_index_page_state {
	TG_INDEX_PAGE_FREE,
	TG_INDEX_PAGE_CLEAN,
	TG_INDEX_PAGE_DIRTY,
	TG_INDEX_PAGE_DROPPED, /* to be deleted from the store at the commit */
};

/* Cells found on the way to others, some 250 bytes apart, from which the next search sets out. */
enum { TG_INDEX_MARKS = 16 };

/* One place of the cache. Place i also holds the head of bucket i of the cache's hash table. */
struct tg_index_page {
	enum tg_index_page_state state;
	uint32_t stream, page;
	uint32_t bucket_, next_;      /* place + 1, 0: none                         */
	bool pinned_, used_, stored_; /* `stored_`: the store knows this page       */
	uint8_t wanted_; /* changes that fell on this leaf, halved at each commit          */
	uint8_t risen_;  /* how many new cells were written one right behind the other      */
	uint16_t marks_; /* how many there are; any change ends them   */
	uint16_t mark_at_[TG_INDEX_MARKS], mark_before_[TG_INDEX_MARKS];
	uint64_t mark_seq_[TG_INDEX_MARKS]; /* of the cell before                         */
	uint16_t last_, last_before_;       /* the leaf's cell written last, 0: none      */
	uint64_t last_seq_;                 /* of the cell before                         */
	uint64_t stamp_;                    /* another one with each change and each load */
	uint8_t bytes[TG_INDEX_PAGE_BYTES]; /* sealed (checksum set) by tg_index_seal()   */
};

/* A place in the tree; level 0 is the leaf, level height - 1 the root. */
struct tg_index_path {
	uint32_t page[TG_INDEX_HEIGHT_MAX];
	uint16_t at[TG_INDEX_HEIGHT_MAX]; /* above the leaf: the cell of the child entered        */
	uint16_t end;                 /* the place stands on the leaf's cell [at[0], end) ...     */
	uint16_t before;              /* ... behind the cell here, or at the leaf's begin (0)     */
	uint64_t seq_before, seq_end; /* sequences of the cells before at[0] and before `end`     */
	struct tg_index_page *leaf;   /* where the leaf was last seen in the cache                */
};

/* The key that was last looked for and is in no young tree, and its place in the tree: until any
 * page of any tree changes. */
struct tg_index_sought {
	uint32_t stream, key_bytes, cmp_bytes; /* of the key; 0: none */
	struct tg_index_path path;
	uint8_t key[TG_KEY_BYTES_MAX];
};

/* Where a tree was searched or written last: the next key often belongs there too. True as long as
 * no page came or went (`shape`) and the leaf is what it was (`stamp`). */
struct tg_index_near {
	uint32_t stream;
	uint64_t shape, stamp;
	struct tg_index_path path;
};

/* The cache is shared by the streams that are open. */
struct tg_index_cache {
	struct tg_index_store store;
	struct tg_index_page *pages;
	uint32_t count;
	uint32_t hand_;                       /* where the search for a place goes on */
	uint32_t dirty_, dropped_;            /* places in that state                 */
	uint32_t young_pages[TG_INDEX_YOUNG]; /* how large the young trees may grow */
	uint64_t shape_, stamp_;              /* count pages that come or go, and changes */
	struct tg_index_sought sought_;
	struct tg_index_near near_[1 + TG_INDEX_YOUNG]; /* by the tree's number */
};

/* Takes `count` pages for good; all are free then. */
void tg_index_cache_init(struct tg_index_cache *cache, struct tg_index_page *pages, uint32_t count,
			 struct tg_index_store store);
/* Before a commit: every DIRTY page gets its checksum; the outbox then writes the DIRTY and
 * deletes the DROPPED ones. */
void tg_index_seal(struct tg_index_cache *cache);
/* After a successful commit: DIRTY becomes CLEAN, DROPPED becomes FREE. */
void tg_index_flushed(struct tg_index_cache *cache);
/* Forgets every page of `stream` without writing (the stream was closed or rolled back). The
 * owner puts the root back too; a walk must be begun anew. */
void tg_index_forget(struct tg_index_cache *cache, uint32_t stream);
/* How many pages wait for the commit. */
uint32_t tg_index_dirty(const struct tg_index_cache *cache);
/* 0, or TG_ERR_DAMAGED: checksum, format and order inside the page (for `verify` and the start
 * check). `compare` may be NULL: the order is not looked at then. */
TG_CHECKED int tg_index_page_check(const uint8_t bytes[TG_INDEX_PAGE_BYTES], uint32_t page,
				   int (*compare)(struct tg_key a, struct tg_key b));

struct tg_index {
	struct tg_index_cache *cache;
	struct tg_index_root *root;  /* in the stream's row; changed in place, committed with it */
	struct tg_index_root *young; /* TG_INDEX_YOUNG of them, youngest first; NULL: none */
	uint32_t stream;
	int (*compare)(struct tg_key a, struct tg_key b);
	struct tg_index_path walk_;
	uint32_t tree_;    /* 0: the tree, i + 1: young tree i                 */
	uint32_t folding_; /* bit i: young tree i is on its way into the older */
	bool walking_;
	bool last_leaf_; /* no leaf is known to lie behind the walk's */
	bool begins_;    /* a run from the end, none of whose entries was written  */
	bool apart_;     /* it begins a leaf of its own                            */
	bool fronted_;   /* it went before all others of a leaf                    */
};

/* Random access (timestamp passes, quarantine, `show`). TG_ERR_MISSING when there is no such key.
 * A walk goes on undisturbed. */
TG_CHECKED int tg_index_find(struct tg_index *index, struct tg_key key, struct tg_index_entry *out);
/* Inserts or replaces. `entry->key` must not point into the cache. Ends a walk. */
TG_CHECKED int tg_index_put(struct tg_index *index, const struct tg_index_entry *entry);
/* Takes `key` out, or returns TG_ERR_MISSING; `key` must not point into the cache.
 * Empties the young trees. Ends a walk. */
TG_CHECKED int tg_index_remove(struct tg_index *index, struct tg_key key);

/* Empties the young trees, and begins an ordered walk right behind `after` (empty view: at the
 * first key); `after` must not point into the cache. */
TG_CHECKED int tg_index_walk(struct tg_index *index, struct tg_key after);
/* The same right before `key`, which must not point into the cache: for rows that are read from the
 * end, a run after the other. New ones between two leaves go into the second one: rows that rise
 * towards them find the first one as they left it. */
TG_CHECKED int tg_index_walk_from(struct tg_index *index, struct tg_key key);
/* The next row of an ordered pass: every entry before `key` that is neither DELETED nor MISSING
 * yet is flagged MISSING; DELETED ones with seq <= `trimmed` are removed on the way. Then returns
 * 0 with the entry of `key` in `out` (MISSING flag already cleared), or TG_ERR_MISSING when there
 * is none. The walk stands on `key` afterwards: tg_index_merge_put writes it there in O(1). The
 * key of the row before may come again. TG_ERR_PROTOCOL: `key` lies before an entry that was
 * passed, so the rows are not in order; nothing is changed. */
TG_CHECKED int tg_index_merge(struct tg_index *index, struct tg_key key, uint64_t trimmed,
			      struct tg_index_entry *out);
/* Writes the entry that the last tg_index_merge, _next_missing or _next returned or found
 * missing; `entry->key` is its key, and may be the one returned. The walk stands on it. */
TG_CHECKED int tg_index_merge_put(struct tg_index *index, const struct tg_index_entry *entry);
/* The run is complete: flags what lies behind the last row, and before `before` unless that is
 * empty; the entry of `before` stays as it is. The walk is over then. */
TG_CHECKED int tg_index_merge_end(struct tg_index *index, struct tg_key before, uint64_t trimmed);

/* The first entry flagged MISSING behind the walk's place (tg_index_walk with an empty view
 * starts it), or TG_ERR_MISSING when there is none. Pages without one are skipped by their
 * header's count. The walk stands on the entry. */
TG_CHECKED int tg_index_next_missing(struct tg_index *index, struct tg_index_entry *out);
/* Visits every entry in order; used by verify, discover and tests. TG_ERR_MISSING at the end. */
TG_CHECKED int tg_index_next(struct tg_index *index, struct tg_index_entry *out);

#endif
