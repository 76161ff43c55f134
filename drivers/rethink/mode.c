#include "drivers/rethink/mode.h"

static uint64_t add_hash(uint64_t hash, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;

	/* FNV-1a: only to tell a changed setting from the same one. */
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t tg_mode_settings(const struct tg_mode_inputs *inputs)
{
	uint8_t head[2] = { (uint8_t)inputs->rule->mode, (uint8_t)inputs->stamp->kind };
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	/* A snapshot reads the same whatever the stamp is. */
	if (inputs->rule->mode == TG_MODE_SNAPSHOT)
		return add_hash(hash, head, 1);
	hash = add_hash(hash, head, sizeof(head));
	return add_hash(hash, inputs->stamp->field.json, inputs->stamp->field.bytes);
}

static bool by_time(const struct tg_mode_inputs *inputs)
{
	return inputs->rule->mode != TG_MODE_SNAPSHOT && inputs->stamp->kind != TG_STAMP_NONE;
}

bool tg_mode_needs_clock(const struct tg_mode_inputs *inputs)
{
	return by_time(inputs);
}

/* Also when our clock was set back: the hours since are not known then. */
static bool full_pass_is_due(const struct tg_mode_inputs *inputs,
			     const struct tg_bookmark *bookmark)
{
	if (bookmark->full_pass_ms == TG_TIME_NONE || bookmark->full_pass_ms > inputs->wall_ms)
		return true;
	return inputs->wall_ms - bookmark->full_pass_ms >= inputs->config->full_pass_ms;
}

static enum tg_pass next_pass(const struct tg_mode_inputs *inputs,
			      const struct tg_bookmark *bookmark)
{
	if (!by_time(inputs) || bookmark->time_ms == TG_TIME_NONE || inputs->full_pass_wanted)
		return TG_PASS_FULL;
	if (inputs->rule->mode == TG_MODE_AUTO && full_pass_is_due(inputs, bookmark))
		return TG_PASS_FULL;
	return inputs->indexed ? TG_PASS_INDEX : TG_PASS_FILTER;
}

static bool can_go_on(const struct tg_mode_inputs *inputs, const struct tg_bookmark *bookmark)
{
	if (bookmark->pass == TG_PASS_NONE || inputs->full_pass_wanted)
		return false;
	return bookmark->pass != TG_PASS_INDEX || inputs->indexed;
}

bool tg_mode_plan(const struct tg_mode_inputs *inputs, struct tg_bookmark *bookmark)
{
	if (can_go_on(inputs, bookmark))
		return true;
	bookmark->pass = next_pass(inputs, bookmark);
	bookmark->front.bytes = bookmark->back.bytes = 0;
	bookmark->pass_now_ms = TG_TIME_NONE;
	bookmark->pass_lower_ms = TG_TIME_NONE;
	bookmark->pass_newest_ms = TG_TIME_NONE;
	return false;
}

void tg_mode_begin(const struct tg_rethink_config *config, int64_t server_now_ms,
		   struct tg_bookmark *bookmark)
{
	bookmark->pass_now_ms = server_now_ms;
	if (bookmark->pass != TG_PASS_FULL && bookmark->time_ms != TG_TIME_NONE)
		bookmark->pass_lower_ms = bookmark->time_ms - config->overlap_ms;
}

static int64_t capped(const struct tg_bookmark *bookmark, int64_t ms)
{
	return ms > bookmark->pass_now_ms ? bookmark->pass_now_ms : ms;
}

void tg_mode_saw(struct tg_bookmark *bookmark, int64_t stamp_ms)
{
	if (bookmark->pass_newest_ms == TG_TIME_NONE || stamp_ms > bookmark->pass_newest_ms)
		bookmark->pass_newest_ms = stamp_ms;
}

void tg_mode_reached(struct tg_bookmark *bookmark, int64_t stamp_ms)
{
	if (bookmark->pass == TG_PASS_INDEX && capped(bookmark, stamp_ms) > bookmark->pass_lower_ms)
		bookmark->pass_lower_ms = capped(bookmark, stamp_ms);
}

void tg_mode_end(struct tg_bookmark *bookmark, int64_t wall_ms)
{
	/* Rows without any stamp: what comes later is newer than the pass. */
	int64_t reached = bookmark->pass_newest_ms == TG_TIME_NONE
				  ? bookmark->pass_now_ms
				  : capped(bookmark, bookmark->pass_newest_ms);

	if (bookmark->pass == TG_PASS_FULL) {
		bookmark->full_pass_ms = wall_ms;
		bookmark->time_ms = bookmark->pass_now_ms == TG_TIME_NONE ? TG_TIME_NONE : reached;
	} else if (bookmark->pass_newest_ms != TG_TIME_NONE && reached > bookmark->time_ms) {
		bookmark->time_ms = reached;
	}
	bookmark->pass = TG_PASS_NONE;
	bookmark->front.bytes = bookmark->back.bytes = 0;
	bookmark->pass_now_ms = bookmark->pass_lower_ms = TG_TIME_NONE;
	bookmark->pass_newest_ms = TG_TIME_NONE;
}
