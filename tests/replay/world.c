#include "tests/replay/world.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "drivers/json/json.h"
#include "drivers/rethink/rethink.h"
#include "platform/assert.h"

enum { TURNS_MAX = 2000000, RUNS_MAX = 1000 };

static max_align_t arena_memory[TG_RETHINK_ARENA_BYTES / sizeof(max_align_t) + 64];
static max_align_t json_memory[2048];

/* --- the peer's database --- */

uint32_t tg_world_given(const struct tg_world *world)
{
	return world->given;
}

static struct tg_world_cursor *cursor_of(struct tg_world *world, uint64_t token)
{
	for (unsigned i = 0; i < 2; i++)
		if (world->cursors[i].token == token)
			return &world->cursors[i];
	return NULL;
}

void tg_world_batch(struct tg_world *world, uint64_t token)
{
	static char body[1 << 20];
	struct tg_world_cursor *cursor = cursor_of(world, token);
	size_t used = 0;

	TG_ASSERT(cursor != NULL);
	uint32_t left = cursor->to - cursor->from;
	bool last = left <= world->batch;
	uint32_t count = last ? left : world->batch;
	used += (size_t)sprintf(body, "{\"t\":%d,\"r\":[", last ? 2 : 3);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t id = cursor->back ? --cursor->to : cursor->from++;
		used += (size_t)sprintf(body + used,
					"%s{\"id\":%u,\"updated_at\":%u,\"v\":\"x%u\"}",
					i == 0 ? "" : ",", id, 1760000000 + id, id);
	}
	sprintf(body + used, "],\"n\":[]}");
	world->given += count;
	if (last)
		cursor->token = 0;
	tg_peer_say(&world->peer, token, body);
}

static void say_info(struct tg_peer *peer, uint64_t token, const char *query)
{
	char body[512];
	const char *name = strstr(query, "\"t");

	TG_ASSERT(name != NULL);
	snprintf(body, sizeof(body),
		 "{\"t\":1,\"r\":[{\"doc_count_estimates\":[10],\"id\":"
		 "\"00000000-0000-4000-8000-00000000000%c\",\"indexes\":[],\"name\":\"x\","
		 "\"primary_key\":\"id\",\"type\":\"TABLE\"}]}",
		 name[2]);
	tg_peer_say(peer, token, body);
}

/* Behind the table's name lie the range's bounds, numbers or MINVAL and MAXVAL. */
static void start_cursor(struct tg_world *world, uint64_t token, const char *query)
{
	bool back = strstr(query, "[74,[") != NULL;
	struct tg_world_cursor *cursor = &world->cursors[back];
	const char *at = strstr(query, "]],\"t");

	TG_ASSERT(at != NULL);
	at = strstr(at + 3, "\"]],");
	TG_ASSERT(at != NULL);
	at += 4;
	*cursor = (struct tg_world_cursor){ .token = token, .to = world->rows, .back = back };
	if (*at != '[')
		cursor->from = (uint32_t)strtol(at, NULL, 10) + 1;
	at = *at == '[' ? strstr(at, "]],") + 3 : strchr(at, ',') + 1;
	if (*at != '[')
		cursor->to = (uint32_t)strtol(at, NULL, 10);
	if (!back)
		world->cursors[1].token = 0; /* it may be an older connection's */
	if (cursor->from == 0 && !back)
		world->given = 0;
	world->backs += back;
	tg_world_batch(world, token);
}

/* Behind a cursor's end there is nothing to go on with (reference/rethinkdb.md 2.4). */
static void go_on(struct tg_world *world, uint64_t token)
{
	if (cursor_of(world, token) != NULL) {
		world->continues++;
		tg_world_batch(world, token);
		return;
	}
	world->refused++;
	tg_peer_say(&world->peer, token,
		    "{\"t\":16,\"r\":[\"Token not in stream cache.\"],\"b\":[]}");
}

static void answer_start(struct tg_world *world, uint64_t token, const char *query)
{
	struct tg_peer *peer = &world->peer;

	world->starts++;
	snprintf(world->last_query, sizeof(world->last_query), "%s", query);
	if (strncmp(query, "[1,[62,", 7) == 0)
		tg_peer_say(peer, token, "{\"t\":1,\"r\":[[\"t0\",\"t1\",\"t2\"]]}");
	else if (strncmp(query, "[1,[79,", 7) == 0 || strncmp(query, "[1,[175,", 8) == 0)
		say_info(peer, token, query);
	else if (strncmp(query, "[1,[177,", 8) == 0)
		tg_peer_say(peer, token, "{\"t\":1,\"r\":[{\"ready\":1}]}");
	else if (strncmp(query, "[1,[139,", 8) == 0)
		tg_peer_say(peer, token, "{\"t\":1,\"r\":[[]]}");
	else if (strncmp(query, "[1,[103,", 8) == 0)
		tg_peer_say(peer, token,
			    "{\"t\":1,\"r\":[{\"$reql_type$\":\"TIME\",\"epoch_time\":1760001000.5,"
			    "\"timezone\":\"+00:00\"}]}");
	else if (strstr(query, "[71,[") != NULL)
		tg_peer_say(peer, token, "{\"t\":2,\"r\":[{\"updated_at\":1760000000}],\"n\":[]}");
	else
		start_cursor(world, token, query);
}

static void answer(struct tg_peer *peer, uint64_t token, const char *query)
{
	struct tg_world *world = peer->context;

	if (world->hook != NULL && world->hook(world, token, query))
		return;
	if (strcmp(query, "[5]") == 0) {
		world->pings++;
		tg_peer_say(peer, token, "{\"t\":5,\"r\":[{\"id\":\"x\",\"name\":\"y\"}]}");
	} else if (strcmp(query, "[2]") == 0) {
		go_on(world, token);
	} else if (strcmp(query, "[3]") == 0) {
		world->stops++;
		tg_peer_say(peer, token, "{\"t\":2,\"r\":[],\"n\":[]}");
	} else {
		answer_start(world, token, query);
	}
}

/* --- the agent's part --- */

struct tg_world_stream *tg_world_stream(struct tg_world *world, const char *name)
{
	for (uint32_t i = 0; i < world->stream_count; i++)
		if (strcmp(world->streams[i].name, name) == 0)
			return &world->streams[i];
	TG_ASSERT(world->stream_count < TG_WORLD_TABLES);
	struct tg_world_stream *stream = &world->streams[world->stream_count++];
	snprintf(stream->name, sizeof(stream->name), "%s", name);
	return stream;
}

static struct tg_world_stream *stream_of(struct tg_world *world, struct tg_view name)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)name.bytes, (const char *)name.at);
	return tg_world_stream(world, text);
}

static void keep_bookmark(struct tg_world_stream *stream, struct tg_view bookmark)
{
	if (bookmark.bytes == 0)
		return;
	TG_ASSERT(bookmark.bytes <= sizeof(stream->bookmark));
	memcpy(stream->bookmark, bookmark.at, bookmark.bytes);
	stream->bookmark_bytes = bookmark.bytes;
}

static void begin(struct tg_world *world, const struct tg_batch *batch)
{
	struct tg_world_stream *stream = stream_of(world, batch->name);
	struct tg_stream_state state = {
		.stream = (uint32_t)(stream - world->streams),
		.bookmark = tg_view_of(stream->bookmark, stream->bookmark_bytes),
		.full_pass_wanted = world->full_pass_wanted,
	};

	stream->begins++;
	stream->flags = 0;
	memcpy(stream->generation, batch->generation, sizeof(stream->generation));
	int rc = tg_rethink_source.begin(&world->source, &state);
	TG_ASSERT(rc == TG_OK);
}

static long id_of_key(struct tg_key key)
{
	char json[TG_KEY_JSON_BYTES_MAX] = "";
	struct tg_out out = { .at = (uint8_t *)json, .cap = sizeof(json) - 1 };

	if (key.bytes.bytes == 0)
		return TG_WORLD_ROWS_MAX;
	int rc = tg_rethink_source.key_json(key.bytes, &out);
	TG_ASSERT(rc == TG_OK);
	return strtol(json, NULL, 10);
}

/* What source.h promises of an ORDERED batch: it lies behind all that was read from the begin, and
 * before all that was read from the end. */
static void check_place(struct tg_world_stream *stream, const struct tg_batch *batch)
{
	bool back = (batch->flags & TG_BATCH_BACK) != 0;

	if (batch->flags & TG_BATCH_PASS_BEGIN) {
		stream->front = -1;
		stream->back = TG_WORLD_ROWS_MAX;
	}
	long last = stream->front, first = id_of_key(batch->records[0].key);
	TG_ASSERT(!back || id_of_key(batch->before) == stream->back);
	for (uint32_t i = 0; i < batch->count; i++) {
		long id = id_of_key(batch->records[i].key);
		TG_ASSERT(id > last && id < stream->back);
		last = id;
	}
	if (back)
		stream->back = first;
	else
		stream->front = last;
	stream->back_rows += back ? batch->count : 0;
}

static void take_rows(struct tg_world *world, const struct tg_batch *batch)
{
	struct tg_world_stream *stream = &world->streams[batch->stream];

	stream->flags |= batch->flags;
	stream->pass_begins += (batch->flags & TG_BATCH_PASS_BEGIN) != 0;
	if (batch->flags & TG_BATCH_ORDERED)
		check_place(stream, batch);
	for (uint32_t i = 0; i < batch->count; i++) {
		const struct tg_record *record = &batch->records[i];
		long id = id_of_key(record->key);
		TG_ASSERT(id >= 0 && id < TG_WORLD_ROWS_MAX);
		stream->seen[id]++;
		stream->rows++;
		if (record->flags & TG_REC_OVERSIZE)
			stream->oversize_bytes = record->body_bytes;
	}
	keep_bookmark(stream, batch->bookmark);
}

static void take_end(struct tg_world *world, const struct tg_batch *batch)
{
	struct tg_world_stream *stream = stream_of(world, batch->name);

	stream->ends++;
	stream->flags |= batch->flags;
	stream->pass_begins += (batch->flags & TG_BATCH_PASS_BEGIN) != 0;
	stream->complete = (batch->flags & TG_BATCH_COMPLETE) != 0;
	stream->why = batch->why == NULL ? TG_OK : batch->why->err;
	TG_ASSERT(stream->complete == (batch->why == NULL));
	if (stream->complete && (batch->flags & TG_BATCH_ORDERED) && stream->rows > 0)
		TG_ASSERT(id_of_key(batch->before) == stream->back);
	keep_bookmark(stream, batch->bookmark);
}

static bool take(struct tg_world *world, const struct tg_batch *batch)
{
	if (batch->kind == TG_BATCH_BEGIN)
		begin(world, batch);
	else if (batch->kind == TG_BATCH_ROWS)
		take_rows(world, batch);
	else if (batch->kind == TG_BATCH_END)
		take_end(world, batch);
	return batch->kind == TG_BATCH_DONE;
}

int tg_world_run(struct tg_world *world)
{
	struct tg_source_start with = { &world->arena, &world->now, NULL };
	int rc = tg_rethink_source.start(&world->source, &with, &world->why);

	for (unsigned turn = 0; rc == TG_OK && turn < TURNS_MAX; turn++) {
		struct tg_batch batch = { .kind = TG_BATCH_NONE };
		world->now.mono_ms += world->turn_ms;
		world->now.wall_ms += (int64_t)world->turn_ms;
		rc = tg_rethink_source.step(&world->source, &world->now, &batch, &world->why);
		if (rc == TG_OK && take(world, &batch))
			break;
		if (!tg_peer_step(&world->peer) && batch.kind == TG_BATCH_NONE)
			poll(NULL, 0, 0);
	}
	tg_rethink_source.stop(&world->source, &world->now);
	return rc;
}

unsigned tg_world_finish(struct tg_world *world)
{
	unsigned runs = 1;

	while (tg_world_run(world) != TG_OK) {
		TG_ASSERT(runs < RUNS_MAX);
		runs++;
	}
	return runs;
}

void tg_world_start(struct tg_world *world, const char *config)
{
	static struct tg_problems problems;
	char text[1024];
	struct tg_arena json;
	const struct tg_json *root = NULL;

	memset(world, 0, sizeof(*world));
	memset(&problems, 0, sizeof(problems));
	tg_peer_start(&world->peer, answer, world);
	world->rows = 1000;
	world->batch = 100;
	world->now = (struct tg_now){ .mono_ms = 1000, .wall_ms = 1760000000000 };
	snprintf(text, sizeof(text),
		 "{\"host\":\"127.0.0.1\",\"port\":%u,\"database\":\"plant\",\"username\":\"%s\","
		 "\"password\":\"%s\"%s%s}",
		 world->peer.port, TG_PEER_USER, TG_PEER_PASSWORD, config[0] == '\0' ? "" : ",",
		 config);
	tg_arena_init(&json, json_memory, sizeof(json_memory));
	int rc = tg_json_parse(tg_view_str(text), &json, &root, &world->why);
	TG_ASSERT(rc == TG_OK);
	tg_rethink_source.configure(&world->source, root, &problems);
	TG_ASSERT(problems.count == 0);
	tg_arena_init(&world->arena, arena_memory, sizeof(arena_memory));
}

void tg_world_stop(struct tg_world *world)
{
	tg_peer_stop(&world->peer);
}
