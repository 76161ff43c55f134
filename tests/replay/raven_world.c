#include "tests/replay/raven_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "drivers/json/json.h"
#include "drivers/json/scan.h"
#include "platform/assert.h"

enum { TURNS_MAX = 400000 };

static max_align_t arena_memory[TG_RAVEN_ARENA_BYTES / sizeof(max_align_t) + 64];
static max_align_t json_memory[2048];

/* --- what the agent knows --- */

struct tg_raven_world_stream *tg_raven_world_stream(struct tg_raven_world *world, const char *name)
{
	for (uint32_t i = 0; i < world->stream_count; i++)
		if (strcmp(world->streams[i].name, name) == 0)
			return &world->streams[i];
	TG_ASSERT(world->stream_count < TG_RAVEN_WORLD_STREAMS);
	struct tg_raven_world_stream *stream = &world->streams[world->stream_count++];
	snprintf(stream->name, sizeof(stream->name), "%s", name);
	return stream;
}

static uint64_t count_keys(const void *context)
{
	const struct tg_raven_world_stream *stream = context;

	TG_ASSERT(stream->counts);

	return stream->count;
}

static struct tg_raven_world_row *find(struct tg_raven_world_stream *stream, struct tg_key key)
{
	for (uint32_t i = 0; i < stream->count; i++)
		if (stream->rows[i].key_bytes == key.cmp_bytes &&
		    memcmp(stream->rows[i].key, key.bytes.at, key.cmp_bytes) == 0)
			return &stream->rows[i];
	return NULL;
}

static void take_upsert(struct tg_raven_world_stream *stream, const struct tg_record *record)
{
	struct tg_raven_world_row *row = find(stream, record->key);
	int64_t value = -1;

	stream->given++;
	if (row == NULL) {
		TG_ASSERT(stream->count < TG_RAVEN_WORLD_ROWS && record->key.cmp_bytes <= 96);
		row = &stream->rows[stream->count++];
		memcpy(row->key, record->key.bytes.at, record->key.cmp_bytes);
		row->key_bytes = record->key.cmp_bytes;
	}
	if (record->flags & TG_REC_OVERSIZE) {
		stream->oversize++;
		return;
	}
	TG_ASSERT(record->body.at[record->key_at] == '"');
	TG_ASSERT(tg_json_integer(tg_member_of(record->body, "v"), &value) == TG_OK);
	row->value = (uint32_t)value;
}

static void take_delete(struct tg_raven_world_stream *stream, const struct tg_record *record)
{
	struct tg_raven_world_row *row = find(stream, record->key);

	if (row == NULL)
		return;
	stream->deletes++;
	*row = stream->rows[--stream->count];
}

static void take_seen(struct tg_raven_world *world, const struct tg_record *record)
{
	struct tg_raven_world_row *row = find(world->open, record->key);
	struct tg_key last = { tg_view_of(world->last, world->last_bytes), world->last_bytes };

	TG_ASSERT(world->last_bytes == 0 || tg_raven_source.key_compare(last, record->key) < 0);
	memcpy(world->last, record->key.bytes.at, record->key.cmp_bytes);
	world->last_bytes = record->key.cmp_bytes;
	world->open->seen++;
	if (row != NULL)
		row->seen = true;
}

static void keep_bookmark(struct tg_raven_world_stream *stream, const struct tg_batch *batch)
{
	if (batch->bookmark.bytes == 0)
		return;
	TG_ASSERT(batch->bookmark.bytes <= sizeof(stream->bookmark));
	memcpy(stream->bookmark, batch->bookmark.at, batch->bookmark.bytes);
	stream->bookmark_bytes = batch->bookmark.bytes;
}

static void take_rows(struct tg_raven_world *world, const struct tg_batch *batch)
{
	if (batch->flags & TG_BATCH_PASS_BEGIN && batch->flags & TG_BATCH_ORDERED) {
		world->last_bytes = 0;
		for (uint32_t i = 0; i < world->open->count; i++)
			world->open->rows[i].seen = false;
	}
	for (uint32_t i = 0; i < batch->count; i++) {
		const struct tg_record *record = &batch->records[i];
		if (record->op == TG_DELETE)
			take_delete(world->open, record);
		else if (record->flags & TG_REC_SEEN)
			take_seen(world, record);
		else
			take_upsert(world->open, record);
	}
	if ((batch->flags & TG_BATCH_PASS_BEGIN) &&
	    (batch->count == 0 || !(batch->records[0].flags & TG_REC_SEEN))) {
		world->open->pass_begun = true;
		world->open->lost = false;
	}
	keep_bookmark(world->open, batch);
}

static void take_end(struct tg_raven_world *world, const struct tg_batch *batch)
{
	struct tg_raven_world_stream *stream = world->open;

	if (stream == NULL) { /* it could not even begin */
		char name[64];
		snprintf(name, sizeof(name), "%.*s", (int)batch->name.bytes,
			 (const char *)batch->name.at);
		stream = tg_raven_world_stream(world, name);
	}
	if (batch->flags & TG_BATCH_AGAIN) {
		TG_ASSERT(batch->flags == (TG_BATCH_AGAIN | TG_BATCH_LAST) && world->open != NULL);
		TG_ASSERT(batch->bookmark.bytes == 0);
		stream->again++;
		world->open = NULL;
		return;
	}
	stream->ends++;
	stream->complete = (batch->flags & TG_BATCH_COMPLETE) != 0;
	stream->ordered = (batch->flags & TG_BATCH_ORDERED) != 0;
	stream->why = batch->why != NULL ? batch->why->err : TG_OK;
	if (stream->complete && stream->ordered) {
		for (uint32_t i = 0; i < stream->count;) {
			if (stream->rows[i].seen) {
				i++;
				continue;
			}
			stream->rows[i] = stream->rows[--stream->count];
			stream->swept++;
		}
		stream->wanted = stream->lost;
		stream->pass_begun = false;
	}
	keep_bookmark(stream, batch);
	world->open = NULL;
}

static bool is_there(const struct tg_raven_world *world, const char *name)
{
	for (uint32_t i = 0; i < world->stream_count; i++)
		if (strcmp(world->streams[i].name, name) == 0)
			return world->streams[i].begins > 0;
	return false;
}

static void take_begin(struct tg_raven_world *world, const struct tg_batch *batch)
{
	struct tg_stream_state none = { .stream = TG_STREAM_NONE };
	bool same = (batch->flags & TG_BATCH_SAME) != 0;
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)batch->name.bytes, (const char *)batch->name.at);
	if (same && !is_there(world, name)) {
		TG_ASSERT(tg_raven_source.begin(&world->source, &none) == TG_OK);
		return;
	}
	struct tg_raven_world_stream *stream = tg_raven_world_stream(world, name);
	bool rebuilt = stream->begins > 0 && !same &&
		       memcmp(stream->generation, batch->generation, TG_GENERATION_BYTES) != 0;
	struct tg_stream_state state = { .stream = (uint32_t)(stream - world->streams),
					 .bookmark = tg_view_of(stream->bookmark,
								stream->bookmark_bytes),
					 .generation = stream->generation,
					 .full_pass_wanted = stream->wanted,
					 .full_pass_begun = stream->pass_begun && !stream->lost,
					 .rebuilt = rebuilt,
					 .keys = count_keys,
					 .keys_context = stream };
	if (rebuilt)
		state.bookmark.bytes = 0;
	if (!same)
		memcpy(stream->generation, batch->generation, TG_GENERATION_BYTES);
	stream->begins++;
	world->open = stream;
	stream->counts = true;
	TG_ASSERT(tg_raven_source.begin(&world->source, &state) == TG_OK);
}

/* True at the end of the round. */
static bool take(struct tg_raven_world *world, const struct tg_batch *batch)
{
	if (batch->kind == TG_BATCH_BEGIN)
		take_begin(world, batch);
	else if (batch->kind == TG_BATCH_ROWS)
		take_rows(world, batch);
	else if (batch->kind == TG_BATCH_END)
		take_end(world, batch);
	if (batch->kind == TG_BATCH_ROWS && world->open != NULL)
		world->open->counts = (batch->flags & TG_BATCH_COUNT) != 0;
	world->batches += batch->kind != TG_BATCH_NONE;
	if (batch->kind != TG_BATCH_NONE && world->midway != NULL)
		world->midway(world, batch);
	return batch->kind == TG_BATCH_DONE;
}

/* --- running --- */

struct known {
	const struct tg_raven_world *world;
	uint32_t at;
};

/* A stream that did not begin is none. */
static bool next_known(void *context, struct tg_view *name)
{
	struct known *known = context;
	const struct tg_raven_world *world = known->world;

	while (known->at < world->stream_count && world->streams[known->at].begins == 0)
		known->at++;
	if (known->at == world->stream_count)
		return false;
	*name = tg_view_str(world->streams[known->at++].name);
	return true;
}

int tg_raven_world_run(struct tg_raven_world *world)
{
	struct known store = { .world = world };
	struct tg_known known = { &store, next_known };
	struct tg_source_start with = { &world->arena, &world->now, &known };
	int rc = tg_raven_source.start(&world->source, &with, &world->why);
	bool done = false;

	world->open = NULL;
	world->crash = false;
	for (unsigned turn = 0; rc == TG_OK && !done && !world->crash; turn++) {
		struct tg_batch batch = { .kind = TG_BATCH_NONE };
		TG_ASSERT(turn < TURNS_MAX);
		world->now.mono_ms++;
		world->now.wall_ms++;
		rc = tg_raven_source.step(&world->source, &world->now, &batch, &world->why);
		if (rc == TG_OK)
			done = take(world, &batch);
		for (unsigned i = 0; i < 2; i++)
			if (world->peers[i] != NULL)
				(void)tg_raven_peer_step(world->peers[i]);
	}
	tg_raven_source.stop(&world->source, &world->now);
	world->now.mono_ms += 60000; /* every pause is over */
	return world->crash ? TG_ERR_STOPPED : rc;
}

static void configure(struct tg_raven_world *world, const char *config)
{
	static struct tg_problems problems;
	char text[1024], second[64] = "";
	struct tg_arena json;
	const struct tg_json *root = NULL;

	memset(&problems, 0, sizeof(problems));
	memset(&world->source, 0, sizeof(world->source));
	if (world->peers[1] != NULL)
		snprintf(second, sizeof(second), ",http://127.0.0.1:%u", world->peers[1]->port);
	snprintf(text, sizeof(text),
		 "{\"type\":\"ravendb\",\"ravendb_urls\":\"http://127.0.0.1:%u%s\","
		 "\"database_name\":\"seed\"%s}",
		 world->peers[0]->port, second, config);
	tg_arena_init(&json, json_memory, sizeof(json_memory));
	TG_ASSERT(tg_json_parse(tg_view_str(text), &json, &root, &world->why) == TG_OK);
	tg_raven_source.configure(&world->source, root, &problems);
	if (problems.count > 0)
		fprintf(stderr, "%s\n", problems.text[0]);
	TG_ASSERT(problems.count == 0);
	tg_arena_init(&world->arena, arena_memory, sizeof(arena_memory));
}

void tg_raven_world_start(struct tg_raven_world *world, struct tg_raven_peer *first,
			  struct tg_raven_peer *second, const char *config)
{
	memset(world, 0, sizeof(*world));
	world->peers[0] = first;
	world->peers[1] = second;
	world->now = (struct tg_now){ .mono_ms = 1000, .wall_ms = 1760000000000 };
	configure(world, config);
}

void tg_raven_world_restart(struct tg_raven_world *world, const char *config)
{
	configure(world, config);
}

bool tg_raven_world_equal(struct tg_raven_world *world, const struct tg_raven_peer *peer,
			  const char *collection)
{
	char name[64];
	uint8_t key[TG_KEY_BYTES_MAX];
	uint32_t expected = 0;

	snprintf(name, sizeof(name), "seed/%s", collection);
	struct tg_raven_world_stream *stream = tg_raven_world_stream(world, name);
	for (uint32_t i = 0; i < peer->doc_count; i++) {
		const struct tg_raven_peer_doc *doc = &peer->docs[i];
		char json[64];
		struct tg_key encoded;
		if (strcasecmp(doc->collection, collection) != 0 || doc->more[0] != '\0')
			continue;
		expected++;
		snprintf(json, sizeof(json), "\"%s\"", doc->id);
		TG_ASSERT(tg_raven_source.key_encode(tg_view_str(json), key, sizeof(key),
						     &encoded) == TG_OK);
		struct tg_raven_world_row *row = find(stream, encoded);
		if (row == NULL || row->value != doc->value) {
			fprintf(stderr, "%s %s: %s, %u there\n", name, doc->id,
				row == NULL ? "missing" : "other", doc->value);
			return false;
		}
	}
	if (stream->count != expected)
		fprintf(stderr, "%s: %u rows, %u there\n", name, stream->count, expected);
	return stream->count == expected;
}
