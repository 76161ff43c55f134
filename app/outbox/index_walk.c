/* index_walk.c - the walk along the leaves, beside the rows of a pass.
 *
 * The place is a cell [at, end) of a leaf, empty between two cells. Each step first goes behind
 * the cell that it stands on, so a step that had to give up (TG_ERR_FULL) goes on where it was
 * when it is repeated.
 */
#include "app/outbox/index_tree.h"
#include "platform/assert.h"

enum { HEADER = TG_INDEX_PAGE_HEADER_BYTES };

static void forget_place(struct tg_index *index)
{
	index->walking_ = false;
	index->last_leaf_ = false;
	index->begins_ = index->apart_ = index->fronted_ = false;
	index->walk_ = (struct tg_index_path){ .end = HEADER };
}

int tg_index_tree_walk(struct tg_index *index, struct tg_key after)
{
	struct tg_index_path *path = &index->walk_;
	int err = 0;

	forget_place(index);
	if (index->root->root_page != 0 && after.bytes.bytes == 0) {
		uint32_t level = index->root->height - 1;
		if (level >= TG_INDEX_HEIGHT_MAX)
			return TG_ERR_DAMAGED;
		path->page[level] = index->root->root_page;
		path->at[level] = HEADER;
		err = tg_index_descend_first(index, path, level);
	} else if (index->root->root_page != 0) {
		err = tg_index_seek(index, after, path);
	}
	if (err < 0)
		return err;
	tg_index_path_pass(path);
	index->walking_ = true;
	return 0;
}

int tg_index_tree_walk_from(struct tg_index *index, struct tg_key key)
{
	struct tg_index_path *path = &index->walk_;
	int err = 0;

	forget_place(index);
	if (index->root->root_page != 0)
		err = tg_index_seek(index, key, path);
	if (err < 0)
		return err;
	path->end = path->at[0];
	path->seq_end = path->seq_before;
	index->walking_ = true;
	index->begins_ = true;
	return 0;
}

/* Where the way to the next leaf leaves the walk's path. */
struct fork {
	uint32_t level, at;  /* a cell of that level's page; level = height: there is none */
	struct tg_key fence; /* of the next leaf                                           */
};

static int find_fork(struct tg_index *index, struct fork *fork)
{
	const struct tg_index_path *path = &index->walk_;
	struct tg_index_page *page;
	struct tg_index_cell cell;

	*fork = (struct fork){ .level = 1 };
	for (; fork->level < index->root->height; fork->level++) {
		int err = tg_index_level(index, path->page[fork->level], fork->level, &page);
		if (err != 0)
			return err;
		tg_index_inner_read(page->bytes, path->at[fork->level], &cell);
		if (cell.end == tg_index_page_used(page->bytes))
			continue;
		fork->at = cell.end;
		(void)tg_index_key_read(page->bytes, cell.end, &fork->fence);
		return 0;
	}
	return 0;
}

/* `drops` lets an empty leaf go when it is left behind. */
static int enter_fork(struct tg_index *index, const struct fork *fork, bool drops)
{
	struct tg_index_path to = index->walk_;
	struct tg_index_page *leaf;

	to.at[fork->level] = (uint16_t)fork->at;
	int err = tg_index_descend_first(index, &to, fork->level);
	if (err == 0)
		err = tg_index_leaf(index, &index->walk_, &leaf);
	if (err == 0 && drops && tg_index_page_count(leaf->bytes) == 0)
		err = tg_index_drop_leaf(index, &index->walk_, &to);
	if (err != 0)
		return err;
	index->walk_ = to;
	return 1;
}

/* Goes to the next leaf if there is one, and only if `key` (NULL: any) is not before it: 1. 0:
 * the walk stays. */
static int next_leaf(struct tg_index *index, const struct tg_key *key, bool drops)
{
	struct fork fork;

	if (index->last_leaf_)
		return 0;
	int err = find_fork(index, &fork);
	if (err != 0)
		return err;
	index->last_leaf_ = fork.level == index->root->height;
	if (index->last_leaf_ || (key != NULL && index->compare(fork.fence, *key) > 0))
		return 0;
	return enter_fork(index, &fork, drops);
}

/* A merge under way. */
struct merge {
	struct tg_index *index;
	const struct tg_key *key; /* NULL: behind all */
	uint64_t trimmed;
	bool quiet; /* flags nothing */
	struct tg_index_page *leaf;
	struct tg_index_cell cell;
};

static void mark(struct merge *merge, uint32_t flags)
{
	struct tg_index_root *root = merge->index->root;

	tg_index_account(root, merge->cell.flags, -1);
	tg_index_account(root, flags, 1);
	tg_index_cache_touch(merge->index->cache, merge->leaf);
	tg_index_leaf_mark(merge->leaf->bytes, &merge->cell, flags);
}

/* The entry of merge->cell was not seen in this pass. */
static void pass_unseen(struct merge *merge)
{
	struct tg_index_path *path = &merge->index->walk_;
	uint32_t flags = merge->cell.flags;

	tg_index_path_stand(path, &merge->cell);
	if (merge->quiet) {
		tg_index_path_pass(path);
		return;
	}
	if ((flags & TG_INDEX_DELETED) != 0 && merge->cell.seq <= merge->trimmed) {
		struct tg_index_spot spot = tg_index_path_spot(path);
		tg_index_cache_touch(merge->index->cache, merge->leaf);
		tg_index_leaf_cut(merge->leaf->bytes, &spot);
		tg_index_account(merge->index->root, flags, -1);
		tg_index_path_cover(path, &spot);
		return;
	}
	if ((flags & (TG_INDEX_DELETED | TG_INDEX_MISSING)) == 0)
		mark(merge, flags | TG_INDEX_MISSING);
	tg_index_path_pass(path);
}

/* Nothing of the leaf was passed: `key` must not lie before the leaf's own lower fence. */
static int look_below(struct tg_index *index, struct tg_key key)
{
	const struct tg_index_path *path = &index->walk_;
	struct tg_index_page *page;
	struct tg_key fence;

	for (uint32_t level = 1; level < index->root->height; level++) {
		if (path->at[level] == HEADER)
			continue;
		int err = tg_index_level(index, path->page[level], level, &page);
		if (err != 0)
			return err;
		(void)tg_index_key_read(page->bytes, path->at[level], &fence);
		return index->compare(fence, key) > 0 ? TG_ERR_PROTOCOL : TG_ERR_MISSING;
	}
	return TG_ERR_MISSING;
}

static int found(struct merge *merge, struct tg_index_entry *out)
{
	if (!merge->quiet && (merge->cell.flags & TG_INDEX_MISSING) != 0)
		mark(merge, merge->cell.flags & ~(uint32_t)TG_INDEX_MISSING);
	tg_index_path_stand(&merge->index->walk_, &merge->cell);
	tg_index_cell_out(&merge->cell, out);
	return 0;
}

/* The row before comes again: the walk goes back onto its entry. */
static int found_again(struct merge *merge, struct tg_index_entry *out)
{
	struct tg_index *index = merge->index;
	struct tg_index_path path;
	int there = tg_index_seek(index, *merge->key, &path);

	if (there <= 0)
		return there == 0 ? TG_ERR_DAMAGED : there;
	index->walk_ = path;
	merge->leaf = path.leaf;
	tg_index_leaf_read(path.leaf->bytes, path.at[0], path.seq_before, &merge->cell);
	return found(merge, out);
}

/* The key belongs where the walk stands, unless it lies before what was passed already. */
static int found_none(struct merge *merge, struct tg_index_entry *out)
{
	const struct tg_index_path *path = &merge->index->walk_;
	struct tg_key before;

	if (path->before == 0)
		return look_below(merge->index, *merge->key);
	(void)tg_index_key_read(merge->leaf->bytes, path->before, &before);
	int order = merge->index->compare(before, *merge->key);
	if (order == 0)
		return found_again(merge, out);
	return order > 0 ? TG_ERR_PROTOCOL : TG_ERR_MISSING;
}

/* Up to the key or the leaf's end: 0 at its end, 1 when the cell is the key's, 2 when it is
 * behind it. */
static int merge_leaf(struct merge *merge)
{
	struct tg_index_path *path = &merge->index->walk_;
	const uint8_t *bytes = merge->leaf->bytes;

	tg_index_path_pass(path);
	while (path->at[0] < tg_index_page_used(bytes)) {
		tg_index_leaf_read(bytes, path->at[0], path->seq_before, &merge->cell);
		int order = merge->key == NULL
				    ? -1
				    : merge->index->compare(merge->cell.key, *merge->key);
		if (order >= 0)
			return order == 0 ? 1 : 2;
		pass_unseen(merge);
	}
	return 0;
}

static int merge_to(struct merge *merge, struct tg_index_entry *out)
{
	struct tg_index *index = merge->index;

	TG_ASSERT(index->walking_);
	if (index->root->root_page == 0)
		return TG_ERR_MISSING;
	for (;;) {
		int err = tg_index_leaf(index, &index->walk_, &merge->leaf);
		if (err != 0)
			return err;
		int met = merge_leaf(merge);
		if (met == 1)
			return found(merge, out);
		int moved = met == 0 ? next_leaf(index, merge->key, !merge->quiet) : 0;
		if (moved < 0)
			return moved;
		if (moved == 0)
			break;
	}
	int err = tg_index_leaf(index, &index->walk_, &merge->leaf);
	return err == 0 ? found_none(merge, out) : err;
}

int tg_index_merge(struct tg_index *index, struct tg_key key, uint64_t trimmed,
		   struct tg_index_entry *out)
{
	struct merge merge = { .index = index, .key = &key, .trimmed = trimmed };

	return merge_to(&merge, out);
}

int tg_index_tree_reach(struct tg_index *tree, struct tg_key key, struct tg_index_entry *out)
{
	struct merge merge = { .index = tree, .key = &key, .quiet = true };

	return merge_to(&merge, out);
}

/* A run from the end whose first entry lies behind all of its leaf goes into the next one, which
 * takes what lies between the two from now on. Without a next one it begins a leaf. */
static int begin_run(struct tg_index *index, struct tg_key key)
{
	struct tg_index_path *path = &index->walk_;
	struct tg_index_page *page;
	struct fork fork;

	if (index->root->root_page == 0 || path->end > path->at[0])
		return 0;
	int err = tg_index_leaf(index, path, &page);
	if (err != 0 || path->at[0] == HEADER || path->at[0] < tg_index_page_used(page->bytes))
		return err;
	err = find_fork(index, &fork);
	index->apart_ = err == 0 && fork.level == index->root->height;
	if (err != 0 || index->apart_)
		return err;
	err = tg_index_level(index, path->page[fork.level], fork.level, &page);
	if (err != 0)
		return err;
	tg_index_cache_touch(index->cache, page);
	if (!tg_index_inner_fence(page->bytes, fork.at, tg_view_of(key.bytes.at, key.cmp_bytes)))
		return 0;
	err = enter_fork(index, &fork, false);
	index->fronted_ = err > 0;
	return err > 0 ? 0 : err;
}

int tg_index_merge_put(struct tg_index *index, const struct tg_index_entry *entry)
{
	uint32_t pages = index->root->next_page;

	TG_ASSERT(index->walking_);
	int err = index->begins_ ? begin_run(index, entry->key) : 0;
	if (err == 0)
		err = tg_index_write(index, &index->walk_, entry);
	if (pages != index->root->next_page)
		index->last_leaf_ = false;
	if (err == 0)
		index->begins_ = index->apart_ = false;
	return err;
}

/* The leaf at which the walk ends may have lost all its entries. */
static int drop_last(struct tg_index *index)
{
	struct tg_index_page *leaf;
	int err = tg_index_leaf(index, &index->walk_, &leaf);

	if (err == 0 && tg_index_page_count(leaf->bytes) == 0)
		err = tg_index_drop_leaf(index, &index->walk_, NULL);
	return err;
}

int tg_index_merge_end(struct tg_index *index, struct tg_key before, uint64_t trimmed)
{
	struct merge merge = { .index = index,
			       .key = before.bytes.bytes > 0 ? &before : NULL,
			       .trimmed = trimmed };
	int moved = 1;

	TG_ASSERT(index->walking_);
	while (moved > 0 && index->root->root_page != 0) {
		int err = tg_index_leaf(index, &index->walk_, &merge.leaf);
		if (err != 0)
			return err;
		moved = merge_leaf(&merge) == 0 ? next_leaf(index, merge.key, true) : 0;
	}
	int err = moved;
	if (err == 0)
		err = drop_last(index);
	index->walking_ = err < 0;
	return err < 0 ? err : 0;
}

/* The next cell of the walk that has all of `flags`. */
static int next_with(struct tg_index *index, uint32_t flags, struct tg_index_entry *out)
{
	struct tg_index_path *path = &index->walk_;
	struct tg_index_page *leaf;
	struct tg_index_cell cell;
	int moved = 1;

	while (moved > 0) {
		int err = tg_index_leaf(index, path, &leaf);
		if (err != 0)
			return err;
		bool may = flags != TG_INDEX_MISSING || tg_index_page_missing(leaf->bytes) > 0;
		tg_index_path_pass(path);
		while (may && path->at[0] < tg_index_page_used(leaf->bytes)) {
			tg_index_leaf_read(leaf->bytes, path->at[0], path->seq_before, &cell);
			tg_index_path_stand(path, &cell);
			if ((cell.flags & flags) == flags) {
				tg_index_cell_out(&cell, out);
				return 0;
			}
			tg_index_path_pass(path);
		}
		moved = next_leaf(index, NULL, false);
	}
	return moved == 0 ? TG_ERR_MISSING : moved;
}

int tg_index_next_missing(struct tg_index *index, struct tg_index_entry *out)
{
	TG_ASSERT(index->walking_);
	if (index->root->missing == 0)
		return TG_ERR_MISSING;
	return next_with(index, TG_INDEX_MISSING, out);
}

int tg_index_next(struct tg_index *index, struct tg_index_entry *out)
{
	TG_ASSERT(index->walking_);
	if (index->root->root_page == 0)
		return TG_ERR_MISSING;
	return next_with(index, 0, out);
}
