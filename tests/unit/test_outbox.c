/* The outbox on a real folder: what is committed stays, what is not is not there, in that order. */
#include "tests/check.h"

#include <signal.h>
#include <sys/wait.h>

#include "app/outbox/look.h"
#include "app/outbox/store.h"
#include "tests/unit/outbox_rig.h"

TG_TEST(outbox_shows_records_with_their_commit_and_never_before)
{
	start(64 << 20);
	struct tg_stream_open *open = stream("r/d/t");
	append(open, 10, 100);
	TG_CHECK_INT(read_all(open->stream, 1), 0);
	commit();
	TG_CHECK_INT(read_all(open->stream, 1), 10);
	TG_CHECK_INT(read_all(open->stream, 7), 4);
	append(open, 5, 100);
	TG_CHECK_INT(read_all(open->stream, 1), 10);
	finish();
}

TG_TEST(outbox_keeps_records_bookmark_and_positions_over_a_restart)
{
	uint32_t slot;
	struct tg_stream_open *open = start_with_sink(64 << 20, &slot);
	append(open, 2000, 330);
	TG_CHECK_INT(tg_outbox_bookmark(&box, open, tg_view_str("mark")), 0);
	commit();
	tg_outbox_ack(&box, slot, open->stream, 1234);
	TG_CHECK_INT(tg_outbox_receipt(&box, slot, 5, tg_view_str("length 77")), 0);
	commit();
	append(open, 10, 330);
	struct tg_view instance = tg_outbox_instance(&box);
	char kept[100];
	snprintf(kept, sizeof(kept), "%.*s", (int)instance.bytes, (const char *)instance.at);
	tg_outbox_close(&box);

	open_box(64 << 20);
	TG_CHECK(tg_view_same(tg_outbox_instance(&box), tg_view_str(kept)));
	TG_CHECK_INT(tg_outbox_stream_count(&box), 1);
	open = stream("r/d/t");
	TG_CHECK_INT(open->stream->next_seq, 2001);
	TG_CHECK(tg_view_same(tg_view_of(open->bookmark, open->bookmark_bytes),
			      tg_view_str("mark")));
	TG_CHECK_INT(tg_outbox_sink_open(&box, "files", "file", &slot), 0);
	TG_CHECK_INT(open->stream->acked[slot], 1234);
	TG_CHECK(open->stream->first_block > 1 && open->stream->first_block <= 1235);
	TG_CHECK_INT(read_all(open->stream, 1235), 2000 - 1234);
	append(open, 1, 100); /* goes on in the tail block */
	commit();
	TG_CHECK_INT(read_all(open->stream, 1235), 2001 - 1234);
	finish();
}

TG_TEST(outbox_trims_behind_the_slowest_sink)
{
	uint32_t fast, slow;

	start(64 << 20);
	struct tg_stream_open *open = stream("r/d/t");
	TG_CHECK_INT(tg_outbox_sink_open(&box, "fast", "file", &fast), 0);
	TG_CHECK_INT(tg_outbox_sink_open(&box, "slow", "https", &slow), 0);
	tg_outbox_sink_wants(&box, fast, open->stream, 0);
	tg_outbox_sink_wants(&box, slow, open->stream, 0);
	append(open, 3000, 300);
	commit();
	tg_outbox_ack(&box, fast, open->stream, 3000);
	commit();
	TG_CHECK_INT(read_all(open->stream, 1), 3000);
	tg_outbox_ack(&box, slow, open->stream, 2999);
	commit();
	TG_CHECK(open->stream->first_block > 2900);
	TG_CHECK_INT(read_all(open->stream, 3000), 1);
	tg_outbox_ack(&box, slow, open->stream, 3000);
	commit();
	TG_CHECK_INT(open->stream->first_block, 0);
	append(open, 3, 300); /* the block that was deleted begins anew */
	commit();
	TG_CHECK_INT(open->stream->first_block, 3001);
	TG_CHECK_INT(read_all(open->stream, 3001), 3);
	TG_CHECK_INT(tg_outbox_sink_forget(&box, "slow"), 0);
	TG_CHECK_INT(tg_outbox_sink_forget(&box, "slow"), TG_ERR_MISSING);
	finish();
}

TG_TEST(outbox_keeps_large_bodies_in_chunks)
{
	uint32_t slot;
	struct tg_stream_open *open = start_with_sink(64 << 20, &slot);
	append(open, 1, 150000 < CONFIG_TG_DOC_BYTES_MAX ? 150000 : CONFIG_TG_DOC_BYTES_MAX);
	append(open, 2, 100);
	append(open, 1, 60000);
	commit();
	TG_CHECK_INT(read_all(open->stream, 1), 4);
	tg_outbox_ack(&box, slot, open->stream, 4);
	commit();
	TG_CHECK_INT(open->stream->first_block, 0);
	finish();
}

/* The pages of files that count as ours. */
static uint64_t mapped_bytes(void)
{
	char status[4096];
	size_t bytes = 0;

	TG_CHECK_INT(tg_file_read_whole("/proc/self/status", status, sizeof(status), &bytes), 0);
	const char *line = strstr(status, "RssFile:");
	TG_CHECK(line != NULL);
	return strtoull(line + strlen("RssFile:"), NULL, 10) * 1024;
}

/* Goal: a backlog that is read does not fill memory with the store's pages. */
TG_TEST(outbox_gives_the_pages_of_its_map_back)
{
	enum { ROW_BYTES = 8000, LIMIT = CONFIG_TG_STORE_MAPPED_BYTES, MIB = 1 << 20 };
	const unsigned rows = (LIMIT / 2 * 3 + 4 * MIB) / ROW_BYTES;
	uint64_t least = UINT64_MAX, most = 0;

	start((uint64_t)4 * LIMIT + 16 * MIB);
	struct tg_stream_open *open = stream("r/d/t");
	append(open, rows, ROW_BYTES);
	commit();
	for (uint64_t from = 1; from < rows; from += 100) {
		struct tg_outbox_cursor cursor;
		uint64_t bytes;

		TG_CHECK_INT(tg_outbox_read_begin(&box, open->stream, from, &cursor), 0);
		for (unsigned i = 0; i < 100 && cursor.next <= rows; i++)
			TG_CHECK_INT(tg_outbox_read_skip(&cursor, &bytes), 1);
		tg_outbox_read_end(&cursor);
		uint64_t mapped = mapped_bytes();
		least = mapped < least ? mapped : least;
		most = mapped > most ? mapped : most;
	}
	TG_CHECK(most - least <= LIMIT + LIMIT / 4 + MIB);
	finish();
}

/* Goal: at its cap the store stops taking, and can always be drained, also when its map is
 * fragmented. */
TG_TEST(outbox_at_its_cap_stops_and_drains)
{
	uint32_t slot;
	struct tg_stream_open *open = start_with_sink(4 << 20, &slot);
	unsigned rounds = tg_turns(30, 4), step_rows = tg_turns(13, 130);
	for (unsigned round = 0; round < rounds; round++) {
		unsigned steps = 0;
		int err = 0;

		while (err == 0) { /* fill in odd steps, so that free pages lie scattered */
			append(open, step_rows + round, 300 + 40 * (round % 7));
			err = tg_outbox_commit(&box, mono_ms(), &why);
			TG_CHECK(++steps < 100000);
		}
		TG_CHECK_INT(err, TG_ERR_FULL);
		TG_CHECK(tg_outbox_full(&box));
		uint64_t last = open->stream->durable_next - 1;
		for (uint64_t at = open->stream->acked[slot]; at < last;) {
			at = at + 97 + round < last ? at + 97 + round : last;
			tg_outbox_ack(&box, slot, open->stream, at);
			err = tg_outbox_commit(&box, mono_ms(), &why);
			TG_CHECK(err == 0 || err == TG_ERR_FULL);
			last = open->stream->durable_next - 1;
		}
		TG_CHECK_INT(tg_outbox_commit(&box, mono_ms(), &why), 0);
	}
	finish();
}

TG_TEST(outbox_says_who_holds_it)
{
	struct tg_outbox_cfg cfg = { .path = folder,
				     .name = "test",
				     .bytes_max = 1 << 20,
				     .mono_ms = mono_ms,
				     .random = tg_random,
				     .binding = tg_file_binding,
				     .make_folder = make_folder };
	static uint8_t more[40 << 20];
	static struct tg_outbox second;
	struct tg_arena other;
	char pid[32];

	start(1 << 20);
	tg_arena_init(&other, more, sizeof(more));
	TG_CHECK_INT(tg_outbox_open(&second, &cfg, &other, &why), TG_ERR_BUSY);
	snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	TG_CHECK(strstr(why.text, pid) != NULL);
	finish();
}

TG_TEST(outbox_copied_elsewhere_takes_a_new_instance)
{
	char command[400], before[TG_INSTANCE_BYTES_MAX];

	start(1 << 20);
	struct tg_stream_open *open = stream("r/d/t");
	append(open, 3, 100);
	commit();
	memcpy(before, box.instance_, sizeof(before));
	tg_outbox_close(&box);
	snprintf(command, sizeof(command), "cp %s/data.mdb %s/copy && mv %s/copy %s/data.mdb",
		 folder, folder, folder, folder);
	TG_CHECK_INT(system(command), 0);
	open_box(1 << 20);
	TG_CHECK(strcmp(before, box.instance_) != 0);
	TG_CHECK_INT(read_all(tg_outbox_stream_at(&box, 0), 1), 3);
	finish();
}

TG_TEST(outbox_refuses_nothing_when_another_looks)
{
	static uint8_t more[40 << 20];
	static struct tg_outbox other;
	struct tg_arena place;
	char holder[64];

	start(1 << 20);
	struct tg_stream_open *open = stream("r/d/t");
	append(open, 3, 100);
	commit();
	tg_arena_init(&place, more, sizeof(more));
	/* The same process may not open an environment twice: a child looks. */
	pid_t pid = fork();
	if (pid == 0) {
		box.env_ = NULL;
		int err = tg_outbox_look(&other, folder, &place, &why);
		bool held = tg_outbox_holder(folder, holder, sizeof(holder)) == 1;
		_exit(err == 0 && held && tg_outbox_stream_count(&other) == 1 ? 0 : 1);
	}
	int status;
	TG_CHECK_INT(waitpid(pid, &status, 0), pid);
	TG_CHECK_INT(status, 0);
	finish();
}

/* Looks, and is stopped with its view open. */
static _Noreturn void look_and_stop(void)
{
	static uint8_t more[40 << 20];
	static struct tg_outbox other;
	struct tg_arena place;
	MDB_txn *txn;

	tg_arena_init(&place, more, sizeof(more));
	int err = tg_outbox_look(&other, folder, &place, &why);
	if (err == 0)
		err = tg_store_read_begin(&other, &txn);
	(void)raise(err == 0 ? SIGSTOP : SIGKILL);
	_exit(1);
}

TG_TEST(outbox_names_a_reader_that_was_stopped)
{
	struct tg_slow_reader slow;
	int status;

	start(16 << 20);
	struct tg_stream_open *open = stream("r/d/t");
	append(open, 3, 100);
	commit();
	TG_CHECK(!tg_outbox_slow_reader(&box, &slow));
	pid_t pid = fork();
	if (pid == 0) {
		box.env_ = NULL;
		look_and_stop();
	}
	TG_CHECK_INT(waitpid(pid, &status, WUNTRACED), pid);
	TG_CHECK(WIFSTOPPED(status));
	for (unsigned i = 0; i < 20; i++) {
		append(open, 3, 100);
		commit();
	}
	TG_CHECK(tg_outbox_slow_reader(&box, &slow));
	TG_CHECK_INT(slow.pid, pid);
	TG_CHECK_INT(slow.behind, 20);
	tg_outbox_watch_readers(&box, 1000);
	TG_CHECK(!box.slow_told_); /* it may be about to end */
	tg_outbox_watch_readers(&box, 5000);
	TG_CHECK(!box.slow_told_);
	tg_outbox_watch_readers(&box, 12000);
	TG_CHECK(box.slow_told_);
	TG_CHECK_INT(kill(pid, SIGKILL), 0);
	TG_CHECK_INT(waitpid(pid, &status, 0), pid);
	TG_CHECK(!tg_outbox_slow_reader(&box, &slow)); /* a dead one holds nothing */
	finish();
}

/* Begins a transaction behind three records that are not committed, and is killed in it. */
static _Noreturn void die_writing(void)
{
	MDB_txn *txn;

	open_box(16 << 20);
	append(stream("r/d/t"), 3, 100);
	if (tg_store_write_begin(&box, &txn) == 0)
		(void)raise(SIGKILL);
	_exit(1);
}

/* Goal: a writer that was killed in a transaction stops nobody, also while another process has the
 * store open, so that LMDB's lock, which the dead one holds, is not made anew. That takes robust
 * mutexes: a machine without them would hang, and the alarm says so. */
TG_TEST(outbox_goes_on_behind_a_writer_killed_in_its_transaction)
{
	int status;

	start(16 << 20);
	append(stream("r/d/t"), 3, 100);
	commit();
	tg_outbox_close(&box);
	(void)alarm(60);
	pid_t looker = fork();
	if (looker == 0)
		look_and_stop();
	TG_CHECK_INT(waitpid(looker, &status, WUNTRACED), looker);
	TG_CHECK(WIFSTOPPED(status));
	pid_t writer = fork();
	if (writer == 0)
		die_writing();
	TG_CHECK_INT(waitpid(writer, &status, 0), writer);
	TG_CHECK(WIFSIGNALED(status));
	open_box(16 << 20);
	struct tg_stream_open *open = stream("r/d/t");
	append(open, 2, 100);
	commit();
	TG_CHECK_INT(read_all(open->stream, 1), 5);
	(void)alarm(0);
	TG_CHECK_INT(kill(looker, SIGKILL), 0);
	TG_CHECK_INT(waitpid(looker, &status, 0), looker);
	finish();
}

TG_TEST(outbox_keeps_one_item_for_an_oversize_row)
{
	struct tg_aside item = { .kind = TG_ASIDE_OVERSIZE,
				 .stream = 1,
				 .body = tg_view_str("\"k1\"") };
	struct tg_aside read;

	start(4 << 20);
	TG_CHECK_INT(tg_outbox_aside_put(&box, &item, 0, &why), 0);
	item.body_bytes = 5;
	TG_CHECK_INT(tg_outbox_aside_put(&box, &item, 0, &why), 0);
	item.body = tg_view_str("\"k2\"");
	TG_CHECK_INT(tg_outbox_aside_put(&box, &item, 0, &why), 0);
	TG_CHECK_INT(tg_outbox_aside_next(&box, 0, &read), 0);
	TG_CHECK_INT(read.body_bytes, 5);
	TG_CHECK(tg_view_same(read.body, tg_view_str("\"k1\"")));
	TG_CHECK_INT(tg_outbox_aside_replay(&box, read.id, true), 0);
	TG_CHECK_INT(tg_outbox_aside_next(&box, 0, &read), 0);
	TG_CHECK(read.replay);
	TG_CHECK_INT(tg_outbox_aside_drop(&box, read.id), 0);
	TG_CHECK_INT(tg_outbox_aside_next(&box, 0, &read), 0);
	TG_CHECK(tg_view_same(read.body, tg_view_str("\"k2\"")));
	TG_CHECK_INT(tg_outbox_aside_next(&box, read.id + 1, &read), TG_ERR_MISSING);
	finish();
}

TG_TEST(outbox_finds_an_item_without_asking_the_others)
{
	struct tg_aside item = { .kind = TG_ASIDE_REFUSED, .stream = 1, .sink = 1 };
	uint64_t id;

	start(4 << 20);
	for (item.seq = 1; item.seq <= 50; item.seq++)
		TG_CHECK_INT(tg_outbox_aside_put(&box, &item, 0, &why), 0);
	uint64_t looks = box.aside_looks_;
	item.seq = 20;
	TG_CHECK_INT(tg_outbox_aside_put(&box, &item, 0, &why), 0);
	TG_CHECK_INT(item.id, 20);
	TG_CHECK_INT(box.aside_looks_ - looks, 1);
	TG_CHECK_INT(tg_outbox_aside_find(&box, &item, &id), 0);
	TG_CHECK_INT(id, 20);
	item.sink = 2;
	TG_CHECK_INT(tg_outbox_aside_find(&box, &item, &id), TG_ERR_MISSING);
	item.sink = 1;
	TG_CHECK_INT(tg_outbox_aside_drop(&box, 20), 0);
	TG_CHECK_INT(tg_outbox_aside_find(&box, &item, &id), TG_ERR_MISSING);
	TG_CHECK_INT(box.aside_looks_ - looks, 2); /* what led to it has gone with it */
	finish();
}
