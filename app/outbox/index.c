/* index.c - finds a key's place, and writes there while the leaf has room. */
#include "app/outbox/index_tree.h"
#include "platform/assert.h"

int tg_index_level(struct tg_index *index, uint32_t page, uint32_t level,
		   struct tg_index_page **out)
{
	struct tg_index_wanted wanted = { index->stream, page, level };

	return tg_index_cache_get(index->cache, wanted, out);
}

/* --- marks: a search sets out from the last known cell that is not behind the key --- */

enum { MARK_STEP_BYTES = TG_INDEX_PAGE_BYTES / TG_INDEX_MARKS };

/* How many marks are not behind `key`. */
static uint32_t marks_until(const struct tg_index *index, const struct tg_index_page *page,
			    struct tg_key key)
{
	uint32_t low = 0, high = page->marks_;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		struct tg_key at;
		(void)tg_index_key_read(page->bytes, page->mark_at_[middle], &at);
		if (index->compare(at, key) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void mark_cell(struct tg_index_page *page, uint32_t at, const struct tg_index_path *path)
{
	uint32_t count = page->marks_;
	uint32_t last = count > 0 ? page->mark_at_[count - 1] : TG_INDEX_PAGE_HEADER_BYTES;

	if (at < last + MARK_STEP_BYTES || count == TG_INDEX_MARKS)
		return;
	page->mark_at_[count] = (uint16_t)at;
	page->mark_before_[count] = path->before;
	page->mark_seq_[count] = path->seq_before;
	page->marks_++;
}

/* What lies before `at` stays as it is when the cell there is written. */
static uint16_t marks_before(const struct tg_index_page *page, uint32_t at)
{
	uint16_t count = page->marks_;

	while (count > 0 && page->mark_at_[count - 1] > at)
		count--;
	return count;
}

/* The child whose range holds `key`: the last one whose fence is not behind it. */
static uint32_t seek_child(const struct tg_index *index, struct tg_index_page *page,
			   struct tg_key key, uint32_t *child)
{
	static const struct tg_index_path none;
	const uint8_t *bytes = page->bytes;
	uint32_t used = tg_index_page_used(bytes), mark = marks_until(index, page, key);
	uint32_t at = mark > 0 ? page->mark_at_[mark - 1] : TG_INDEX_PAGE_HEADER_BYTES;
	struct tg_index_cell cell, next;

	tg_index_inner_read(bytes, at, &cell);
	while (cell.end < used) {
		tg_index_inner_read(bytes, cell.end, &next);
		if (index->compare(next.key, key) > 0)
			break;
		at = cell.end;
		cell = next;
		mark_cell(page, at, &none);
	}
	*child = cell.child;
	return at;
}

static void set_out(const struct tg_index_page *leaf, uint32_t mark, struct tg_index_path *path)
{
	path->at[0] = path->end = leaf->mark_at_[mark];
	path->before = leaf->mark_before_[mark];
	path->seq_before = path->seq_end = leaf->mark_seq_[mark];
}

/* Rising keys: the next one lies right behind the one written last. */
static bool set_out_from_last(const struct tg_index *index, struct tg_key key,
			      struct tg_index_path *path)
{
	const struct tg_index_page *leaf = path->leaf;
	struct tg_key last;

	if (leaf->last_ == 0 ||
	    (leaf->marks_ > 0 && leaf->mark_at_[leaf->marks_ - 1] > leaf->last_))
		return false;
	(void)tg_index_key_read(leaf->bytes, leaf->last_, &last);
	if (index->compare(last, key) > 0)
		return false;
	path->at[0] = path->end = leaf->last_;
	path->before = leaf->last_before_;
	path->seq_before = path->seq_end = leaf->last_seq_;
	return true;
}

static void set_out_from_mark(const struct tg_index *index, struct tg_key key,
			      struct tg_index_path *path)
{
	uint32_t mark = marks_until(index, path->leaf, key);

	if (mark > 0)
		set_out(path->leaf, mark - 1, path);
}

/* --- near: the next key often lies between the same two cells, or a few cells on --- */

enum { NEAR_CELLS = 4 };

static void keep_near(const struct tg_index *index, const struct tg_index_path *path)
{
	struct tg_index_near *near = &index->cache->near_[index->tree_];

	near->stream = index->stream;
	near->shape = index->cache->shape_;
	near->stamp = path->leaf->stamp_;
	near->path = *path;
}

/* Whether the place kept is true still. */
static bool is_true(const struct tg_index *index)
{
	const struct tg_index_near *near = &index->cache->near_[index->tree_];
	const struct tg_index_page *leaf = near->path.leaf;

	return leaf != NULL && near->stream == index->stream &&
	       near->shape == index->cache->shape_ && leaf->stamp_ == near->stamp &&
	       (leaf->state == TG_INDEX_PAGE_CLEAN || leaf->state == TG_INDEX_PAGE_DIRTY);
}

/* The lower bound of the path's leaf, or of the one behind it. False: the page above does not tell
 * it. */
static bool read_fence(struct tg_index *index, const struct tg_index_path *path, bool behind,
		       struct tg_key *fence)
{
	struct tg_index_page *page;
	struct tg_index_cell cell;
	uint32_t at = path->at[1];

	if (tg_index_level(index, path->page[1], 1, &page) != 0)
		return false; /* a search from the root says why */
	if (behind) {
		tg_index_inner_read(page->bytes, at, &cell);
		at = cell.end;
	}
	if (at == TG_INDEX_PAGE_HEADER_BYTES || at >= tg_index_page_used(page->bytes))
		return false;
	(void)tg_index_key_read(page->bytes, at, fence);
	return true;
}

/* Whether `key` belongs behind path->before, or into the path's leaf. */
static bool is_behind(struct tg_index *index, const struct tg_index_path *path, struct tg_key key)
{
	struct tg_key before;

	if (path->before == 0)
		return index->root->height == 1 || (read_fence(index, path, false, &before) &&
						    index->compare(before, key) <= 0);
	(void)tg_index_key_read(path->leaf->bytes, path->before, &before);
	return index->compare(before, key) < 0;
}

static bool is_before_next_leaf(struct tg_index *index, const struct tg_index_path *path,
				struct tg_key key)
{
	struct tg_key fence;

	return index->root->height == 1 ||
	       (read_fence(index, path, true, &fence) && index->compare(fence, key) > 0);
}

/* What tg_index_seek says, or -1: the key does not lie near. A fence may have to be loaded, and
 * take the leaf's own place. */
static int seek_near(struct tg_index *index, struct tg_key key, struct tg_index_path *path)
{
	struct tg_index_cell cell;

	if (!is_true(index))
		return -1;
	*path = index->cache->near_[index->tree_].path;
	path->end = path->at[0];
	path->seq_end = path->seq_before;
	path->leaf->used_ = true;
	if (!is_behind(index, path, key) || !is_true(index))
		return -1;
	for (uint32_t i = 0; i < NEAR_CELLS; i++) {
		const uint8_t *bytes = path->leaf->bytes;
		if (path->at[0] >= tg_index_page_used(bytes))
			return is_before_next_leaf(index, path, key) && is_true(index) ? 0 : -1;
		tg_index_leaf_read(bytes, path->at[0], path->seq_before, &cell);
		int order = index->compare(cell.key, key);
		if (order == 0)
			tg_index_path_stand(path, &cell);
		if (order >= 0)
			return order == 0;
		tg_index_path_stand(path, &cell);
		tg_index_path_pass(path);
	}
	return -1;
}

static int seek_entry(const struct tg_index *index, struct tg_key key, struct tg_index_path *path)
{
	const uint8_t *bytes = path->leaf->bytes;
	uint32_t used = tg_index_page_used(bytes);
	struct tg_index_cell cell;

	if (!set_out_from_last(index, key, path))
		set_out_from_mark(index, key, path);
	for (uint32_t at = path->end; at < used; at = cell.end) {
		tg_index_leaf_read(bytes, at, path->seq_before, &cell);
		int order = index->compare(cell.key, key);
		if (order > 0)
			return 0;
		path->end = (uint16_t)cell.end;
		path->seq_end = cell.seq;
		if (order == 0)
			return 1;
		path->before = path->at[0];
		path->at[0] = path->end;
		path->seq_before = cell.seq;
		if (cell.end < used)
			mark_cell(path->leaf, cell.end, path);
	}
	return 0;
}

/* Goes from the root down to the leaf that `key` belongs into; the height is at least 1. */
static int seek_leaf(struct tg_index *index, struct tg_key key, struct tg_index_path *path)
{
	uint32_t child = index->root->root_page, level = index->root->height;
	struct tg_index_page *page;

	do {
		int err = tg_index_level(index, child, --level, &page);
		if (err != 0)
			return err;
		path->page[level] = child;
		if (level > 0)
			path->at[level] = (uint16_t)seek_child(index, page, key, &child);
	} while (level > 0);
	tg_index_path_begin(path, page);
	return 0;
}

int tg_index_seek(struct tg_index *index, struct tg_key key, struct tg_index_path *path)
{
	const struct tg_index_root *root = index->root;

	if (root->root_page == 0 || root->height == 0 || root->height > TG_INDEX_HEIGHT_MAX)
		return TG_ERR_DAMAGED;
	int found = seek_near(index, key, path);
	if (found < 0) {
		int err = seek_leaf(index, key, path);
		if (err != 0)
			return err;
		found = seek_entry(index, key, path);
	}
	keep_near(index, path);
	return found;
}

int tg_index_descend_first(struct tg_index *index, struct tg_index_path *path, uint32_t level)
{
	struct tg_index_page *page;
	struct tg_index_cell cell;

	for (;; level--) {
		int err = tg_index_level(index, path->page[level], level, &page);
		if (err != 0)
			return err;
		if (level == 0)
			break;
		tg_index_inner_read(page->bytes, path->at[level], &cell);
		path->page[level - 1] = cell.child;
		path->at[level - 1] = TG_INDEX_PAGE_HEADER_BYTES;
	}
	tg_index_path_begin(path, page);
	return 0;
}

void tg_index_account(struct tg_index_root *root, uint32_t flags, int more)
{
	uint64_t step = (uint64_t)(int64_t)more;

	root->entries += step;
	root->missing += (flags & TG_INDEX_MISSING) != 0 ? step : 0;
	root->deleted += (flags & TG_INDEX_DELETED) != 0 ? step : 0;
}

static int plant_root(struct tg_index *index, struct tg_index_path *path, uint64_t seq)
{
	struct tg_index_root *root = index->root;

	if (tg_index_cache_room(index->cache, 0) == 0)
		return tg_index_cache_refusal(index->cache);
	root->root_page = tg_index_new_number(index);
	root->height = 1;
	root->pages = 1;
	path->page[0] = root->root_page;
	struct tg_index_wanted wanted = { index->stream, root->root_page, 0 };
	tg_index_path_begin(path, tg_index_cache_new(index->cache, wanted, seq));
	return 0;
}

/* In the usual case: no page but the leaf is looked at. */
static int write_in_leaf(struct tg_index *index, struct tg_index_path *path,
			 const struct tg_index_entry *entry)
{
	struct tg_index_spot spot = tg_index_path_spot(path);
	struct tg_index_page *leaf;
	int err = tg_index_leaf(index, path, &leaf);

	if (err != 0)
		return err;
	uint16_t marks = marks_before(leaf, spot.at);
	uint8_t risen = tg_index_risen(leaf, path);
	if ((index->walking_ && index->apart_) || !tg_index_leaf_put(leaf->bytes, &spot, entry))
		return tg_index_grow(index, path, entry);
	tg_index_cache_touch(index->cache, leaf);
	leaf->marks_ = marks;
	tg_index_path_cover(path, &spot);
	tg_index_path_wrote(path, leaf, risen);
	path->leaf = leaf;
	if (!index->walking_)
		keep_near(index, path);
	return 0;
}

static int flags_there(struct tg_index *index, struct tg_index_path *path, uint32_t *flags)
{
	struct tg_index_page *leaf;
	struct tg_index_cell cell;
	int err = tg_index_leaf(index, path, &leaf);

	if (err != 0)
		return err;
	tg_index_leaf_read(leaf->bytes, path->at[0], path->seq_before, &cell);
	*flags = cell.flags;
	return 0;
}

int tg_index_write(struct tg_index *index, struct tg_index_path *path,
		   const struct tg_index_entry *entry)
{
	bool replaces = index->root->root_page != 0 && path->end > path->at[0];
	uint32_t flags = 0;
	int err = 0;

	TG_ASSERT(entry->seq <= TG_INDEX_SEQ_MAX && entry->flags >> TG_INDEX_FLAG_BITS == 0);
	TG_ASSERT(entry->key.bytes.bytes <= TG_KEY_BYTES_MAX && entry->key.cmp_bytes != 0 &&
		  entry->key.cmp_bytes <= entry->key.bytes.bytes);
	if (index->root->root_page == 0)
		err = plant_root(index, path, entry->seq);
	else if (replaces)
		err = flags_there(index, path, &flags);
	if (err == 0)
		err = write_in_leaf(index, path, entry);
	if (err != 0)
		return err;
	if (replaces)
		tg_index_account(index->root, flags, -1);
	tg_index_account(index->root, entry->flags, 1);
	return 0;
}

int tg_index_tree_find(struct tg_index *index, struct tg_key key, struct tg_index_path *path,
		       struct tg_index_entry *out)
{
	struct tg_index_cell cell;

	*path = (struct tg_index_path){ .leaf = NULL };
	if (index->root->root_page == 0)
		return TG_ERR_MISSING;
	int found = tg_index_seek(index, key, path);
	if (found <= 0)
		return found == 0 ? TG_ERR_MISSING : found;
	TG_ASSERT(path->leaf != NULL); /* tg_index_seek found it there */
	tg_index_leaf_read(path->leaf->bytes, path->at[0], path->seq_before, &cell);
	tg_index_cell_out(&cell, out);
	return 0;
}

int tg_index_tree_put(struct tg_index *index, const struct tg_index_entry *entry)
{
	struct tg_index_path path = { .leaf = NULL };
	int found = 0;

	index->walking_ = false;
	if (index->root->root_page != 0)
		found = tg_index_seek(index, entry->key, &path);
	return found < 0 ? found : tg_index_write(index, &path, entry);
}

int tg_index_tree_remove(struct tg_index *index, struct tg_key key)
{
	struct tg_index_path path = { .leaf = NULL };
	struct tg_index_cell cell;

	index->walking_ = false;
	if (index->root->root_page == 0)
		return TG_ERR_MISSING;
	int found = tg_index_seek(index, key, &path);
	if (found <= 0)
		return found == 0 ? TG_ERR_MISSING : found;
	TG_ASSERT(path.leaf != NULL); /* tg_index_seek found it there */
	struct tg_index_spot spot = tg_index_path_spot(&path);
	tg_index_leaf_read(path.leaf->bytes, spot.at, spot.seq_before, &cell);
	if (tg_index_page_count(path.leaf->bytes) == 1) {
		int err = tg_index_drop_leaf(index, &path, NULL);
		if (err != 0)
			return err;
	} else {
		tg_index_cache_touch(index->cache, path.leaf);
		tg_index_leaf_cut(path.leaf->bytes, &spot);
	}
	tg_index_account(index->root, cell.flags, -1);
	return 0;
}
