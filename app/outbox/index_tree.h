/* index_tree.h - one tree: places in it, changes of its shape; for index*.c and mend.c.
 *
 * A path names pages by number, so that it outlives their places in the cache. What changes the
 * shape first brings the whole path into the cache, pins it and makes sure of room for every page
 * it may need: from there on nothing can fail, so that a change happens wholly or not at all.
 *
 * Memory:  the caller's. Waits: a load may wait for the disk. Thread: the loop's.
 */
#ifndef TG_APP_OUTBOX_INDEX_TREE_H
#define TG_APP_OUTBOX_INDEX_TREE_H

#include "app/outbox/index_cache.h"
#include "app/outbox/index_page.h"

/* The page `page` at `level` of this tree. */
TG_CHECKED int tg_index_level(struct tg_index *index, uint32_t page, uint32_t level,
			      struct tg_index_page **out);

/* Puts `path` on `key`: 1 when it stands on its entry, 0 when it stands where the entry would be.
 * The tree is not empty. */
TG_CHECKED int tg_index_seek(struct tg_index *index, struct tg_key key, struct tg_index_path *path);

/* Enters the child at path->at[level], and below it the first children, down to the leaf's begin.
 * */
TG_CHECKED int tg_index_descend_first(struct tg_index *index, struct tg_index_path *path,
				      uint32_t level);

/* Writes `entry` where `path` stands, in place or by cutting pages in two; `path` stands on it
 * then. */
TG_CHECKED int tg_index_write(struct tg_index *index, struct tg_index_path *path,
			      const struct tg_index_entry *entry);

/* The leaf of `path` has no room for `entry`: the same, with new pages. Counts nothing. */
TG_CHECKED int tg_index_grow(struct tg_index *index, struct tg_index_path *path,
			     const struct tg_index_entry *entry);

/* Takes the leaf of `from`, which holds one entry at most, out of the tree. `to`, when not NULL,
 * is the place at the next leaf and stays true. */
TG_CHECKED int tg_index_drop_leaf(struct tg_index *index, const struct tg_index_path *from,
				  struct tg_index_path *to);

/* index.h's calls on this one tree, without the young ones beside it. `path`: the key's place, also
 * when it is missing. */
TG_CHECKED int tg_index_tree_find(struct tg_index *tree, struct tg_key key,
				  struct tg_index_path *path, struct tg_index_entry *out);
TG_CHECKED int tg_index_tree_put(struct tg_index *tree, const struct tg_index_entry *entry);
TG_CHECKED int tg_index_tree_remove(struct tg_index *tree, struct tg_key key);
TG_CHECKED int tg_index_tree_walk(struct tg_index *tree, struct tg_key after);
TG_CHECKED int tg_index_tree_walk_from(struct tg_index *tree, struct tg_key key);
/* Goes on to `key` as tg_index_merge does, and flags nothing on its way. */
TG_CHECKED int tg_index_tree_reach(struct tg_index *tree, struct tg_key key,
				   struct tg_index_entry *out);

/* One entry with `flags` more (+1) or less (-1) in the tree's sums. */
void tg_index_account(struct tg_index_root *root, uint32_t flags, int more);

/* The number of a new page: the highest bits name the tree. A young tree's numbers go round, since
 * none of its pages grows old. */
static inline uint32_t tg_index_new_number(const struct tg_index *tree)
{
	return tree->tree_ << 30 | (++tree->root->next_page & ((1u << 30) - 1));
}

/* Goes behind the cell that the path stands on. */
static inline void tg_index_path_pass(struct tg_index_path *path)
{
	if (path->end == path->at[0])
		return;
	path->before = path->at[0];
	path->at[0] = path->end;
	path->seq_before = path->seq_end;
}

static inline void tg_index_path_stand(struct tg_index_path *path, const struct tg_index_cell *cell)
{
	path->end = (uint16_t)cell->end;
	path->seq_end = cell->seq;
}

/* The leaf of `path`; mostly it lies where it was seen last. */
TG_CHECKED static inline int tg_index_leaf(struct tg_index *index, struct tg_index_path *path,
					   struct tg_index_page **out)
{
	struct tg_index_page *seen = path->leaf;

	if (seen != NULL && seen->page == path->page[0] && seen->stream == index->stream &&
	    (seen->state == TG_INDEX_PAGE_CLEAN || seen->state == TG_INDEX_PAGE_DIRTY)) {
		*out = seen;
		return 0;
	}
	int err = tg_index_level(index, path->page[0], 0, &path->leaf);
	*out = path->leaf;
	return err;
}

/* What risen_ is once an entry is written where `path` stands. */
static inline uint8_t tg_index_risen(const struct tg_index_page *leaf,
				     const struct tg_index_path *path)
{
	if (leaf->last_ == 0 || leaf->last_ != path->before || path->end > path->at[0])
		return 0;
	return leaf->risen_ < UINT8_MAX ? leaf->risen_ + 1 : UINT8_MAX;
}

/* `path` stands on the cell of `leaf` that was just written. */
static inline void tg_index_path_wrote(const struct tg_index_path *path, struct tg_index_page *leaf,
				       uint8_t risen)
{
	leaf->risen_ = risen;
	leaf->last_ = path->at[0];
	leaf->last_before_ = path->before;
	leaf->last_seq_ = path->seq_before;
}

static inline struct tg_index_spot tg_index_path_spot(const struct tg_index_path *path)
{
	return (struct tg_index_spot){ .at = path->at[0],
				       .end = path->end,
				       .seq_before = path->seq_before,
				       .seq_end = path->seq_end };
}

static inline void tg_index_path_cover(struct tg_index_path *path, const struct tg_index_spot *spot)
{
	path->at[0] = (uint16_t)spot->at;
	path->end = (uint16_t)spot->end;
	path->seq_before = spot->seq_before;
	path->seq_end = spot->seq_end;
}

/* Stands before the first entry of `leaf`. */
static inline void tg_index_path_begin(struct tg_index_path *path, struct tg_index_page *leaf)
{
	path->leaf = leaf;
	path->at[0] = path->end = TG_INDEX_PAGE_HEADER_BYTES;
	path->before = 0;
	path->seq_before = path->seq_end = tg_index_page_base(leaf->bytes);
}

static inline void tg_index_cell_out(const struct tg_index_cell *cell, struct tg_index_entry *out)
{
	out->key = cell->key;
	out->hash = cell->hash;
	out->seq = cell->seq;
	out->flags = cell->flags;
}

#endif
