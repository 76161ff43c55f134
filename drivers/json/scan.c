/* scan.c - the structure between the tokens: levels, names, what is watched and flagged. */
#include "drivers/json/scan.h"

#include "drivers/json/scan_run.h"
#include "platform/assert.h"

#define PSEUDO_NAME   "$reql_type$"
#define RESERVED_NAME "_tidegate"
enum { PSEUDO_BYTES = sizeof(PSEUDO_NAME) - 1, RESERVED_BYTES = sizeof(RESERVED_NAME) - 1 };

void tg_scan_start(struct tg_scan *scan)
{
	TG_ASSERT(scan->watch_count <= TG_SCAN_WATCH_MAX);
	scan->flags = 0;
	scan->pos = scan->mark_ = 0;
	scan->names_ = 1ull << tg_scan_name_place(tg_view_of(PSEUDO_NAME, PSEUDO_BYTES)) |
		       1ull << tg_scan_name_place(tg_view_of(RESERVED_NAME, RESERVED_BYTES));
	scan->name_bytes_max_ = PSEUDO_BYTES;
	for (uint32_t i = 0; i < scan->watch_count; i++) {
		struct tg_scan_watch *watch = &scan->watch[i];
		watch->at = watch->bytes = 0;
		struct tg_view name = watch->name.bytes > 0 ? watch->name : tg_view_of("\"", 0);
		scan->names_ |= 1ull << tg_scan_name_place(name);
		if (watch->name.bytes > scan->name_bytes_max_)
			scan->name_bytes_max_ = (uint32_t)watch->name.bytes;
	}
	scan->state_ = TG_SCAN_VALUE;
	scan->part_ = scan->depth_ = scan->watching_ = 0;
	scan->begun_ = scan->name_ = false;
}

void tg_scan_name_seen(struct tg_scan *scan, struct tg_view name)
{
	if (name.bytes == PSEUDO_BYTES && memcmp(name.at, PSEUDO_NAME, PSEUDO_BYTES) == 0)
		scan->flags |= TG_SCAN_PSEUDO;
	if (scan->depth_ != 1)
		return;
	if (name.bytes == RESERVED_BYTES && memcmp(name.at, RESERVED_NAME, RESERVED_BYTES) == 0)
		scan->flags |= TG_SCAN_RESERVED;
	for (uint32_t i = 0; i < scan->watch_count; i++) {
		if (scan->watch[i].bytes == 0 && tg_view_same(scan->watch[i].name, name))
			scan->watching_ = i + 1;
	}
}

static const uint8_t *open_container(const struct tg_scan_run *run, const uint8_t *at)
{
	struct tg_scan *scan = run->scan;
	uint32_t level = scan->depth_;
	uint8_t bit = (uint8_t)(1u << (level & 7));

	if (level == 1)
		scan->flags |= TG_SCAN_NESTED;
	scan->depth_ = level + 1;
	if (level == CONFIG_TG_JSON_DEPTH_MAX) {
		scan->flags |= TG_SCAN_DEEP;
		scan->state_ = TG_SCAN_DEEP_WALK;
	} else if (*at == '{') {
		scan->kinds_[level >> 3] |= bit;
		scan->state_ = TG_SCAN_FIRST_NAME;
	} else {
		scan->kinds_[level >> 3] &= (uint8_t)~bit;
		scan->state_ = TG_SCAN_FIRST_ELEMENT;
	}
	return at + 1;
}

static const uint8_t *close_container(const struct tg_scan_run *run, const uint8_t *at)
{
	if (*at != (tg_scan_in_object(run->scan) ? '}' : ']'))
		return tg_scan_bad(run, at);
	run->scan->depth_--;
	tg_scan_value_ends(run, at + 1);
	return at + 1;
}

static const uint8_t *begin_value(const struct tg_scan_run *run, const uint8_t *at)
{
	struct tg_scan *scan = run->scan;

	if (scan->watching_ != 0 && !scan->begun_) {
		scan->begun_ = true;
		scan->watch[scan->watching_ - 1].at = tg_scan_offset(run, at);
	}
	if (*at == '{' || *at == '[')
		return open_container(run, at);
	if (*at != '"')
		return tg_scan_scalar(run, at);
	scan->name_ = false;
	scan->state_ = TG_SCAN_STRING;
	return at + 1;
}

static const uint8_t *begin_name(const struct tg_scan_run *run, const uint8_t *at)
{
	if (*at != '"')
		return tg_scan_bad(run, at);
	run->scan->name_ = true;
	run->scan->mark_ = tg_scan_offset(run, at + 1);
	run->scan->state_ = TG_SCAN_STRING;
	return at + 1;
}

static const uint8_t *after_value(const struct tg_scan_run *run, const uint8_t *at)
{
	if (*at != ',')
		return close_container(run, at);
	run->scan->state_ = tg_scan_in_object(run->scan) ? TG_SCAN_NAME : TG_SCAN_VALUE;
	return at + 1;
}

/* One byte between tokens. */
static const uint8_t *between(const struct tg_scan_run *run, const uint8_t *at)
{
	if (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
		return at + 1;
	switch (run->scan->state_) {
	case TG_SCAN_FIRST_ELEMENT:
		return *at == ']' ? close_container(run, at) : begin_value(run, at);
	case TG_SCAN_FIRST_NAME:
		return *at == '}' ? close_container(run, at) : begin_name(run, at);
	case TG_SCAN_NAME:
		return begin_name(run, at);
	case TG_SCAN_COLON:
		if (*at != ':')
			return tg_scan_bad(run, at);
		run->scan->state_ = TG_SCAN_VALUE;
		return at + 1;
	case TG_SCAN_AFTER:
		return after_value(run, at);
	default:
		return begin_value(run, at);
	}
}

static const uint8_t *step(const struct tg_scan_run *run, const uint8_t *at)
{
	const uint8_t *from = at;
	const struct tg_scan *scan = run->scan;

	if (scan->state_ >= TG_SCAN_STRING)
		return tg_scan_text(run, at);
	if (*at == '"' && (scan->state_ == TG_SCAN_NAME || scan->state_ == TG_SCAN_FIRST_NAME))
		at = tg_scan_fast_members(run, at);
	else if (scan->state_ <= TG_SCAN_FIRST_ELEMENT && scan->depth_ > 0 &&
		 !tg_scan_in_object(scan))
		at = tg_scan_fast_elements(run, at);
	return at != from ? at : between(run, at);
}

int tg_scan_feed(struct tg_scan *scan, const uint8_t *value, size_t bytes, uint64_t base)
{
	const struct tg_scan_run run = { scan, value, value + bytes, base };

	TG_ASSERT(base <= scan->pos && scan->pos - base <= bytes);
	const uint8_t *at = value + (scan->pos - base);
	while (at < run.end && scan->state_ < TG_SCAN_DONE)
		at = step(&run, at);
	scan->pos = tg_scan_offset(&run, at);
	if (scan->state_ == TG_SCAN_DONE)
		return TG_OK;
	return scan->state_ == TG_SCAN_BAD ? TG_ERR_PROTOCOL : TG_ERR_AGAIN;
}

uint64_t tg_scan_keep(const struct tg_scan *scan)
{
	bool in_text = scan->state_ >= TG_SCAN_STRING && scan->state_ <= TG_SCAN_UTF8;

	if (scan->begun_) {
		uint64_t from = scan->watch[scan->watching_ - 1].at;
		return scan->pos - from > TG_SCAN_WATCH_BYTES_MAX ? scan->pos : from;
	}
	if (in_text && scan->name_ && scan->pos - scan->mark_ <= scan->name_bytes_max_)
		return scan->mark_;
	return scan->pos;
}
