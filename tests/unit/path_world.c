#include "tests/unit/path_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/crc32c.h"
#include "drivers/registry.h"
#include "drivers/rethink/key.h"
#include "platform/clock.h"
#include "platform/crypto.h"
#include "platform/file.h"

static uint8_t memory[40 << 20];
static struct tg_world_sink *the_sink; /* ops have no other way to it */

#define MUST(condition)                                                                 \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                        \
		}                                                                       \
	} while (0)

static uint64_t mono_ms(void)
{
	return tg_clock_now().mono_ms;
}

static int make_folder(const char *path)
{
	return tg_file_make_folders(path, 0770);
}

static uint64_t no_jitter(void)
{
	return 0;
}

/* --- the sink --- */

static void sink_limits(const void *state, struct tg_sink_limits *out)
{
	(void)state;
	*out = the_sink->limits;
}

static int sink_deliver(void *state, const struct tg_delivery *delivery, const struct tg_now *now,
			struct tg_why *why)
{
	size_t used = strlen(the_sink->ranges);

	(void)state, (void)now, (void)why;
	the_sink->now = *delivery;
	snprintf(the_sink->ranges + used, sizeof(the_sink->ranges) - used, "%llu-%llu ",
		 (unsigned long long)delivery->first, (unsigned long long)delivery->last);
	return 0;
}

static void read_body(void)
{
	size_t used = 0;
	uint64_t measured;
	int got;

	MUST(tg_body_bytes(the_sink->now.body, &measured) == 0);
	/* 7 bytes at a time: every line is cut somewhere. */
	while ((got = tg_body_read(the_sink->now.body, (uint8_t *)the_sink->sent + used, 7)) > 0)
		used += (size_t)got;
	MUST(got == 0 && used == measured);
	the_sink->sent[used] = '\0';
}

static int sink_step(void *state, const struct tg_now *now, struct tg_outcome *outcome,
		     struct tg_why *why)
{
	char answer = the_sink->script != NULL && *the_sink->script != '\0' ? *the_sink->script++
									    : 'o';

	(void)state, (void)now, (void)outcome;
	read_body();
	if (the_sink->poison != NULL && strstr(the_sink->sent, the_sink->poison) != NULL)
		answer = 'b';
	if (answer == 'b')
		return tg_why_set(why, TG_ERR_BATCH, "refused with 422");
	if (answer == 'e')
		return tg_why_set(why, TG_ERR_TARGET, "answered 503");
	size_t taken = strlen(the_sink->taken);
	MUST(taken + strlen(the_sink->sent) < sizeof(the_sink->taken));
	memcpy(the_sink->taken + taken, the_sink->sent, strlen(the_sink->sent) + 1);
	return 0;
}

static int sink_frame(void *state, const struct tg_line *line, const struct tg_record *record,
		      struct tg_out *out)
{
	struct tg_view key;
	int err = tg_line_key(record, &key);

	(void)state;
	tg_out_byte(out, '<');
	tg_out_view(out, key);
	tg_out_byte(out, '=');
	if (err == 0 && record->op == TG_UPSERT)
		err = line->ops->shape(&line->columns, record, out);
	tg_out_byte(out, '>');
	return err;
}

static const struct tg_sink_ops sink_ops = {
	.type = "world",
	.frame = sink_frame,
	.limits = sink_limits,
	.deliver = sink_deliver,
	.step = sink_step,
	.acked = tg_sink_settled,
	.idle = tg_sink_settled,
	.finish = tg_sink_settled,
};

/* --- the world --- */

static void open_box(struct tg_path_world *world)
{
	struct tg_outbox_cfg cfg = { .path = world->folder,
				     .name = "world",
				     .bytes_max = 64 << 20,
				     .mono_ms = mono_ms,
				     .random = tg_random,
				     .binding = tg_file_binding,
				     .make_folder = make_folder };
	struct tg_arena arena;
	struct tg_why why;

	tg_crc32c_init();
	tg_arena_init(&arena, memory, sizeof(memory));
	MUST(tg_outbox_open(&world->box, &cfg, &arena, &why) == 0);
	the_sink = &world->sink;
	world->config = (struct tg_config_sink){ .name = "sink",
						 .ops = &sink_ops,
						 .streams = tg_view_of("*", 2),
						 .shape = TG_SHAPE_DOCUMENT };
	MUST(tg_forwarder_init(&world->fwd, &world->box, &world->config, &tg_drivers) == 0);
	world->fwd.random = no_jitter;
	tg_forwarder_flush(&world->fwd, true);
	tg_intake_init(&world->intake, &world->box, tg_drivers.sources[0], world->rules);
}

void tg_path_start(struct tg_path_world *world)
{
	memset(world, 0, sizeof(*world));
	world->stream = "r/d/t";
	world->sink.limits = (struct tg_sink_limits){ .batch_records_max = 8,
						      .batch_bytes_max = 1 << 20,
						      .in_flight_row = true,
						      .framing = TG_FRAMING_NDJSON };
	snprintf(world->folder, sizeof(world->folder), "/tmp/tidegate-path-XXXXXX");
	MUST(mkdtemp(world->folder) != NULL);
	open_box(world);
}

void tg_path_restart(struct tg_path_world *world)
{
	tg_outbox_close(&world->box);
	open_box(world);
}

void tg_path_stop(struct tg_path_world *world)
{
	char command[100];

	tg_outbox_close(&world->box);
	snprintf(command, sizeof(command), "rm -r %s", world->folder);
	MUST(system(command) == 0);
}

void tg_path_commit(struct tg_path_world *world)
{
	MUST(tg_outbox_commit(&world->box, mono_ms(), NULL) == 0);
}

unsigned tg_path_work(struct tg_path_world *world)
{
	unsigned commits = 0;
	int err;

	while ((err = tg_intake_go(&world->intake)) != 0) {
		MUST(err == TG_ERR_AGAIN || err == TG_ERR_FULL);
		if (err != TG_ERR_FULL)
			continue;
		tg_path_commit(world);
		commits++;
	}
	return commits;
}

/* FNV-1a: any hash that differs when the body does. */
static uint64_t hash_of(const char *text)
{
	uint64_t hash = 14695981039346656037u;

	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * 1099511628211u;
	return hash;
}

/* Of the body that is in its place; the key is the first member's value. */
static void make_row(struct tg_path_world *world, uint32_t at, uint32_t key_bytes, uint64_t hash)
{
	struct tg_record *row = &world->rows[at];
	const char *body = world->bodies[at];

	*row = (struct tg_record){ .op = TG_UPSERT,
				   .body = tg_view_str(body),
				   .body_bytes = strlen(body),
				   .key_at = 6,
				   .key_bytes = key_bytes,
				   .hash = hash };
	MUST(tg_rethink_key_encode(tg_view_of(body + 6, key_bytes), world->keys[at],
				   sizeof(world->keys[0]), &row->key) == 0);
}

void tg_path_row(struct tg_path_world *world, uint32_t at, uint32_t number, uint64_t hash)
{
	snprintf(world->bodies[at], sizeof(world->bodies[0]), "{\"id\":\"k%06u\"}", number);
	make_row(world, at, 9, hash);
}

static uint32_t make_rows(struct tg_path_world *world, const char *text)
{
	char copy[1024], *rest = copy, *word;
	uint32_t count = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strtok_r(rest, " ", &rest)) != NULL) {
		char *value = strchr(word, '=');
		char *body = world->bodies[count];

		*value++ = '\0';
		snprintf(body, sizeof(world->bodies[0]), "{\"id\":\"%s\",\"v\":%s}", word, value);
		make_row(world, count, (uint32_t)strlen(word) + 2, hash_of(body));
		world->rows[count].time_ms = 1000;
		count++;
	}
	return count;
}

static void begin(struct tg_path_world *world, uint8_t generation)
{
	struct tg_batch batch = { .kind = TG_BATCH_BEGIN };
	struct tg_view name = tg_view_str(world->stream);

	memset(batch.generation, generation, sizeof(batch.generation));
	MUST(tg_intake_begin(&world->intake, &batch, name, 5000) == 0);
	(void)tg_path_work(world);
	struct tg_stream_open *open = tg_intake_open(&world->intake);
	(void)tg_forwarder_adopt(&world->fwd, open->stream, name, tg_stream_row_holds(&open->row));
}

static void give(struct tg_path_world *world, const struct tg_batch *batch)
{
	tg_intake_take(&world->intake, batch, 5000);
	(void)tg_path_work(world);
}

void tg_path_pass(struct tg_path_world *world, const char *text, bool complete, uint8_t generation)
{
	uint32_t count = make_rows(world, text);
	struct tg_batch rows = { .kind = TG_BATCH_ROWS,
				 .flags = TG_BATCH_ORDERED | TG_BATCH_PASS_BEGIN,
				 .records = world->rows,
				 .count = count,
				 .bookmark = tg_view_str("mark") };
	struct tg_batch end = { .kind = TG_BATCH_END,
				.flags = complete ? TG_BATCH_ORDERED | TG_BATCH_COMPLETE : 0 };

	begin(world, generation);
	give(world, &rows);
	if (world->midway != NULL)
		world->midway(world);
	give(world, &end);
	tg_path_commit(world);
}

void tg_path_changes(struct tg_path_world *world, const char *text)
{
	struct tg_batch rows = { .kind = TG_BATCH_ROWS,
				 .records = world->rows,
				 .count = make_rows(world, text),
				 .bookmark = tg_view_str("later") };
	struct tg_batch end = { .kind = TG_BATCH_END, .flags = TG_BATCH_COMPLETE };

	begin(world, 1);
	give(world, &rows);
	give(world, &end);
	tg_path_commit(world);
}

void tg_path_deliver(struct tg_path_world *world)
{
	struct tg_now now = { .mono_ms = world->mono_ms, .wall_ms = 6000 };

	for (unsigned idle = 0, turns = 0; idle < 3; turns++) {
		MUST(turns < 2000);
		now.mono_ms = world->mono_ms += 120000; /* every pause is over */
		if (tg_forwarder_step(&world->fwd, &now, now.mono_ms, now.wall_ms))
			idle = 0;
		else
			idle++;
		if (tg_outbox_pending(&world->box))
			tg_path_commit(world);
		if (world->fwd.state_ == TG_FWD_PAUSED && turns > 1000)
			return; /* the target stays broken */
	}
}

const char *tg_path_arrived(struct tg_path_world *world)
{
	static char text[4096];
	char *line = world->sink.taken, *end;
	size_t used = 0;

	text[0] = '\0';
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		char key[64] = "", value[64] = "";
		*end = '\0';
		const char *at = strstr(line, "\"key\":\"");
		MUST(at != NULL && sscanf(at + 7, "%63[^\"]", key) == 1);
		bool deleted = strstr(line, "\"op\":\"delete\"") != NULL;
		at = strstr(line, ",\"v\":");
		MUST(deleted == (at == NULL));
		if (at != NULL)
			MUST(sscanf(at + 5, "%63[^}]", value) == 1);
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 deleted ? "-%s%s " : "%s=%s ", key, value);
	}
	world->sink.taken[0] = '\0';
	return text;
}
