/* ops.c - the entries of the contract: source.h. */
#include "app/arena.h"
#include "drivers/raven/key.h"
#include "drivers/raven/raven.h"
#include "drivers/raven/shape.h"
#include "drivers/raven/state.h"
#include "drivers/raven/tell.h"
#include "platform/assert.h"
#include "platform/loop.h"

_Static_assert(sizeof(struct tg_raven) <= CONFIG_TG_SOURCE_BYTES_MAX,
	       "Raise TG_SOURCE_BYTES_MAX or lower TG_RAVEN_URLS_MAX");
_Static_assert(TG_RAVEN_ARENA_BYTES <= CONFIG_TG_SOURCE_ARENA_BYTES,
	       "Raise TG_SOURCE_ARENA_BYTES or lower TG_DOC_BYTES_MAX");

enum { TURNS_MAX = 64, THROTTLE_MS = 50 };

static void configure(void *state, const struct tg_json *config, struct tg_problems *problems)
{
	struct tg_raven *source = state;

	memset(source, 0, sizeof(*source));
	tg_raven_config_read(&source->config, config, problems);
}

static void rules(const void *state, struct tg_source_rules *out)
{
	const struct tg_raven *source = state;

	out->delete_when_empty = source->config.delete_when_empty;
	out->delete_when_recreated = source->config.delete_when_recreated;
}

static bool carve(struct tg_raven *source, struct tg_arena *arena)
{
	struct tg_raven_rows *rows = &source->rows;
	struct tg_raven_names *names = &source->names;
	uint8_t *buffers = tg_arena_take(arena, TG_RAVEN_TALK_ARENA_BYTES);

	rows->records =
		tg_arena_take(arena, CONFIG_TG_RAVEN_BATCH_RECORDS_MAX * sizeof(struct tg_record));
	rows->keys = tg_arena_take(arena, CONFIG_TG_RAVEN_KEYS_BYTES);
	names->items = tg_arena_take(arena, CONFIG_TG_RAVEN_COLLECTIONS_MAX *
						    sizeof(struct tg_raven_name));
	names->text = tg_arena_take(arena, CONFIG_TG_RAVEN_NAMES_BYTES);
	source->infer = tg_arena_take(arena, sizeof(*source->infer));
	if (buffers == NULL || rows->records == NULL || rows->keys == NULL ||
	    names->items == NULL || names->text == NULL || source->infer == NULL)
		return false;
	tg_raven_talk_init(&source->talk, &source->config.link, buffers);
	tg_raven_nodes_init(&source->nodes, &source->config.link);
	(void)tg_raven_nodes_next(&source->nodes);
	source->carved = true;
	return true;
}

/* A node that worked and fails again and again gives way to another one, whose etags are others. */
static void choose_node(struct tg_raven *source)
{
	struct tg_raven_nodes *nodes = &source->nodes;

	if (!source->pinned || source->failures < TG_RAVEN_PATIENCE)
		return;
	source->pinned = source->settled = false;
	source->failures = 0;
	nodes->items[nodes->at].tried = true;
	if (!tg_raven_nodes_next(nodes))
		tg_raven_nodes_renew(nodes);
}

/* Once: what the store knows, before the server is asked what there is. */
static int prepare(struct tg_raven *source, const struct tg_source_start *with, struct tg_why *why)
{
	if (!carve(source, with->arena))
		return tg_why_set(
			why, TG_ERR_LIMIT,
			"the arena is smaller than the %zu bytes that a RavenDB source needs",
			(size_t)TG_RAVEN_ARENA_BYTES);
	return with->known != NULL ? tg_raven_recall_names(source, with->known, why) : TG_OK;
}

static int start(void *state, const struct tg_source_start *with, struct tg_why *why)
{
	struct tg_raven *source = state;
	int rc = source->carved ? TG_OK : prepare(source, with, why);

	TG_ASSERT(source->step == TG_STEP_DOWN);
	if (rc != TG_OK)
		return rc;
	source->throttled = source->idle = false;
	source->reread = 0;
	tg_raven_share_drop(source);
	source->now = *with->now;
	source->allowance_at_ms = source->now.mono_ms;
	choose_node(source);
	tg_raven_talk_open(&source->talk, &source->nodes.items[source->nodes.at].url);
	bool poll = source->settled && source->pinned && source->names.count > 0;
	if (!poll)
		source->proven_bytes = 0;
	source->settled = true;
	if (tg_raven_recall_start(source))
		tg_raven_enter(source, TG_STEP_NEXT);
	else
		tg_raven_enter(source, poll ? TG_STEP_POLL : TG_STEP_STATS);
	return TG_OK;
}

/* A collection whose answers are no answers must not keep all others from being read for ever. */
static int note_break(struct tg_raven *source, int err, const struct tg_why *why)
{
	if (err == TG_ERR_PROTOCOL && source->begun) {
		source->breaks++;
		source->break_why = *why;
	}
	return err;
}

static int step(void *state, const struct tg_now *now, struct tg_batch *out, struct tg_why *why)
{
	struct tg_raven *source = state;
	int rc = TG_OK;

	memset(out, 0, sizeof(*out));
	source->now = *now;
	for (unsigned i = 0; i < TURNS_MAX && rc == TG_OK && out->kind == TG_BATCH_NONE; i++)
		rc = tg_raven_turn(source, out, why);
	source->idle = rc == TG_ERR_AGAIN;
	if (out->kind != TG_BATCH_NONE) {
		out->bytes_read = source->talk.bytes_read;
		source->talk.bytes_read = 0;
	}
	if (rc == TG_OK || rc == TG_ERR_AGAIN)
		return TG_OK;
	source->settled = false;
	return note_break(source, rc, why);
}

static void want(const void *state, struct tg_wants *wants)
{
	const struct tg_raven *source = state;
	uint32_t rate = source->config.rows_per_second_max;

	if (source->step == TG_STEP_DOWN)
		return;
	if (source->now.mono_ms < source->hold_until_ms) {
		tg_wants_at(wants, source->hold_until_ms);
		return;
	}
	if (source->throttled) {
		uint64_t row_ms = 1000 / rate + 1;
		tg_wants_at(wants, source->allowance_at_ms +
					   (row_ms > THROTTLE_MS ? row_ms : THROTTLE_MS));
		return;
	}
	if (!source->idle)
		tg_wants_at(wants, 0);
	tg_raven_talk_want(&source->talk, wants);
}

/* Nothing hangs on it: the server forgets rows only when it is told to. */
static void taken(void *state)
{
	(void)state;
}

static void stop(void *state, const struct tg_now *now)
{
	struct tg_raven *source = state;

	(void)now;
	if (source->step == TG_STEP_DONE)
		tg_raven_names_renew(&source->names);
	else
		source->settled = false;
	tg_raven_talk_close(&source->talk);
	source->discards = 0;
	source->begun = false;
	source->query_rows = 0;
	tg_raven_enter(source, TG_STEP_DOWN);
}

const struct tg_source_ops tg_raven_source = {
	.type = "ravendb",
	.state_bytes = sizeof(struct tg_raven),
	.configure = configure,
	.rules = rules,
	.start = start,
	.step = step,
	.begin = tg_raven_begin,
	.want = want,
	.taken = taken,
	.stop = stop,
	.key_compare = tg_raven_key_compare,
	.key_encode = tg_raven_key_encode,
	.key_json = tg_raven_key_json,
	.shape = tg_raven_shape,
	.check = tg_raven_check,
	.discover = tg_raven_discover,
};
