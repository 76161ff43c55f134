/* index_young.c - what comes in no order gathers in young trees, and goes into older ones in key
 * order.
 *
 * A leaf of the young tree leaves it once all its entries are in the older one, so a fold that had
 * to give up (TG_ERR_FULL), or lost its power, goes on with the first leaf that is left: entries
 * that are there already are passed over.
 */
#include "app/outbox/index_tree.h"
#include "platform/assert.h"

enum {
	HEADER = TG_INDEX_PAGE_HEADER_BYTES,
	/* So many changes of one leaf wait in a young tree; that leaf is worth a page then. */
	WANTED_MIN = 8,
};

static struct tg_index tree_of(const struct tg_index *index, uint32_t tree)
{
	return (struct tg_index){ .cache = index->cache,
				  .root = tree > 0 ? &index->young[tree - 1] : index->root,
				  .stream = index->stream,
				  .compare = index->compare,
				  .tree_ = tree };
}

static bool same_entry(const struct tg_index_entry *a, const struct tg_index_entry *b)
{
	return a->seq == b->seq && a->hash == b->hash && a->flags == b->flags &&
	       tg_view_same(a->key.bytes, b->key.bytes);
}

static int move_entry(struct tg_index *to, const struct tg_index_entry *entry)
{
	struct tg_index_entry known;
	int err = tg_index_tree_reach(to, entry->key, &known);

	if (err == 0 && same_entry(entry, &known))
		return 0;
	if (err != 0 && err != TG_ERR_MISSING)
		return err;
	return tg_index_merge_put(to, entry);
}

/* Moves the entry behind the walk's place in `from`, and stands on it. 1; 0: the leaf is over. The
 * key is copied, since `to` may take the leaf's place in the cache. */
static int move_next(struct tg_index *from, struct tg_index *to, struct tg_index_root *moved)
{
	struct tg_index_path *path = &from->walk_;
	uint8_t key[TG_KEY_BYTES_MAX];
	struct tg_index_entry entry;
	struct tg_index_page *leaf;
	struct tg_index_cell cell;
	int err = tg_index_leaf(from, path, &leaf);

	if (err != 0)
		return err;
	tg_index_path_pass(path);
	if (path->at[0] >= tg_index_page_used(leaf->bytes))
		return 0;
	tg_index_leaf_read(leaf->bytes, path->at[0], path->seq_before, &cell);
	tg_index_cell_out(&cell, &entry);
	memcpy(key, entry.key.bytes.at, entry.key.bytes.bytes);
	entry.key.bytes.at = key;
	if (path->at[0] == HEADER)
		err = tg_index_tree_walk(to, entry.key);
	if (err == 0)
		err = move_entry(to, &entry);
	if (err != 0)
		return err;
	tg_index_path_stand(path, &cell);
	tg_index_account(moved, entry.flags, 1);
	return 1;
}

static int move_leaf(struct tg_index *from, struct tg_index *to)
{
	struct tg_index_root moved = { .root_page = 0 };
	int more = tg_index_tree_walk(from, tg_key_none());

	if (more == 0)
		more = 1;
	while (more == 1)
		more = move_next(from, to, &moved);
	int err = more == 0 ? tg_index_drop_leaf(from, &from->walk_, NULL) : more;
	if (err != 0)
		return err;
	from->root->entries -= moved.entries;
	from->root->missing -= moved.missing;
	from->root->deleted -= moved.deleted;
	return 0;
}

/* All of young tree `young` goes into tree `older`. */
static int fold(struct tg_index *index, uint32_t young, uint32_t older)
{
	struct tg_index from = tree_of(index, young + 1), to = tree_of(index, older);
	int err = 0;

	while (err == 0 && from.root->root_page != 0)
		err = move_leaf(&from, &to);
	return err;
}

/* The older one first, so that the younger finds it empty. One that was begun is gone on with: half
 * of a tree would touch as many pages of the older one the next time. */
static int make_room(struct tg_index *index)
{
	for (uint32_t i = TG_INDEX_YOUNG; i-- > 0;) {
		if (index->young[i].pages < index->cache->young_pages[i] &&
		    (index->folding_ & 1u << i) == 0)
			continue;
		index->folding_ |= 1u << i;
		int err = fold(index, i, i + 1 < TG_INDEX_YOUNG ? i + 2 : 0);
		if (err != 0)
			return err;
		index->folding_ &= ~(1u << i);
	}
	return 0;
}

/* Empties the young trees into the tree, the oldest entries first. */
static int settle(struct tg_index *index)
{
	if (index->young == NULL)
		return 0;
	for (uint32_t i = TG_INDEX_YOUNG; i-- > 0;) {
		int err = fold(index, i, 0);
		if (err != 0)
			return err;
	}
	index->folding_ = 0;
	return 0;
}

static bool young_is_empty(const struct tg_index *index)
{
	for (uint32_t i = 0; i < TG_INDEX_YOUNG; i++)
		if (index->young[i].root_page != 0)
			return false;
	return true;
}

/* The place of `key` when nothing has changed since it was looked for, else NULL. */
static const struct tg_index_path *sought_path(const struct tg_index *index, struct tg_key key)
{
	const struct tg_index_sought *sought = &index->cache->sought_;
	bool same = sought->key_bytes != 0 && sought->stream == index->stream &&
		    sought->cmp_bytes == key.cmp_bytes &&
		    tg_view_same(tg_view_of(sought->key, sought->key_bytes), key.bytes);

	return same ? &sought->path : NULL;
}

/* Whether the change at `path` goes to its leaf at once: that one is written anyway, or changes
 * fall on it often enough. */
static bool goes_straight(struct tg_index *index, struct tg_index_path *path)
{
	struct tg_index_page *leaf;

	/* A leaf that cannot be had: the change goes another way, and whoever needs it tells. */
	if (index->root->root_page == 0 || tg_index_leaf(index, path, &leaf) != 0)
		return false;
	if (leaf->wanted_ < UINT8_MAX)
		leaf->wanted_++;
	return leaf->state == TG_INDEX_PAGE_DIRTY || leaf->wanted_ > WANTED_MIN;
}

int tg_index_put(struct tg_index *index, const struct tg_index_entry *entry)
{
	const struct tg_index_path *sought = sought_path(index, entry->key);
	struct tg_index_path path = { .leaf = NULL };

	index->walking_ = false;
	if (sought != NULL)
		path = *sought;
	bool straight =
		index->young == NULL ||
		(index->root->pages < index->cache->young_pages[0] && young_is_empty(index)) ||
		(sought != NULL && goes_straight(index, &path));
	if (straight && sought != NULL)
		return tg_index_write(index, &path, entry);
	if (straight)
		return tg_index_tree_put(index, entry);
	int err = make_room(index);
	if (err != 0)
		return err;
	struct tg_index youngest = tree_of(index, 1);
	return tg_index_tree_put(&youngest, entry);
}

static void remember(const struct tg_index *index, struct tg_key key,
		     const struct tg_index_path *path)
{
	struct tg_index_sought *sought = &index->cache->sought_;

	if (key.bytes.bytes > sizeof(sought->key))
		return;
	sought->stream = index->stream;
	sought->key_bytes = (uint32_t)key.bytes.bytes;
	sought->cmp_bytes = key.cmp_bytes;
	memcpy(sought->key, key.bytes.at, key.bytes.bytes);
	sought->path = *path;
}

int tg_index_find(struct tg_index *index, struct tg_key key, struct tg_index_entry *out)
{
	struct tg_index_path path;
	int err;

	index->cache->sought_.key_bytes = 0;
	for (uint32_t i = 0; index->young != NULL && i < TG_INDEX_YOUNG; i++) {
		if (index->young[i].root_page == 0)
			continue;
		struct tg_index young = tree_of(index, i + 1);
		err = tg_index_tree_find(&young, key, &path, out);
		if (err != TG_ERR_MISSING)
			return err;
	}
	err = tg_index_tree_find(index, key, &path, out);
	if (err == 0 || err == TG_ERR_MISSING)
		remember(index, key, &path);
	return err;
}

int tg_index_remove(struct tg_index *index, struct tg_key key)
{
	index->walking_ = false;
	int err = settle(index);

	return err == 0 ? tg_index_tree_remove(index, key) : err;
}

int tg_index_walk(struct tg_index *index, struct tg_key after)
{
	index->walking_ = false;
	int err = settle(index);

	return err == 0 ? tg_index_tree_walk(index, after) : err;
}

int tg_index_walk_from(struct tg_index *index, struct tg_key key)
{
	index->walking_ = false;
	int err = settle(index);

	return err == 0 ? tg_index_tree_walk_from(index, key) : err;
}
