/* Goal: whatever call of the file sink a kill or a power cut hits, the files that consumers take
 * hold each line
 *       once, in order.
 * Method: the sink runs on a disk in memory; for each n the world stops at the n-th disk call or
 * commit, forgets
 *       what was not synced, starts again from the committed receipts and goes on to the end. */
#include <stdarg.h>

#include "tests/unit/fake_disk.h"

#define tg_file_open         disk_open
#define tg_file_write_at     disk_write_at
#define tg_file_read_at      disk_read_at
#define tg_file_sync         disk_sync
#define tg_file_truncate     disk_truncate
#define tg_file_size         disk_size
#define tg_file_rename       disk_rename
#define tg_file_sync_folder  disk_sync_folder
#define tg_file_make_folders disk_make_folders
#define tg_file_close        disk_close
/* Several writes a delivery, so that one can be cut short between them. */
#undef CONFIG_TG_FILE_BUFFER_BYTES
#define CONFIG_TG_FILE_BUFFER_BYTES 200
#include "drivers/file/folder.c"
#include "drivers/file/settle.c"
#include "drivers/file/sink.c"

#include "app/arena.h"
#include "app/crc32c.h"
#include "tests/check.h"
#include "tests/unit/fake_body.h"

enum { STREAMS = 3, RECORDS = 24, ROTATE_BYTES = 900, ARENA_BYTES = 1 << 20 };

static const char *const stream_names[STREAMS] = { "rethinkdb/plant/readings",
						   "rethinkdb/plant/Sites", "r.db/p/a b" };
static const char instance[] = "plant-7-0123456789abcdef";

/* What a store would hold: it changes only in world_commit(). */
static struct {
	uint64_t acked[STREAMS];
	struct {
		bool set;
		size_t bytes;
		uint8_t at[TG_FILE_RECEIPT_BYTES_MAX];
	} receipts[STREAMS + 1]; /* by scope */
} store;

/* What consumers took, line by line. */
static struct {
	uint64_t next[STREAMS];
	bool wrong;
	struct tg_why why; /* the last error of the sink */
} audit;

static struct tg_file_state sink;
static uint8_t arena_bytes[ARENA_BYTES];
static uint32_t dice;
static struct tg_now now;

static uint32_t roll(uint32_t sides)
{
	dice = dice * 1664525u + 1013904223u;
	return (dice >> 8) % sides;
}

static void commit(const struct tg_outcome *outcome)
{
	if (disk_point() != TG_OK || outcome->receipt.bytes == 0)
		return;
	store.receipts[outcome->scope].set = true;
	store.receipts[outcome->scope].bytes = outcome->receipt.bytes;
	memcpy(store.receipts[outcome->scope].at, outcome->receipt.at, outcome->receipt.bytes);
}

static void audit_line(const char *line, size_t bytes)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		struct tg_body body = { .instance = instance,
					.stream = stream_names[i],
					.pad_bytes = 40 };
		char want[FAKE_LINE_BYTES_MAX];

		if (fake_line(&body, audit.next[i], want) == bytes &&
		    memcmp(line, want, bytes) == 0) {
			audit.next[i]++;
			return;
		}
	}
	audit.wrong = true;
}

static void audit_file(const struct disk_file *file)
{
	const char *at = (const char *)file->now, *end = at + file->now_bytes;

	const char *first = memchr(at, '\n', file->now_bytes);
	if (file->now_bytes > ROTATE_BYTES && first + 1 != end)
		audit.wrong = true; /* too large, and by more than one line alone */
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		if (line_end == NULL) {
			audit.wrong = true;
			return;
		}
		audit_line(at, (size_t)(line_end - at));
		at = line_end + 1;
	}
}

/* Takes finished files in the order of their names, as a consumer would. */
static void consume(void)
{
	for (;;) {
		struct disk_file *oldest = NULL;

		for (unsigned i = 0; i < DISK_FILES_MAX; i++) {
			struct disk_file *file = &disk.files[i];

			if (!file->used || strstr(file->now_name, ".ndjson") == NULL)
				continue;
			if (oldest == NULL || strcmp(file->now_name, oldest->now_name) < 0)
				oldest = file;
		}
		if (oldest == NULL)
			return;
		audit_file(oldest);
		disk_take(oldest);
	}
}

static void boot(bool one)
{
	struct tg_arena arena;
	struct tg_why *why = &audit.why;

	memset(&sink, 0, sizeof(sink));
	memcpy(sink.folder.path, "out", sizeof("out"));
	sink.options = (struct tg_file_options){
		.one = one, .rotate_at_end = true, .rotate_bytes = ROTATE_BYTES, .rotate_ms = 5000
	};
	tg_arena_init(&arena, arena_bytes, sizeof(arena_bytes));
	TG_CHECK_INT(tg_file_sink.start(&sink, &arena, &now, why), 0);
	for (uint32_t scope = 0; scope <= STREAMS; scope++) {
		if (!store.receipts[scope].set)
			continue;
		int err = tg_file_sink.restore(
			&sink, scope,
			tg_view_of(store.receipts[scope].at, store.receipts[scope].bytes), why);
		if (err != TG_OK)
			audit.wrong = true;
	}
}

static void settle_all(int (*call)(void *, const struct tg_now *, struct tg_outcome *,
				   struct tg_why *))
{
	struct tg_outcome outcome;
	int more = call(&sink, &now, &outcome, &audit.why);

	while (more == 1) {
		commit(&outcome);
		more = tg_file_sink.acked(&sink, &now, &outcome, &audit.why);
		if (more == TG_OK)
			more = call(&sink, &now, &outcome, &audit.why);
	}
	if (more != TG_OK)
		audit.wrong = true;
}

static void deliver(uint32_t stream)
{
	uint64_t first = store.acked[stream] + 1;
	uint64_t last = first + roll(4);
	struct tg_body body = { .instance = instance,
				.stream = stream_names[stream],
				.pad_bytes = 40,
				.framing = TG_FRAMING_NDJSON,
				.first = first };
	struct tg_delivery delivery = { .instance = tg_view_str(instance),
					.stream = tg_view_str(stream_names[stream]),
					.stream_number = stream + 1,
					.first = first,
					.body = &body };
	struct tg_outcome outcome;
	int err;

	body.last = delivery.last = last < RECORDS ? last : RECORDS;
	delivery.count = delivery.last - first + 1;
	err = tg_file_sink.deliver(&sink, &delivery, &now, &audit.why);
	while (err == TG_OK &&
	       (err = tg_file_sink.step(&sink, &now, &outcome, &audit.why)) == TG_ERR_AGAIN)
		err = TG_OK;
	if (err != TG_OK) {
		audit.wrong = true;
		return;
	}
	if (roll(8) == 0)
		return; /* the commit failed: the delivery is made again */
	commit(&outcome);
	store.acked[stream] = outcome.cut ? outcome.last : delivery.last;
	settle_all(tg_file_sink.acked);
}

static bool delivered_all(void)
{
	for (unsigned i = 0; i < STREAMS; i++)
		if (store.acked[i] < RECORDS)
			return false;
	return true;
}

static void live(bool one)
{
	boot(one);
	while (!delivered_all() && !audit.wrong) {
		uint32_t stream = roll(STREAMS);

		now.mono_ms += roll(1500);
		now.wall_ms += roll(1500);
		if (store.acked[stream] < RECORDS)
			deliver(stream);
		if (roll(6) == 0)
			settle_all(tg_file_sink.idle);
		if (roll(3) == 0)
			consume();
	}
	settle_all(tg_file_sink.finish);
	tg_file_sink.stop(&sink);
}

static void arm_again(void)
{
	uint64_t calls = 1 + roll(40);

	disk_arm(calls, (enum disk_crash)roll(DISK_CRASHES));
}

/* One whole life with one or two crashes. Returns how many calls a life without had; `audit` says
 * what arrived. */
static uint64_t run(uint64_t crash_at, enum disk_crash kind, bool one)
{
	static volatile unsigned crashes;
	bool lies = disk.sync_lies;

	disk_clear();
	disk.sync_lies = lies;
	memset(&store, 0, sizeof(store));
	memset(&audit, 0, sizeof(audit));
	for (unsigned i = 0; i < STREAMS; i++)
		audit.next[i] = 1;
	now = (struct tg_now){ .mono_ms = 1000, .wall_ms = INT64_C(1700000000000) };
	dice = (uint32_t)crash_at * 2654435761u + (uint32_t)kind;
	crashes = 0;
	disk_arm(crash_at, kind);
	if (setjmp(disk.crash) != 0) {
		disk_after_crash();
		if (++crashes ==
		    1) /* and once more, soon: while it starts again, or shortly after */
			arm_again();
	}
	live(one);
	consume();
	for (unsigned i = 0; i < STREAMS; i++)
		audit.wrong = audit.wrong || audit.next[i] != RECORDS + 1;
	for (unsigned i = 0; i < DISK_FILES_MAX; i++) /* nothing of ours stays behind */
		audit.wrong = audit.wrong || (disk.files[i].used && disk.files[i].now_bytes != 0 &&
					      disk.files[i].now_name[0] != '\0');
	return crashes > 0 ? UINT64_MAX : disk.calls;
}

static void prepare(void)
{
	tg_log_setup(TG_LOG_ERROR, false);
	tg_crc32c_init();
}

static void every_crash(bool one)
{
	/* Where a tool makes each step slow, each eighth call, another one of them a kind. */
	uint64_t step = tg_turns(1, 8);

	for (unsigned kind = 0; kind < DISK_CRASHES; kind++) {
		uint64_t crash_at = 1 + kind * 3 % step;

		while (run(crash_at, (enum disk_crash)kind, one) == UINT64_MAX) {
			if (audit.wrong)
				TG_FAIL("crash kind %u at call %" PRIu64 ": %s", kind, crash_at,
					audit.why.text);
			crash_at += step;
		}
		TG_CHECK(!audit.wrong);
		TG_CHECK(crash_at > 100); /* the script is as long as it is meant to be */
	}
}

TG_TEST(file_power_per_stream_each_line_once)
{
	prepare();
	every_crash(false);
}

TG_TEST(file_power_one_file_each_line_once)
{
	prepare();
	every_crash(true);
}

/* The auditor can fail: a disk that only says that it synced loses lines at some power cut. */
TG_TEST(file_power_lying_disk_is_noticed)
{
	unsigned noticed = 0;

	prepare();
	disk.sync_lies = true;
	for (uint64_t crash_at = 1; crash_at < 200; crash_at += tg_turns(1, 5)) {
		(void)run(crash_at, DISK_POWER, false);
		noticed += audit.wrong;
	}
	disk.sync_lies = false;
	TG_CHECK(noticed > tg_turns(20, 4));
}

/* Each disk call fails once (full, broken, forbidden): the forwarder repeats, nothing is lost or
 * doubled. */
static void boot_and_try(uint64_t fail_at, int err)
{
	struct tg_why why = { 0 };
	struct tg_outcome outcome;

	boot(false);
	disk.calls = 0;
	disk.fail_err = err;
	disk.fail_at = fail_at;
	disk.fail_count = 1;
	for (uint64_t first = 1; first <= RECORDS;) {
		uint64_t last = first + 5 < RECORDS ? first + 5 : RECORDS;
		struct tg_body body = { .instance = instance,
					.stream = stream_names[0],
					.pad_bytes = 40,
					.framing = TG_FRAMING_NDJSON,
					.first = first,
					.last = last };
		struct tg_delivery delivery = { .instance = tg_view_str(instance),
						.stream = tg_view_str(stream_names[0]),
						.stream_number = 1,
						.first = first,
						.last = last,
						.count = last - first + 1,
						.body = &body };
		int rc = tg_file_sink.deliver(&sink, &delivery, &now, &why);

		while (rc == TG_OK &&
		       (rc = tg_file_sink.step(&sink, &now, &outcome, &why)) == TG_ERR_AGAIN)
			rc = TG_OK;
		if (rc != TG_OK) {
			TG_CHECK(why.text[0] != '\0');
			continue; /* the same again */
		}
		first = outcome.cut ? outcome.last + 1 : last + 1;
		if (tg_file_sink.acked(&sink, &now, &outcome, &why) != TG_OK)
			TG_CHECK(why.text[0] != '\0');
	}
	while ((tg_file_sink.finish(&sink, &now, &outcome, &why)) != TG_OK)
		continue;
}

TG_TEST(file_power_each_call_fails_once)
{
	static const int errors[] = { TG_ERR_NOSPC, TG_ERR_IO, TG_ERR_ACCESS };

	prepare();
	for (unsigned e = 0; e < 3; e++) {
		uint64_t fail_at = 1;

		do {
			disk_clear();
			memset(&store, 0, sizeof(store));
			memset(&audit, 0, sizeof(audit));
			audit.next[0] = 1;
			boot_and_try(fail_at, errors[e]);
			consume();
			if (audit.wrong || audit.next[0] != RECORDS + 1)
				TG_FAIL("error %d at call %" PRIu64, errors[e], fail_at);
			fail_at++;
		} while (disk.fail_count == 0);
		TG_CHECK(fail_at > 20);
	}
}
