/* A store damaged at rest: what is found, what is said of it, and what can still be read. */
#include "tests/check.h"

#include <signal.h>
#include <sys/wait.h>

#include "app/outbox/repair.h"
#include "app/outbox/store.h"
#include "tests/unit/outbox_rig.h"

static void damage(const char *how)
{
	char command[300];

	snprintf(command, sizeof(command), "cd %s && %s", folder, how);
	TG_CHECK_INT(system(command), 0);
}

/* 2,000 records, of which 500 are delivered. */
static void half_delivered(void)
{
	uint32_t slot;
	struct tg_stream_open *open = start_with_sink(16 << 20, &slot);

	append(open, 2000, 330);
	commit();
	tg_outbox_ack(&box, slot, open->stream, 500);
	commit();
}

static uint64_t salvage_after(const char *how)
{
	half_delivered();
	char before[TG_INSTANCE_BYTES_MAX];
	memcpy(before, box.instance_, sizeof(before));
	tg_outbox_close(&box);
	damage(how);
	damage("echo process 1 > holder"); /* as a crash leaves it: everything is checked */
	open_box(16 << 20);
	TG_CHECK(tg_outbox_salvaged(&box));
	TG_CHECK(strcmp(before, box.instance_) != 0);
	damage("test -f data.mdb.salvaging");
	TG_CHECK_INT(tg_outbox_salvage_end(&box), 0);
	damage("test -f data.mdb.damaged-1 && ! test -e data.mdb.salvaging");
	uint64_t left = 0;
	if (tg_outbox_stream_count(&box) == 1)
		left = tg_outbox_stream_at(&box, 0)->durable_next - 1;
	finish();
	return left;
}

TG_TEST(outbox_salvages_what_a_flipped_bit_left)
{
	uint64_t left = salvage_after(
		"printf X | dd of=data.mdb bs=1 seek=400000 conv=notrunc 2>/dev/null");

	TG_CHECK(left >= 1499 && left <= 1500);
}

TG_TEST(outbox_salvages_what_lost_metas_left)
{
	TG_CHECK_INT(
		salvage_after(
			"dd if=/dev/zero of=data.mdb bs=4096 count=2 conv=notrunc 2>/dev/null"),
		1500);
}

static void finds(const char *how, const char *what)
{
	struct tg_check_counts found;

	start(16 << 20);
	append(stream("r/d/t"), 100, 330);
	commit();
	tg_outbox_close(&box);
	damage(how);
	TG_CHECK_INT(tg_store_check(folder, true, &found), TG_ERR_DAMAGED);
	TG_CHECK_STR(found.what, what);
	TG_CHECK(found.damaged > 0);
	open_box(16 << 20);
	finish();
}

/* Deletes the `which`-th block of the first stream; returns its first sequence, and in `next` the
 * one behind it. */
static uint64_t lose_block(unsigned which, uint64_t *next)
{
	struct tg_store_walk walk;
	MDB_txn *txn;

	TG_CHECK_INT(tg_store_write_begin(&box, &txn), 0);
	TG_CHECK_INT(tg_store_walk_begin(&box, txn, 'B', &walk), 0);
	for (unsigned i = 0; i < which; i++)
		TG_CHECK_INT(tg_store_walk_next(&walk), 1);
	uint64_t first = tg_load_be64(walk.key.at + 5);
	TG_CHECK_INT(tg_store_drop_at(walk.cursor), 0);
	walk.started = false;
	struct tg_store_key key = tg_key_block(1, first);
	walk.from = tg_view_of(key.at, key.bytes);
	*next = tg_store_walk_next(&walk) > 0 ? tg_load_be64(walk.key.at + 5) : 0;
	tg_store_walk_end(&walk);
	TG_CHECK_INT(tg_store_err(mdb_txn_commit(txn)), 0);
	return first;
}

TG_TEST(outbox_counts_a_gap_as_lost)
{
	struct tg_check_counts found;
	struct tg_outbox_cursor cursor;
	struct tg_record record;
	uint64_t next, seq = 0;
	int got;

	start(16 << 20);
	struct tg_stream_open *open = stream("r/d/t");
	append(open, 500, 330);
	commit();
	if (tg_store_check(folder, true, &found) != 0)
		TG_FAIL("%s", found.what);
	uint64_t first = lose_block(3, &next);
	TG_CHECK(next > first);
	TG_CHECK_INT(tg_outbox_read_begin(&box, open->stream, 1, &cursor), 0);
	while ((got = tg_outbox_read_next(&cursor, &record)) > 0)
		TG_CHECK_INT(record.seq, ++seq);
	TG_CHECK_INT(got, TG_ERR_DAMAGED);
	TG_CHECK_INT(seq, first - 1);
	TG_CHECK_INT(cursor.next, next);
	seq = next - 1;
	while ((got = tg_outbox_read_next(&cursor, &record)) > 0)
		TG_CHECK_INT(record.seq, ++seq);
	TG_CHECK_INT(got, 0);
	TG_CHECK_INT(seq, 500);
	tg_outbox_read_end(&cursor);
	TG_CHECK_INT(tg_store_check(folder, true, &found), TG_ERR_DAMAGED);
	finish();
}

TG_TEST(outbox_finds_that_a_streams_end_is_missing)
{
	struct tg_check_counts found;
	uint64_t next = 1;

	start(16 << 20);
	append(stream("r/d/t"), 500, 330);
	commit();
	while (next != 0)
		(void)lose_block(5, &next);
	TG_CHECK_INT(tg_store_check(folder, false, &found), TG_ERR_DAMAGED);
	finish();
}

/* Goal: a store is whole at every commit, also while a block with large bodies is half delivered:
 * their chunks are gone before it is. A chunk that a sink still waits for is missed.
 * Method: a whole check, as after a crash, behind each acknowledgement. */
TG_TEST(outbox_does_not_miss_large_bodies_that_were_delivered)
{
	enum { LARGE_BYTES = 70000 < CONFIG_TG_DOC_BYTES_MAX ? 70000 : CONFIG_TG_DOC_BYTES_MAX };
	struct tg_check_counts found;
	struct tg_store_key chunk;
	uint32_t slot;
	MDB_txn *txn;
	struct tg_stream_open *open = start_with_sink(16 << 20, &slot);

	for (unsigned i = 0; i < 10; i++)
		append(open, 1, i % 2 == 0 ? LARGE_BYTES : 100);
	commit();
	for (uint64_t last = 0; last < 9; last++) {
		tg_outbox_ack(&box, slot, open->stream, last);
		commit();
		TG_CHECK_INT(open->stream->first_block, 1);
		TG_CHECK_INT(tg_store_check(folder, true, &found), 0);
		TG_CHECK_INT(found.large, 5 - (last + 1) / 2);
	}
	append(open, 1, LARGE_BYTES);
	commit();
	chunk = tg_key_chunk(open->stream->number, 11, 0);
	TG_CHECK_INT(tg_store_write_begin(&box, &txn), 0);
	TG_CHECK_INT(tg_store_drop(&box, txn, &chunk), 0);
	TG_CHECK_INT(mdb_txn_commit(txn), 0);
	TG_CHECK_INT(tg_store_check(folder, true, &found), TG_ERR_DAMAGED);
	finish();
}

TG_TEST(outbox_says_where_the_damage_lies)
{
	finds("dd if=/dev/zero of=data.mdb bs=4096 count=2 conv=notrunc 2>/dev/null",
	      "no valid meta page");
	finds("truncate -s 16384 data.mdb", "a file shorter than its pages");
	finds("head -c 9000 /dev/zero > data.mdb", "no valid meta page");
}

TG_TEST(outbox_salvages_what_a_cut_file_left)
{
	uint64_t left = salvage_after("truncate -s 400000 data.mdb");

	TG_CHECK(left < 1500);
}

TG_TEST(outbox_starts_over_from_a_file_of_noise)
{
	TG_CHECK_INT(salvage_after("head -c 300000 /dev/urandom > data.mdb"), 0);
}

/* --- a salvage that is cut off --- */

/* Half delivered, without its metas. */
static void make_damaged(void)
{
	half_delivered();
	tg_outbox_close(&box);
	damage("dd if=/dev/zero of=data.mdb bs=4096 count=2 conv=notrunc 2>/dev/null");
}

/* All of it is there once, and this start is the one that hands it on. */
static void holds_all(void)
{
	TG_CHECK(tg_outbox_salvaged(&box));
	TG_CHECK_INT(tg_outbox_stream_count(&box), 1);
	TG_CHECK_INT(tg_outbox_stream_at(&box, 0)->durable_next, 1501);
}

TG_TEST(outbox_salvages_again_until_the_sinks_have_taken_over)
{
	make_damaged();
	open_box(16 << 20);
	holds_all();
	tg_outbox_close(&box); /* nothing said that the sinks know */
	open_box(16 << 20);
	holds_all();
	tg_outbox_close(&box);
	damage("rm data.mdb"); /* the new file's name was not durable yet */
	open_box(16 << 20);
	holds_all();
	TG_CHECK_INT(tg_outbox_salvage_end(&box), 0);
	damage("test -f data.mdb.damaged-1 && ! test -e data.mdb.salvaging");
	tg_outbox_close(&box);
	open_box(16 << 20);
	TG_CHECK(!tg_outbox_salvaged(&box));
	TG_CHECK_INT(tg_outbox_stream_at(&box, 0)->durable_next, 1501);
	finish();
}

TG_TEST(outbox_names_the_damaged_file_when_only_that_was_left_to_do)
{
	make_damaged();
	open_box(16 << 20);
	TG_CHECK_INT(tg_outbox_salvage_end(&box), 0);
	tg_outbox_close(&box);
	damage("mv data.mdb.damaged-1 data.mdb.salvaging");
	open_box(16 << 20);
	TG_CHECK(!tg_outbox_salvaged(&box));
	TG_CHECK_INT(tg_outbox_stream_at(&box, 0)->durable_next, 1501);
	damage("test -f data.mdb.damaged-1 && ! test -e data.mdb.salvaging");
	finish();
}

/* Goal: wherever a kill falls, the next start saves what the first one would have.
 * Method: a child opens the damaged store and is killed some time later. */
TG_TEST(outbox_salvage_outlives_kills)
{
	unsigned unfinished = 0;

	make_damaged();
	for (unsigned i = 0; i < 40; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			open_box(16 << 20);
			_exit(0);
		}
		(void)usleep(i * 700);
		TG_CHECK_INT(kill(pid, SIGKILL), 0);
		int status;
		TG_CHECK_INT(waitpid(pid, &status, 0), pid);
		unfinished += WIFSIGNALED(status);
	}
	TG_CHECK(unfinished > 5);
	open_box(16 << 20);
	holds_all();
	finish();
}

/* --- what does not lie in blocks --- */

enum { LARGE_BYTES = 60000 };

/* Large bodies, one of them damaged, between small ones; a sink that took the first three. */
TG_TEST(outbox_salvages_large_bodies)
{
	struct tg_outbox_cursor cursor;
	struct tg_record record;
	uint64_t large = 0, bytes;
	uint32_t slot;
	int got;

	struct tg_stream_open *open = start_with_sink(32 << 20, &slot);
	for (unsigned i = 0; i < 40; i++) {
		append(open, 1, LARGE_BYTES);
		append(open, 2, 100);
	}
	commit();
	tg_outbox_ack(&box, slot, open->stream, 3);
	commit();
	tg_outbox_close(&box);
	damage("dd if=/dev/zero of=data.mdb bs=4096 count=2 conv=notrunc 2>/dev/null");
	open_box(32 << 20);
	struct tg_stream *left = tg_outbox_stream_at(&box, 0);
	TG_CHECK_INT(left->durable_next - 1, 117);
	TG_CHECK_INT(tg_outbox_read_begin(&box, left, 1, &cursor), 0);
	while ((got = tg_outbox_read_next(&cursor, &record)) > 0) {
		int was = sscanf((const char *)record.body.at, "{\"id\":%" SCNu64, &bytes);
		TG_CHECK(was == 1 && bytes == record.seq + 3);
		large += record.body.bytes >= LARGE_BYTES;
	}
	TG_CHECK_INT(got, 0);
	tg_outbox_read_end(&cursor);
	TG_CHECK_INT(large, 39);
	finish();
}

static void put_refused(uint16_t sink, uint64_t seq, size_t bytes)
{
	static uint8_t body[100000];
	struct tg_aside item = { .kind = TG_ASIDE_REFUSED,
				 .stream = 1,
				 .sink = sink,
				 .seq = seq,
				 .op = TG_UPSERT,
				 .replay = true,
				 .body = tg_view_of(body, bytes),
				 .reason = "refused with 422" };

	memset(body, (int)('a' + seq), bytes);
	TG_CHECK_INT(tg_outbox_aside_put(&box, &item, 0, &why), 0);
}

TG_TEST(outbox_salvages_the_quarantine)
{
	struct tg_aside item;
	uint32_t first, second;

	start(16 << 20);
	struct tg_stream_open *open = stream("r/d/t");
	append(open, 10, 100);
	TG_CHECK_INT(tg_outbox_sink_open(&box, "first", "file", &first), 0);
	TG_CHECK_INT(tg_outbox_sink_open(&box, "second", "https", &second), 0);
	commit();
	put_refused(tg_outbox_sink_row(&box, second)->number, 3, 200);
	put_refused(tg_outbox_sink_row(&box, second)->number, 4, 90000);
	put_refused(77, 5, 10); /* for a sink that was forgotten */
	tg_outbox_close(&box);
	damage("dd if=/dev/zero of=data.mdb bs=4096 count=2 conv=notrunc 2>/dev/null");
	open_box(16 << 20);
	TG_CHECK_INT(tg_outbox_salvage_end(&box), 0);
	TG_CHECK_INT(tg_outbox_sink_open(&box, "second", "https", &second), 0);
	TG_CHECK_INT(tg_outbox_aside_next(&box, 0, &item), 0);
	TG_CHECK_INT(item.seq, 3);
	TG_CHECK_INT(item.sink, tg_outbox_sink_row(&box, second)->number);
	TG_CHECK(!item.replay && item.salvaged);
	TG_CHECK_STR(item.reason, "refused with 422");
	TG_CHECK_INT(item.stream, tg_outbox_stream_at(&box, 0)->number);
	TG_CHECK(item.body.bytes == 200 && item.body.at[199] == 'a' + 3);
	TG_CHECK_INT(tg_outbox_aside_next(&box, item.id + 1, &item), 0);
	TG_CHECK(item.body.bytes == 90000 && item.body.at[89999] == 'a' + 4);
	TG_CHECK_INT(tg_outbox_aside_next(&box, item.id + 1, &item), 0);
	TG_CHECK_INT(item.sink, 0);
	TG_CHECK_INT(tg_outbox_aside_next(&box, item.id + 1, &item), TG_ERR_MISSING);
	finish();
}
