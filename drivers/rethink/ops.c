/* ops.c - the entries of the contract: source.h. */
#include "app/arena.h"
#include "drivers/rethink/key.h"
#include "drivers/rethink/rethink.h"
#include "drivers/rethink/shape.h"
#include "drivers/rethink/state.h"
#include "drivers/rethink/tell.h"
#include "platform/assert.h"
#include "platform/loop.h"

_Static_assert(sizeof(struct tg_rethink) <= CONFIG_TG_SOURCE_BYTES_MAX,
	       "Raise TG_SOURCE_BYTES_MAX or lower TG_RETHINK_TABLE_RULES_MAX");
_Static_assert(TG_RETHINK_ARENA_BYTES <= CONFIG_TG_SOURCE_ARENA_BYTES,
	       "Raise TG_SOURCE_ARENA_BYTES or lower TG_DOC_BYTES_MAX");

enum { TURNS_MAX = 64, THROTTLE_MS = 50 };

static void configure(void *state, const struct tg_json *config, struct tg_problems *problems)
{
	struct tg_rethink *source = state;

	memset(source, 0, sizeof(*source));
	tg_rethink_config_read(&source->config, config, problems);
	tg_conn_none(&source->link.conn_);
}

static void rules(const void *state, struct tg_source_rules *out)
{
	const struct tg_rethink *source = state;

	out->delete_when_empty = source->config.delete_when_empty;
	out->delete_when_recreated = source->config.delete_when_recreated;
}

static bool carve(struct tg_rethink *source, struct tg_arena *arena)
{
	struct tg_rows *rows = &source->rows;
	struct tg_rethink_names *names = &source->names;
	uint8_t *window = tg_arena_take(arena, TG_RETHINK_WINDOW_BYTES);

	rows->records =
		tg_arena_take(arena, CONFIG_TG_BATCH_RECORDS_MAX * sizeof(struct tg_record));
	rows->keys = tg_arena_take(arena, CONFIG_TG_RETHINK_KEYS_BYTES);
	names->items = tg_arena_take(arena, CONFIG_TG_TABLES_MAX * sizeof(struct tg_rethink_name));
	source->infer = tg_arena_take(arena, sizeof(*source->infer));
	names->text = tg_arena_take(arena, CONFIG_TG_RETHINK_NAMES_BYTES);
	if (window == NULL || rows->records == NULL || rows->keys == NULL || names->items == NULL ||
	    names->text == NULL || source->infer == NULL)
		return false;
	tg_link_init(&source->link, &source->config, window, TG_RETHINK_WINDOW_BYTES);
	source->carved = true;
	return true;
}

static int start(void *state, const struct tg_source_start *with, struct tg_why *why)
{
	struct tg_rethink *source = state;

	if (!source->carved && !carve(source, with->arena))
		return tg_why_set(
			why, TG_ERR_LIMIT,
			"the arena is smaller than the %zu bytes that a RethinkDB source needs",
			(size_t)TG_RETHINK_ARENA_BYTES);
	TG_ASSERT(source->phase == TG_PHASE_DOWN);
	source->pending = TG_OK;
	source->throttled = false;
	source->now = *with->now;
	source->allowance_at_ms = source->now.mono_ms;
	int rc = tg_link_open(&source->link, with->now, why);
	if (rc == TG_OK)
		tg_rethink_enter(source, TG_PHASE_LOGIN);
	return rc;
}

/* A table whose answers are no answers must not keep all others from being read for ever. */
static int note_break(struct tg_rethink *source, int err, const struct tg_why *why)
{
	if (err == TG_ERR_PROTOCOL && source->listed) {
		source->breaks++;
		source->why = *why;
	}
	return err;
}

static int step(void *state, const struct tg_now *now, struct tg_batch *out, struct tg_why *why)
{
	struct tg_rethink *source = state;
	int rc = source->pending;

	memset(out, 0, sizeof(*out));
	source->now = *now;
	if (rc != TG_OK) {
		*why = source->pending_why;
		source->pending = TG_OK;
	}
	for (unsigned i = 0; i < TURNS_MAX && rc == TG_OK && out->kind == TG_BATCH_NONE; i++)
		rc = tg_rethink_turn(source, out, why);
	if (out->kind != TG_BATCH_NONE) {
		out->bytes_read = source->link.bytes_read;
		source->link.bytes_read = 0;
	}
	if (rc == TG_ERR_AGAIN || out->kind != TG_BATCH_NONE)
		return TG_OK;
	return rc == TG_OK ? TG_OK : note_break(source, rc, why);
}

static void want(const void *state, struct tg_wants *wants)
{
	const struct tg_rethink *source = state;
	uint32_t rate = source->config.rows_per_second_max;
	bool asking = tg_phases[source->phase].ask != NULL;

	if (source->phase == TG_PHASE_READ && source->throttled) {
		uint64_t row_ms = 1000 / rate + 1;
		tg_wants_at(wants, source->allowance_at_ms +
					   (row_ms > THROTTLE_MS ? row_ms : THROTTLE_MS));
		return;
	}
	if (source->phase == TG_PHASE_DOWN)
		return;
	if (source->pending != TG_OK || (asking && !source->asked) ||
	    (!asking && source->phase != TG_PHASE_LOGIN))
		tg_wants_at(wants, 0);
	tg_link_want(&source->link, wants);
}

/* Nothing hangs on it: the server forgets rows only when it is told to. */
static void taken(void *state)
{
	(void)state;
}

static void stop(void *state, const struct tg_now *now)
{
	struct tg_rethink *source = state;

	(void)now;
	if (source->phase == TG_PHASE_DONE) {
		tg_rethink_names_renew(&source->names);
		source->listed = false;
	}
	tg_link_close(&source->link);
	tg_rethink_enter(source, TG_PHASE_DOWN);
}

const struct tg_source_ops tg_rethink_source = {
	.type = "rethinkdb",
	.state_bytes = sizeof(struct tg_rethink),
	.configure = configure,
	.rules = rules,
	.start = start,
	.step = step,
	.begin = tg_rethink_begin,
	.want = want,
	.taken = taken,
	.stop = stop,
	.key_compare = tg_rethink_key_compare,
	.key_encode = tg_rethink_key_encode,
	.key_json = tg_rethink_key_json,
	.shape = tg_rethink_shape,
	.check = tg_rethink_check,
	.discover = tg_rethink_discover,
};
