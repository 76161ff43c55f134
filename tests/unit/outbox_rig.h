/* outbox_rig.h - an outbox in a fresh folder, filled and read by number: row N is {"id":N,...}.
 *
 * Included once by a test program, behind tests/check.h.
 */
#ifndef TG_TESTS_UNIT_OUTBOX_RIG_H
#define TG_TESTS_UNIT_OUTBOX_RIG_H

#include <unistd.h>

#include "app/crc32c.h"
#include "app/outbox/outbox.h"
#include "drivers/rethink/key.h"
#include "platform/clock.h"
#include "platform/crypto.h"
#include "platform/file.h"

static char folder[64];
static uint8_t memory[40 << 20];
static struct tg_arena arena;
static struct tg_outbox box;
static struct tg_why why;

static inline uint64_t mono_ms(void)
{
	return tg_clock_now().mono_ms;
}

static inline int make_folder(const char *path)
{
	return tg_file_make_folders(path, 0770);
}

static inline int try_open(uint64_t bytes_max)
{
	struct tg_outbox_cfg cfg = { .path = folder,
				     .name = "test",
				     .bytes_max = bytes_max,
				     .mono_ms = mono_ms,
				     .random = tg_random,
				     .binding = tg_file_binding,
				     .make_folder = make_folder };

	tg_crc32c_init();
	tg_arena_init(&arena, memory, sizeof(memory));
	return tg_outbox_open(&box, &cfg, &arena, &why);
}

static inline void open_box(uint64_t bytes_max)
{
	if (try_open(bytes_max) < 0)
		TG_FAIL("%s", why.text);
}

static inline void start(uint64_t bytes_max)
{
	snprintf(folder, sizeof(folder), "/tmp/tidegate-outbox-XXXXXX");
	TG_CHECK(mkdtemp(folder) != NULL);
	open_box(bytes_max);
}

static inline void finish(void)
{
	char command[128];

	tg_outbox_close(&box);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	TG_CHECK_INT(system(command), 0);
}

static inline struct tg_stream_open *stream(const char *name)
{
	struct tg_stream_open *open;

	TG_CHECK_INT(tg_outbox_stream_open(&box, tg_view_str(name), "rethinkdb", &open), 0);
	open->index.compare = tg_rethink_key_compare;
	return open;
}

/* As start(); the stream r/d/t is there, and all of it is for the sink in `slot`. */
static inline struct tg_stream_open *start_with_sink(uint64_t bytes_max, uint32_t *slot)
{
	start(bytes_max);
	struct tg_stream_open *open = stream("r/d/t");
	TG_CHECK_INT(tg_outbox_sink_open(&box, "files", "file", slot), 0);
	tg_outbox_sink_wants(&box, *slot, open->stream, 0);
	return open;
}

static inline void commit(void)
{
	if (tg_outbox_commit(&box, mono_ms(), &why) < 0)
		TG_FAIL("%s", why.text);
}

/* Appends `count` rows of about `bytes` each, committing as asked to. */
static inline void append(struct tg_stream_open *open, unsigned count, size_t bytes)
{
	static char body[200000];
	uint64_t seq;

	for (unsigned i = 0; i < count; i++) {
		int used = snprintf(body, sizeof(body), "{\"id\":%llu,\"pad\":\"",
				    (unsigned long long)open->stream->next_seq);
		while ((size_t)used + 2 < bytes)
			body[used++] = 'x';
		used += snprintf(body + used, 4, "\"}");
		struct tg_record record = { .op = TG_UPSERT,
					    .body = tg_view_of(body, (size_t)used),
					    .key_at = 6,
					    .key_bytes = 1 };
		if (!tg_outbox_has_room(&box, open, &record))
			commit();
		TG_CHECK_INT(tg_outbox_append(&box, open, &record, &seq), 0);
		if (tg_outbox_must_commit(&box))
			commit();
	}
}

/* Reads from `from` to the end; every sequence must follow the one before. */
static inline uint64_t read_all(struct tg_stream *from_stream, uint64_t from)
{
	struct tg_outbox_cursor cursor;
	struct tg_record record;
	uint64_t count = 0;
	int got;

	TG_CHECK_INT(tg_outbox_read_begin(&box, from_stream, from, &cursor), 0);
	while ((got = tg_outbox_read_next(&cursor, &record)) > 0) {
		char head[40];
		int used = snprintf(head, sizeof(head), "{\"id\":%llu,",
				    (unsigned long long)record.seq);
		TG_CHECK_INT(record.seq, from + count);
		TG_CHECK(memcmp(record.body.at, head, (size_t)used) == 0);
		count++;
	}
	TG_CHECK_INT(got, 0);
	tg_outbox_read_end(&cursor);
	return count;
}

#endif
