#include "drivers/raven/shape_names.h"

#include "drivers/json/scan.h"
#include "platform/assert.h"

static const char *const reserved[] = { "_tidegate", "Id", "LastModified" };
enum { RESERVED = sizeof(reserved) / sizeof(reserved[0]), BREAKS_BITS = 64 };

bool tg_shape_reserved(struct tg_view name)
{
	for (unsigned i = 0; i < RESERVED; i++)
		if (tg_view_same(name, tg_view_str(reserved[i])))
			return true;
	return false;
}

/* --- names as hashes: FNV-1a of 64 bits, so that an underscore more is one step more --- */

static const uint64_t hash_start = UINT64_C(0xcbf29ce484222325);

static uint64_t hash_byte(uint64_t hash, uint8_t byte)
{
	return (hash ^ byte) * UINT64_C(0x100000001b3);
}

static uint64_t hash_on(uint64_t hash, struct tg_view text)
{
	for (size_t i = 0; i < text.bytes; i++)
		hash = hash_byte(hash, text.at[i]);
	return hash;
}

static bool is_reserved_hash(uint64_t hash)
{
	for (unsigned i = 0; i < RESERVED; i++)
		if (hash == hash_on(hash_start, tg_view_str(reserved[i])))
			return true;
	return false;
}

/* The slot of `hash`, or the free one where it would go. */
static uint16_t *slot_of(struct tg_shape_names *names, uint64_t hash)
{
	uint32_t at = (uint32_t)(hash ^ hash >> 32);

	for (;; at++) {
		uint16_t *slot = &names->slots[at % TG_SHAPE_SLOTS];
		if (*slot == 0 || names->names[*slot - 1].hash == hash)
			return slot;
	}
}

/* False when the name is there already. */
static bool insert(struct tg_shape_names *names, uint32_t i)
{
	uint16_t *slot = slot_of(names, names->names[i].hash);

	if (*slot != 0)
		return false;
	*slot = (uint16_t)(i + 1);
	return true;
}

/* --- taking them down --- */

/* What is known of a path, level by level. */
struct level {
	uint64_t hash, breaks;
	size_t bytes;
};

static void go_on(struct level *levels, uint32_t i, struct tg_view name)
{
	struct level before = { .hash = hash_start };

	if (i > 0) {
		before = levels[i - 1];
		if (before.bytes < BREAKS_BITS)
			before.breaks |= UINT64_C(1) << (BREAKS_BITS - 1 - before.bytes);
		before.hash = hash_byte(before.hash, '_');
		before.bytes++;
	}
	before.hash = hash_on(before.hash, name);
	before.bytes += name.bytes;
	levels[i] = before;
}

/* Returns how many names meet another one, or an error. */
static int take_down(struct tg_shape_names *names, struct tg_view body)
{
	struct level levels[TG_FLATTEN_LEVELS_MAX];
	struct tg_flatten flat;
	struct tg_view value;
	int more, met = 0;

	tg_flatten_start(&flat, body, TG_FLATTEN_LEVELS_MAX);
	while ((more = tg_flatten_next(&flat, &value)) > 0) {
		for (uint32_t i = flat.fresh; i < flat.depth; i++)
			go_on(levels, i, flat.path[i]);
		if (names->count == TG_SHAPE_NAMES_MAX)
			return TG_ERR_LIMIT;
		struct level *leaf = &levels[flat.depth - 1];
		struct tg_shape_name *name = &names->names[names->count];
		*name = (struct tg_shape_name){ .hash = leaf->hash, .breaks = leaf->breaks };
		name->loses = is_reserved_hash(leaf->hash);
		met += name->loses || !insert(names, names->count);
		names->count++;
	}
	return more < 0 ? more : met;
}

/* --- who keeps a name, and what the others are called --- */

/* Whether `a` comes before `b`, which has the same name. */
static bool is_before(const struct tg_shape_name *a, const struct tg_shape_name *b)
{
	return a->breaks < b->breaks || (a->breaks == b->breaks && a < b);
}

static void find_losers(struct tg_shape_names *names)
{
	for (uint32_t i = 0; i < names->count; i++) {
		struct tg_shape_name *name = &names->names[i];
		for (uint32_t j = 0; j < names->count && !name->loses; j++) {
			const struct tg_shape_name *other = &names->names[j];
			name->loses = other->hash == name->hash && is_before(other, name);
		}
	}
	memset(names->slots, 0, sizeof(names->slots));
	for (uint32_t i = 0; i < names->count; i++)
		if (!names->names[i].loses && !insert(names, i))
			TG_ASSERT(false); /* Of one name's columns all but one lose. */
}

static void rename_one(struct tg_shape_names *names, uint32_t i)
{
	struct tg_shape_name *name = &names->names[i];

	do {
		name->hash = hash_byte(name->hash, '_');
		name->more++;
	} while (is_reserved_hash(name->hash) || !insert(names, i));
	names->renamed++;
}

/* The next one without a name of its own, in the order of the rule; or `count`. */
static uint32_t next_loser(const struct tg_shape_names *names)
{
	uint32_t best = names->count;

	for (uint32_t i = 0; i < names->count; i++) {
		const struct tg_shape_name *name = &names->names[i];
		if (name->loses && name->more == 0 &&
		    (best == names->count || is_before(name, &names->names[best])))
			best = i;
	}
	return best;
}

int tg_shape_names_find(struct tg_shape_names *names, struct tg_view body)
{
	names->count = names->renamed = 0;
	memset(names->slots, 0, sizeof(names->slots));
	int met = take_down(names, body);
	if (met <= 0)
		return met;
	find_losers(names);
	for (uint32_t i = next_loser(names); i < names->count; i = next_loser(names))
		rename_one(names, i);
	return TG_OK;
}

/* --- a document whose objects are no columns --- */
