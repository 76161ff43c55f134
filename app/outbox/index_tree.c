/* index_tree.c - the tree's shape: pages are cut in two, empty ones leave, the root grows and
 * shrinks. */
#include "app/outbox/index_tree.h"

#include "platform/assert.h"

enum {
	HEADER = TG_INDEX_PAGE_HEADER_BYTES,
	/* So many new entries, each right behind the last, and more of them are expected. */
	RISEN_MIN = 4,
};

/* The pages of a path, all in the cache and pinned. */
struct branch {
	struct tg_index *index;
	struct tg_index_page *page[TG_INDEX_HEIGHT_MAX];
	uint32_t height; /* how many are pinned */
};

static void branch_close(struct branch *branch)
{
	for (uint32_t level = 0; level < branch->height; level++)
		branch->page[level]->pinned_ = false;
	branch->height = 0;
}

static int branch_open(struct branch *branch, struct tg_index *index,
		       const struct tg_index_path *path)
{
	*branch = (struct branch){ .index = index };
	for (uint32_t level = 0; level < index->root->height; level++) {
		int err = tg_index_level(index, path->page[level], level, &branch->page[level]);
		if (err != 0) {
			branch_close(branch);
			return err;
		}
		branch->page[level]->pinned_ = true;
		branch->height++;
	}
	return 0;
}

/* True when a root cut in two would be one level too many. Only what surely has room counts. */
static bool too_high(const struct branch *branch)
{
	if (branch->height < TG_INDEX_HEIGHT_MAX)
		return false;
	for (uint32_t level = 1; level < branch->height; level++)
		if (tg_index_page_used(branch->page[level]->bytes) + TG_KEY_BYTES_MAX + 6 <=
		    TG_INDEX_PAGE_BYTES)
			return false;
	return true;
}

/* One new page a level and a new root are the most that one entry can need. */
static int make_room(const struct branch *branch)
{
	struct tg_index_cache *cache = branch->index->cache;
	uint32_t clean = 0;

	if (too_high(branch))
		return TG_ERR_LIMIT;
	for (uint32_t level = 0; level < branch->height; level++)
		clean += branch->page[level]->state == TG_INDEX_PAGE_CLEAN;
	if (tg_index_cache_room(cache, clean) <= branch->height)
		return tg_index_cache_refusal(cache);
	return 0;
}

static struct tg_index_page *new_page(struct tg_index *index, uint32_t level)
{
	struct tg_index_wanted wanted = { index->stream, tg_index_new_number(index), level };

	index->root->pages++;
	return tg_index_cache_new(index->cache, wanted, 0);
}

/* A new page that the level above must learn of. */
struct sibling {
	struct tg_index_page *page;
	uint32_t level;       /* which that is                                                */
	struct tg_view fence; /* its lower bound; lies in the new leaf or in `room`           */
	bool entered;         /* the path goes through it now                                 */
	uint32_t turn;        /* which room is free: the other one may hold `fence`           */
	uint8_t room[2][TG_KEY_BYTES_MAX];
};

/* Rows in key order leave full leaves behind: a leaf is cut where the entry belongs when that is at
 * its end, or when rows rise. */
static void cut_leaf(struct branch *branch, struct tg_index_path *path,
		     const struct tg_index_entry *entry, struct sibling *sibling)
{
	struct tg_index_page *leaf = branch->page[0];
	struct tg_index_spot spot = tg_index_path_spot(path);

	uint8_t risen = tg_index_risen(leaf, path);
	bool run = branch->index->walking_ && branch->index->fronted_;
	bool rising = (run || risen >= RISEN_MIN) && spot.at < tg_index_page_used(leaf->bytes);

	tg_index_cache_touch(branch->index->cache, leaf);
	if (spot.end > spot.at)
		tg_index_leaf_cut(leaf->bytes, &spot);
	uint64_t seq_before = spot.seq_before;
	uint32_t cut = spot.at;
	if (spot.at < tg_index_page_used(leaf->bytes) && !rising)
		cut = tg_index_page_middle(leaf->bytes, &seq_before);
	sibling->page = new_page(branch->index, 0);
	sibling->page->wanted_ = leaf->wanted_;
	(void)tg_index_page_split(leaf->bytes, sibling->page->bytes, cut, seq_before);
	/* What lies behind rising rows makes room for them, if there is enough of it. */
	bool stays = spot.at < cut || (rising && tg_index_leaf_put(leaf->bytes, &spot, entry));
	sibling->entered = !stays;
	if (sibling->entered) {
		leaf = sibling->page;
		path->before = spot.at == cut ? 0 : (uint16_t)(path->before - cut + HEADER);
		spot.at = spot.end = spot.at - cut + HEADER;
	}
	bool fits = (stays && rising) || tg_index_leaf_put(leaf->bytes, &spot, entry);
	TG_ASSERT(fits);
	path->leaf = leaf;
	path->page[0] = leaf->page;
	tg_index_path_cover(path, &spot);
	tg_index_path_wrote(path, leaf, risen);
	struct tg_key first;
	(void)tg_index_key_read(sibling->page->bytes, HEADER, &first);
	sibling->fence = tg_view_of(first.bytes.at, first.cmp_bytes);
}

static void keep_fence(struct sibling *sibling, struct tg_key fence)
{
	uint8_t *room = sibling->room[sibling->turn];

	memcpy(room, fence.bytes.at, fence.cmp_bytes);
	sibling->fence = tg_view_of(room, fence.cmp_bytes);
	sibling->turn ^= 1;
}

/* Where a child lies in the right half; the first one lost its fence, which moved all behind it.
 * */
static uint32_t shifted(uint32_t at, uint32_t cut, uint32_t stripped)
{
	return at == cut ? HEADER : at - cut + HEADER - stripped;
}

/* The page at `level` has no room for `sibling` at `at`, behind the path's child: cuts it in two,
 * puts `sibling` into its half, and makes `sibling` the new half. */
static void cut_inner(struct branch *branch, struct tg_index_path *path, struct sibling *sibling,
		      uint32_t at)
{
	uint32_t level = sibling->level;
	uint8_t *left = branch->page[level]->bytes;
	struct tg_index_page *right = new_page(branch->index, level);
	struct tg_view fence = sibling->fence;
	uint32_t old = path->at[level];
	bool at_end = at == tg_index_page_used(left);
	uint64_t no_seq;
	struct tg_index_cell cell;
	uint32_t cut = at_end ? at : tg_index_page_middle(left, &no_seq);

	if (!at_end) {
		tg_index_inner_read(left, cut, &cell);
		keep_fence(sibling, cell.key);
	}
	uint32_t stripped = tg_index_page_split(left, right->bytes, cut, 0);
	bool both_moved = old >= cut;
	if (both_moved)
		old = shifted(old, cut, stripped);
	if (both_moved || at_end)
		at = shifted(at, cut, stripped);
	bool fits = tg_index_inner_put(both_moved || at_end ? right->bytes : left, at, fence,
				       sibling->page->page);
	TG_ASSERT(fits);
	path->at[level] = (uint16_t)(sibling->entered ? at : old);
	sibling->entered = both_moved || (at_end && sibling->entered);
	if (sibling->entered)
		path->page[level] = right->page;
	sibling->page = right;
}

/* Tells the page at sibling->level of `sibling`. True when that page was cut in two for it:
 * `sibling` is the new half then. */
static bool adopt(struct branch *branch, struct tg_index_path *path, struct sibling *sibling)
{
	struct tg_index_page *parent = branch->page[sibling->level];
	struct tg_index_cell cell;

	tg_index_cache_touch(branch->index->cache, parent);
	tg_index_inner_read(parent->bytes, path->at[sibling->level], &cell);
	if (!tg_index_inner_put(parent->bytes, cell.end, sibling->fence, sibling->page->page)) {
		cut_inner(branch, path, sibling, cell.end);
		return true;
	}
	if (sibling->entered)
		path->at[sibling->level] = (uint16_t)cell.end;
	return false;
}

static void grow_root(struct tg_index *index, struct tg_index_path *path,
		      const struct sibling *sibling)
{
	struct tg_index_root *root = index->root;
	struct tg_index_page *page = new_page(index, root->height);
	struct tg_index_cell cell;

	bool fits = tg_index_inner_put(page->bytes, HEADER, tg_view_of(NULL, 0), root->root_page);
	TG_ASSERT(fits);
	tg_index_inner_read(page->bytes, HEADER, &cell);
	fits = tg_index_inner_put(page->bytes, cell.end, sibling->fence, sibling->page->page);
	TG_ASSERT(fits);
	path->page[root->height] = page->page;
	path->at[root->height] = (uint16_t)(sibling->entered ? cell.end : HEADER);
	root->root_page = page->page;
	root->height++;
}

/* The entry's key may lie in the leaf that is about to change: the callers hand in a copy. */
static void grow(struct branch *branch, struct tg_index_path *path,
		 const struct tg_index_entry *entry)
{
	struct sibling sibling;

	sibling.level = 0;
	sibling.turn = 0;
	cut_leaf(branch, path, entry, &sibling);
	for (sibling.level = 1; sibling.level < branch->height; sibling.level++)
		if (!adopt(branch, path, &sibling))
			return;
	grow_root(branch->index, path, &sibling);
}

int tg_index_grow(struct tg_index *index, struct tg_index_path *path,
		  const struct tg_index_entry *entry)
{
	uint8_t key[TG_KEY_BYTES_MAX];
	struct tg_index_entry copy = *entry;
	struct branch branch;

	memcpy(key, entry->key.bytes.at, entry->key.bytes.bytes);
	copy.key.bytes.at = key;
	int err = branch_open(&branch, index, path);
	if (err != 0)
		return err;
	err = make_room(&branch);
	if (err == 0)
		grow(&branch, path, &copy);
	branch_close(&branch);
	return err;
}

static void drop_page(struct tg_index *index, struct tg_index_page *page)
{
	tg_index_cache_drop(index->cache, page);
	index->root->pages--;
}

/* Best effort: a root with one child does no harm, and the next drop tries again. */
static void shrink_root(struct tg_index *index)
{
	struct tg_index_root *root = index->root;
	struct tg_index_page *page;
	struct tg_index_cell cell;

	while (root->height > 1) {
		int err = tg_index_level(index, root->root_page, root->height - 1, &page);
		if (err != 0 || tg_index_page_count(page->bytes) != 1)
			return;
		tg_index_inner_read(page->bytes, HEADER, &cell);
		drop_page(index, page);
		root->root_page = cell.child;
		root->height--;
	}
}

int tg_index_drop_leaf(struct tg_index *index, const struct tg_index_path *from,
		       struct tg_index_path *to)
{
	struct branch branch;
	uint32_t level = 1;
	int err = branch_open(&branch, index, from);

	if (err != 0)
		return err;
	drop_page(index, branch.page[0]);
	for (; level < branch.height; level++) {
		struct tg_index_page *page = branch.page[level];
		tg_index_cache_touch(index->cache, page);
		tg_index_inner_cut(page->bytes, from->at[level]);
		if (tg_index_page_count(page->bytes) > 0)
			break;
		drop_page(index, page);
	}
	if (level == branch.height) {
		index->root->root_page = 0;
		index->root->height = 0;
	} else if (to != NULL && to->page[level] == from->page[level]) {
		to->at[level] = from->at[level]; /* the neighbour moved up */
	}
	branch_close(&branch);
	shrink_root(index);
	return 0;
}
