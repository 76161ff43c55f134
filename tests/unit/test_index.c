/* test_index.c - the key index against a plain array, with commits and rollbacks at any moment.
 * */
#include "tests/index_world.h"

static struct tg_index_entry random_entry(struct index_world *world, uint32_t i)
{
	uint32_t tail = TG_KEY_BYTES_MAX - world->key[i].bytes;

	if (tail > 40)
		tail = 40;
	tail = index_below(world, 3) == 0 && tail > 0 ? index_below(world, tail + 1) : 0;
	uint64_t far = index_below(world, 50) == 0 ? index_random(world) : index_below(world, 4);
	world->seq += far;
	uint64_t seq = index_below(world, 100) == 0 ? TG_INDEX_SEQ_MAX : world->seq;
	uint32_t flags = index_below(world, 4) == 0 ? index_below(world, 8) : 0;
	return (struct tg_index_entry){ .key = index_key_of(world, i, tail),
					.hash = index_random(world),
					.seq = seq & TG_INDEX_SEQ_MAX,
					.flags = flags };
}

static void model_put(struct index_world *world, uint32_t i, const struct tg_index_entry *entry)
{
	uint32_t tail = (uint32_t)entry->key.bytes.bytes - entry->key.cmp_bytes;

	world->model[i] = (struct index_model){ .there = true,
						.flags = entry->flags,
						.tail_bytes = tail,
						.hash = entry->hash,
						.seq = entry->seq };
}

/* A commit in the middle of a fold is as good as any other: a power cut there loses nothing. */
static void commit_in_passing(struct index_world *world)
{
	index_commit(world);
	if (index_below(world, 4) == 0)
		index_rollback(world);
}

/* A call that wanted a commit has changed nothing, and succeeds after it. With young trees it may
 * want one for each part of a fold, and only the entries are as they were. */
#define COMMIT_AND_REPEAT(world, err, call)                                                    \
	do {                                                                                   \
		struct tg_index_root root_ = (world)->root;                                    \
		unsigned tries_ = 0;                                                           \
		while (((err) = (call)) == TG_ERR_FULL) {                                      \
			bool alone_ = (world)->index.young == NULL;                            \
			TG_CHECK_SEED((world)->seed, ++tries_ < (alone_ ? 2 : 1000));          \
			TG_CHECK_SEED((world)->seed, !alone_ || memcmp(&root_, &(world)->root, \
								       sizeof(root_)) == 0);   \
			commit_in_passing(world);                                              \
		}                                                                              \
	} while (0)

static void put_one(struct index_world *world)
{
	uint32_t i = index_below(world, world->keys);
	struct tg_index_entry entry = random_entry(world, i);
	int err;

	COMMIT_AND_REPEAT(world, err, tg_index_put(&world->index, &entry));
	TG_CHECK_SEED(world->seed, err == 0);
	model_put(world, i, &entry);
}

static int find_and_put(struct index_world *world, uint32_t i, const struct tg_index_entry *entry)
{
	struct tg_index_entry known;
	int err = tg_index_find(&world->index, entry->key, &known);

	if (err == TG_ERR_FULL)
		return err;
	TG_CHECK_SEED(world->seed, err == (world->model[i].there ? 0 : TG_ERR_MISSING));
	return tg_index_put(&world->index, entry);
}

/* As an intake does it: what is known of the key comes first. */
static void change_one(struct index_world *world)
{
	uint32_t i = index_below(world, world->keys);
	struct tg_index_entry entry = random_entry(world, i);
	int err;

	COMMIT_AND_REPEAT(world, err, find_and_put(world, i, &entry));
	TG_CHECK_SEED(world->seed, err == 0);
	model_put(world, i, &entry);
}

/* Keys that rise go straight to their leaf once there are enough of them. */
static void change_a_run(struct index_world *world)
{
	uint32_t from = index_below(world, world->keys);

	for (uint32_t i = from; i < world->keys && i < from + 60; i++) {
		struct tg_index_entry entry = random_entry(world, i);
		int err;

		COMMIT_AND_REPEAT(world, err, find_and_put(world, i, &entry));
		TG_CHECK_SEED(world->seed, err == 0);
		model_put(world, i, &entry);
	}
}

static void remove_one(struct index_world *world, uint32_t i)
{
	int err;

	COMMIT_AND_REPEAT(world, err, tg_index_remove(&world->index, index_key_of(world, i, 0)));
	TG_CHECK_SEED(world->seed, err == (world->model[i].there ? 0 : TG_ERR_MISSING));
	world->model[i].there = false;
}

static void find_one(struct index_world *world)
{
	uint32_t i = index_below(world, world->keys);
	struct tg_index_entry entry;
	int err;

	COMMIT_AND_REPEAT(world, err,
			  tg_index_find(&world->index, index_key_of(world, i, 0), &entry));
	TG_CHECK_SEED(world->seed, err == (world->model[i].there ? 0 : TG_ERR_MISSING));
	if (err == 0)
		index_same(world, i, &entry);
}

/* What a pass does to the entries from `from` up to `to`, which it did not see. */
static void model_unseen(struct index_world *world, uint32_t from, uint32_t to, uint64_t trimmed)
{
	for (uint32_t i = from; i < to; i++) {
		struct index_model *model = &world->model[i];
		if (!model->there)
			continue;
		if ((model->flags & TG_INDEX_DELETED) != 0) {
			if (model->seq <= trimmed)
				model->there = false;
		} else {
			model->flags |= TG_INDEX_MISSING;
		}
	}
}

static int merge_all_the_way(struct index_world *world, uint32_t i, uint64_t trimmed,
			     struct tg_index_entry *entry)
{
	int err, tries = 0;

	while ((err = tg_index_merge(&world->index, index_key_of(world, i, 0), trimmed, entry)) ==
	       TG_ERR_FULL) {
		index_store_commit(&world->store, &world->cache);
		TG_CHECK_SEED(world->seed, ++tries < 1000);
	}
	return err;
}

/* A row from before an entry that was passed is refused, and harms nothing. */
static void merge_backwards(struct index_world *world, uint32_t i, uint64_t trimmed)
{
	struct tg_index_entry entry;

	if (i == 0 || !world->model[i].there)
		return;
	uint32_t other = index_below(world, i);
	TG_CHECK_SEED(world->seed,
		      merge_all_the_way(world, other, trimmed, &entry) == TG_ERR_PROTOCOL);
}

/* One row: its entry is as the model says; then it may be written, and may come again. */
static void merge_row(struct index_world *world, uint32_t i, uint64_t trimmed)
{
	struct index_model *model = &world->model[i];
	struct tg_index_entry entry;
	int err = merge_all_the_way(world, i, trimmed, &entry);

	TG_CHECK_SEED(world->seed, err == (model->there ? 0 : TG_ERR_MISSING));
	if (model->there) {
		model->flags &= ~(uint32_t)TG_INDEX_MISSING;
		index_same(world, i, &entry);
	}
	if (index_below(world, 2) == 0) {
		struct tg_index_entry written = random_entry(world, i);
		if (model->there && index_below(world, 2) == 0)
			written.key = entry.key; /* borrowed from the page that is written */
		size_t tail = written.key.bytes.bytes - written.key.cmp_bytes;
		COMMIT_AND_REPEAT(world, err, tg_index_merge_put(&world->index, &written));
		TG_CHECK_SEED(world->seed, err == 0);
		written.key = index_key_of(world, i, (uint32_t)tail);
		model_put(world, i, &written);
	}
	if (index_below(world, 10) == 0) {
		err = merge_all_the_way(world, i, trimmed, &entry);
		TG_CHECK_SEED(world->seed, err == (model->there ? 0 : TG_ERR_MISSING));
		model->flags &= ~(uint32_t)TG_INDEX_MISSING;
		if (model->there)
			index_same(world, i, &entry);
	}
}

/* The run ends before row `to`. */
static void merge_to(struct index_world *world, uint32_t from, uint32_t to, uint64_t trimmed)
{
	struct tg_key before = tg_key_none();
	int err, tries = 0;

	if (to < world->keys)
		before = index_key_of(world, to, 0);
	while ((err = tg_index_merge_end(&world->index, before, trimmed)) == TG_ERR_FULL) {
		index_store_commit(&world->store, &world->cache);
		TG_CHECK_SEED(world->seed, ++tries < 1000);
	}
	TG_CHECK_SEED(world->seed, err == 0);
	model_unseen(world, from, to, trimmed);
}

static void merge_to_the_end(struct index_world *world, uint32_t from, uint64_t trimmed)
{
	merge_to(world, from, world->keys, trimmed);
}

/* Rows [from, to) but for some, beside what lies before `before`; returns the first of them, or
 * `to` when there was none. */
static uint32_t merge_run(struct index_world *world, uint32_t from, uint32_t to, uint64_t trimmed)
{
	uint32_t absent = index_below(world, 50), first = to, last = from;
	int err;

	for (uint32_t i = from; i < to; i++) {
		if (index_below(world, 100) < absent)
			continue;
		if (first == to) {
			struct tg_key key = index_key_of(world, i, 0);
			COMMIT_AND_REPEAT(world, err, tg_index_walk_from(&world->index, key));
			TG_CHECK_SEED(world->seed, err == 0);
			first = last = i;
		}
		model_unseen(world, last, i, trimmed);
		merge_row(world, i, trimmed);
		last = i + 1;
	}
	if (first < to)
		merge_to(world, last, to, trimmed);
	return first;
}

/* A pass that reads runs of rows from the end on, and may be given up. */
static void pass_from_the_end(struct index_world *world)
{
	uint64_t trimmed = index_below(world, 2) == 0 ? UINT64_MAX : world->seq / 2;
	uint32_t longest = 1 + index_below(world, world->keys), end = world->keys, at = end;
	int err;

	while (at > 0 && index_below(world, 50) != 0) {
		uint32_t run = 1 + index_below(world, longest);
		at = run < at ? at - run : 0;
		end = merge_run(world, at, end, trimmed);
	}
	if (index_below(world, 2) == 0) { /* what is left was read from the begin */
		COMMIT_AND_REPEAT(world, err, tg_index_walk(&world->index, tg_key_none()));
		TG_CHECK_SEED(world->seed, err == 0);
		merge_to(world, 0, end, trimmed);
	}
	index_commit(world);
}

/* A pass from anywhere, with rows left out, that may be given up. Inside of it the store is
 * committed where it must be, but the model is not saved: a rollback is no part of this one. */
static void pass(struct index_world *world)
{
	uint32_t from = index_below(world, 3) == 0 ? index_below(world, world->keys) : 0;
	uint32_t to = index_below(world, 3) == 0 ? index_below(world, world->keys) : world->keys;
	uint32_t absent = 1 + index_below(world, 100);
	uint64_t trimmed = index_below(world, 2) == 0 ? UINT64_MAX : world->seq / 2;
	struct tg_key after = { .cmp_bytes = 0 };
	int err;

	if (from > 0)
		after = index_key_of(world, from - 1, 0);
	COMMIT_AND_REPEAT(world, err, tg_index_walk(&world->index, after));
	TG_CHECK_SEED(world->seed, err == 0);
	for (uint32_t i = from; i < to; i++) {
		if (index_below(world, 100) < absent)
			continue;
		model_unseen(world, from, i, trimmed);
		merge_row(world, i, trimmed);
		if (index_below(world, 20) == 0)
			merge_backwards(world, i, trimmed);
		if (index_below(world, 300) == 0)
			index_store_commit(&world->store, &world->cache);
		from = i + 1;
	}
	if (to == world->keys)
		merge_to_the_end(world, from, trimmed);
	index_commit(world);
}

/* Turns what is flagged MISSING into deletes, or takes it out, as the end of a pass does. */
static void sweep(struct index_world *world)
{
	struct tg_key none = { .cmp_bytes = 0 };
	struct tg_index_entry entry;
	int err;

	COMMIT_AND_REPEAT(world, err, tg_index_walk(&world->index, none));
	TG_CHECK_SEED(world->seed, err == 0);
	for (uint32_t i = 0; i < world->keys; i++) {
		struct index_model *model = &world->model[i];
		if (!model->there || (model->flags & TG_INDEX_MISSING) == 0)
			continue;
		COMMIT_AND_REPEAT(world, err, tg_index_next_missing(&world->index, &entry));
		TG_CHECK_SEED(world->seed, err == 0);
		index_same(world, i, &entry);
		if (index_below(world, 3) == 0) {
			remove_one(world, i);
			COMMIT_AND_REPEAT(world, err,
					  tg_index_walk(&world->index, index_key_of(world, i, 0)));
			TG_CHECK_SEED(world->seed, err == 0);
			continue;
		}
		entry.flags = TG_INDEX_DELETED;
		entry.seq = ++world->seq & TG_INDEX_SEQ_MAX;
		COMMIT_AND_REPEAT(world, err, tg_index_merge_put(&world->index, &entry));
		TG_CHECK_SEED(world->seed, err == 0);
		model->flags = entry.flags;
		model->seq = entry.seq;
	}
	COMMIT_AND_REPEAT(world, err, tg_index_next_missing(&world->index, &entry));
	TG_CHECK_SEED(world->seed, err == TG_ERR_MISSING);
}

static void some_single_ones(struct index_world *world)
{
	uint32_t puts = index_below(world, 5);

	for (uint32_t i = index_below(world, 2 * world->keys); i > 0; i--) {
		if (index_below(world, 5) <= puts)
			put_one(world);
		else
			remove_one(world, index_below(world, world->keys));
		find_one(world);
		change_one(world);
		if (index_below(world, 100) == 0)
			change_a_run(world);
		if (index_below(world, 60) == 0)
			index_commit(world);
	}
}

static void remove_all(struct index_world *world)
{
	bool backwards = index_below(world, 2) == 0;

	for (uint32_t i = 0; i < world->keys; i++)
		remove_one(world, backwards ? world->keys - 1 - i : i);
	TG_CHECK_SEED(world->seed, world->root.entries == 0);
	TG_CHECK_SEED(world->seed, world->young[0].pages + world->young[1].pages == 0);
	if (world->root.root_page != 0) { /* a pass that was given up left an empty leaf */
		struct tg_key none = { .cmp_bytes = 0 };
		int err;
		COMMIT_AND_REPEAT(world, err, tg_index_walk(&world->index, none));
		TG_CHECK_SEED(world->seed, err == 0);
		merge_to_the_end(world, 0, 0);
	}
	TG_CHECK_SEED(world->seed, world->root.root_page == 0 && world->root.height == 0);
}

/* Every second seed has young trees, most of them so small that they are folded all the time. */
static void take_young(struct index_world *world)
{
	if (world->seed % 2 == 0)
		return;
	world->index.young = world->young;
	if (index_below(world, 4) == 0)
		return;
	world->cache.young_pages[0] = 1 + index_below(world, 4);
	world->cache.young_pages[1] = 1 + index_below(world, 16);
}

static void run(uint64_t seed, enum index_keys kind, uint32_t keys)
{
	struct index_world world;

	index_world_start(&world, seed, keys, kind);
	take_young(&world);
	for (uint32_t step = 0; step < 24; step++) {
		uint32_t what = index_below(&world, 16);
		if (what < 4)
			some_single_ones(&world);
		else if (what < 8)
			pass(&world);
		else if (what < 10)
			pass_from_the_end(&world);
		else if (what < 13)
			sweep(&world);
		else if (what == 13)
			remove_all(&world);
		else
			index_rollback(&world);
		index_check_all(&world);
		if (index_below(&world, 2) == 0) {
			index_commit(&world);
			(void)index_check_store(&world);
		}
	}
	index_world_stop(&world);
}

static uint64_t seed_of(uint64_t otherwise)
{
	const char *given = getenv("TG_SEED");

	return given != NULL ? strtoull(given, NULL, 10) : otherwise;
}

/* Where a tool makes each step slow: two seeds, with young trees and without, and fewer keys. */
static void run_seeds(enum index_keys kind, uint32_t keys, uint32_t count)
{
	count = tg_turns(count, 2);
	keys = tg_turns(keys, keys * 2 / 5);
	for (uint64_t i = 1; i <= count; i++)
		run(seed_of(i), kind, keys);
	printf("kind %d: %u seeds\n", (int)kind, count);
}

/* Goal: the index is a sorted array, whatever is done to it and wherever a commit falls. Method:
 * random single writes, passes, sweeps and rollbacks beside the model, on 24 pages of cache. A
 * failure names its seed; TG_SEED=seed repeats it. */
TG_TEST(index_is_a_sorted_array_of_uuids)
{
	run_seeds(INDEX_KEYS_UUID, 2500, 12);
}

TG_TEST(index_is_a_sorted_array_of_short_keys)
{
	run_seeds(INDEX_KEYS_SHORT, 1500, 12);
}

TG_TEST(index_is_a_sorted_array_of_the_longest_keys)
{
	run_seeds(INDEX_KEYS_LONG, 150, 20);
}

TG_TEST(index_is_a_sorted_array_of_mixed_keys)
{
	run_seeds(INDEX_KEYS_MIXED, 900, 12);
}
