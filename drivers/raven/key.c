#include "drivers/raven/key.h"

#include "drivers/json/scan.h"
#include "drivers/raven/fold.h"

enum {
	STOP = 0xff,                         /* between the lowered id and its tail */
	GAP_MAX = 0x7f,                      /* so many letters, and none that differs */
	SECOND = 0x80,                       /* the second upper case of two */
	ID_BYTES_MAX = 3 * TG_KEY_BYTES_MAX, /* three bytes can become one when lowered */
};

/* --- encoding --- */

struct encoder {
	uint8_t *at;
	size_t cap, used;
	uint32_t gap; /* letters since the last one that differed */
	bool overran;
};

static void put(struct encoder *to, uint8_t byte)
{
	if (to->used == to->cap)
		to->overran = true;
	else
		to->at[to->used++] = byte;
}

static void put_tail(struct encoder *to, uint32_t which)
{
	if (which != 0) {
		put(to, (uint8_t)(to->gap | (which == 2 ? SECOND : 0)));
		to->gap = 0;
	} else if (++to->gap == GAP_MAX) {
		put(to, GAP_MAX);
		to->gap = 0;
	}
}

/* Lowers the id into `to`; true in `spelled` when that changed it. */
static void put_lower(struct encoder *to, struct tg_view id, bool *spelled)
{
	int bytes = tg_fold(id, to->at, to->cap);

	to->overran = bytes < 0;
	to->used = bytes < 0 ? 0 : (size_t)bytes;
	*spelled = bytes >= 0 && !tg_view_same(id, tg_view_of(to->at, to->used));
}

static void put_spelling(struct encoder *to, struct tg_view id)
{
	const uint8_t *at = id.at, *end = id.at + id.bytes;
	size_t last = 0;
	uint32_t letter;

	put(to, STOP);
	while (at < end) {
		uint32_t which = *at >= 'A' && *at <= 'Z';
		if (*at < 0x80) {
			at++;
		} else {
			at += tg_fold_take(at, end, &letter);
			which = letter == TG_FOLD_NO_LETTER ? 0 : tg_fold_which(letter);
		}
		put_tail(to, which);
		if (which != 0)
			last = to->used;
	}
	to->used = last; /* Gaps behind the last letter that differs say nothing. */
}

int tg_raven_key_of_id(struct tg_view id, uint8_t *at, size_t cap, struct tg_key *out)
{
	struct encoder to = { .at = at, .cap = cap };
	bool spelled = false;

	if (id.bytes == 0 || memchr(id.at, STOP, id.bytes) != NULL)
		return TG_ERR_PROTOCOL;
	put_lower(&to, id, &spelled);
	out->cmp_bytes = (uint32_t)to.used;
	if (spelled)
		put_spelling(&to, id);
	out->bytes = tg_view_of(at, to.used);
	return to.overran ? TG_ERR_LIMIT : TG_OK;
}

/* An id with escapes in it, which few have. */
static int encode_escaped(struct tg_view json, uint8_t *at, size_t cap, struct tg_key *out)
{
	uint8_t id[ID_BYTES_MAX];
	int bytes = tg_json_unescape(json, id, sizeof(id));

	if (bytes < 0)
		return bytes;
	return tg_raven_key_of_id(tg_view_of(id, (size_t)bytes), at, cap, out);
}

int tg_raven_key_encode(struct tg_view json, uint8_t *at, size_t cap, struct tg_key *out)
{
	if (json.bytes < 2 || json.at[0] != '"' || json.at[json.bytes - 1] != '"')
		return TG_ERR_PROTOCOL;
	struct tg_view id = tg_view_of(json.at + 1, json.bytes - 2);
	if (memchr(id.at, '\\', id.bytes) != NULL || memchr(id.at, '"', id.bytes) != NULL)
		return encode_escaped(json, at, cap, out);
	return tg_raven_key_of_id(id, at, cap, out);
}

int tg_raven_key_compare(struct tg_key a, struct tg_key b)
{
	uint32_t bytes = a.cmp_bytes < b.cmp_bytes ? a.cmp_bytes : b.cmp_bytes;
	int order = bytes == 0 ? 0 : memcmp(a.bytes.at, b.bytes.at, bytes);

	return order != 0 ? order : (a.cmp_bytes > b.cmp_bytes) - (a.cmp_bytes < b.cmp_bytes);
}

/* --- decoding --- */

struct decoder {
	const uint8_t *at, *end;    /* the lowered id */
	const uint8_t *tail, *stop; /* its spelling   */
	uint32_t gap;               /* letters before the next that differs */
	uint32_t which;             /* 0: none differs behind the gap */
};

/* Reads the next entry of the tail; one that is missing leaves the rest as it is. */
static void next_entry(struct decoder *from)
{
	from->gap = UINT32_MAX;
	from->which = 0;
	if (from->tail == from->stop)
		return;
	uint8_t entry = *from->tail++;
	from->gap = entry & GAP_MAX;
	if (entry != GAP_MAX) /* A third upper case, which no letter has, where nothing fits. */
		from->which = entry == (SECOND | GAP_MAX) ? 3 : (entry & SECOND) != 0 ? 2 : 1;
}

/* The next letter as it was spelled; TG_ERR_DAMAGED when it has no such upper case. */
static int take_letter(struct decoder *from, uint8_t spelled[4])
{
	uint32_t letter;
	unsigned bytes = tg_fold_take(from->at, from->end, &letter);
	const uint8_t *lower = from->at;

	from->at += bytes;
	if (from->gap == 0 && from->which == 0)
		next_entry(from);
	if (from->gap > 0) {
		if (from->gap != UINT32_MAX)
			from->gap--;
		memcpy(spelled, lower, bytes);
		return (int)bytes;
	}
	letter = letter == TG_FOLD_NO_LETTER ? 0 : tg_fold_back(letter, from->which);
	if (letter == 0)
		return TG_ERR_DAMAGED;
	next_entry(from);
	return (int)tg_fold_put(letter, spelled);
}

int tg_raven_key_id(struct tg_view key, uint8_t *at, size_t cap)
{
	const uint8_t *end = key.at + key.bytes;
	const uint8_t *stop = key.bytes == 0 ? NULL : memchr(key.at, STOP, key.bytes);
	struct tg_out out = { .at = at, .cap = cap };
	struct decoder from = { .at = key.at, .end = stop != NULL ? stop : end };

	if (from.at == from.end || stop == end - 1)
		return TG_ERR_DAMAGED;
	from.tail = stop != NULL ? stop + 1 : end;
	from.stop = end;
	next_entry(&from);
	while (from.at < from.end) {
		uint8_t spelled[4];
		int bytes = take_letter(&from, spelled);
		if (bytes < 0)
			return bytes;
		tg_out_put(&out, spelled, (size_t)bytes);
	}
	if (from.tail != from.stop || (from.which != 0 && from.gap != UINT32_MAX))
		return TG_ERR_DAMAGED;
	return tg_out_overran(&out) ? TG_ERR_LIMIT : (int)out.total;
}

int tg_raven_key_json(struct tg_view key, struct tg_out *out)
{
	uint8_t id[ID_BYTES_MAX];
	int bytes = tg_raven_key_id(key, id, sizeof(id));

	if (bytes < 0)
		return TG_ERR_DAMAGED;
	tg_json_quote_raw(tg_view_of(id, (size_t)bytes), out);
	return TG_OK;
}
