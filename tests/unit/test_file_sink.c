/* The file sink on a real folder: names, receipts, descriptors, a full disk, files changed by hand,
 * `-`. */
#include "drivers/file/sink.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/crc32c.h"
#include "drivers/file/receipt.h"
#include "tests/unit/descriptors.h"
#include "tests/unit/sink_rig.h"

enum { PATH_BYTES = 512 };

static char root[PATH_BYTES / 2];

static void configure(const char *members)
{
	char text[PATH_BYTES * 2];

	tg_crc32c_init();
	(void)snprintf(text, sizeof(text), "{\"name\":\"files\",\"type\":\"file\"%s}", members);
	rig_configure(&tg_file_sink, text);
}

/* A started sink on the folder that is there. */
static void start(const char *members)
{
	char text[PATH_BYTES * 2];

	(void)snprintf(text, sizeof(text), ",\"path\":\"%s/out\"%s", root, members);
	configure(text);
	TG_CHECK_INT(rig.problems.count, 0);
	rig.now = (struct tg_now){ .mono_ms = 5000, .wall_ms = INT64_C(1700000000000) };
	TG_CHECK_INT(tg_file_sink.start(rig.state, &rig.arena, &rig.now, &rig.why), 0);
}

/* The same on a fresh folder. */
static void begin(const char *members)
{
	const char *base = getenv("TMPDIR");

	(void)snprintf(root, sizeof(root), "%s/tg-file-XXXXXX", base != NULL ? base : "/tmp");
	TG_CHECK(mkdtemp(root) != NULL);
	start(members);
}

static const char *path_of(const char *name)
{
	static char path[PATH_BYTES * 2];

	(void)snprintf(path, sizeof(path), "%s/out/%s", root, name);
	return path;
}

static void end(void)
{
	char path[PATH_BYTES];
	DIR *folder;
	struct dirent *entry;

	tg_file_sink.stop(rig.state);
	(void)snprintf(path, sizeof(path), "%s/out", root);
	folder = opendir(path);
	while (folder != NULL && (entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			(void)remove(path_of(entry->d_name));
	if (folder != NULL)
		(void)closedir(folder);
	(void)rmdir(path);
	(void)rmdir(root);
}

/* Delivers; the error of deliver or step. */
static int deliver(const char *stream, uint32_t number, uint64_t first, uint64_t last)
{
	rig_prepare(&tg_file_sink, stream, first, last);
	rig.delivery.stream_number = number;
	int err = tg_file_sink.deliver(rig.state, &rig.delivery, &rig.now, &rig.why);

	if (err == TG_OK)
		do
			err = tg_file_sink.step(rig.state, &rig.now, &rig.outcome, &rig.why);
		while (err == TG_ERR_AGAIN);
	return err;
}

/* As the forwarder does it: what a file had no room for comes again. */
static void deliver_and_ack(const char *stream, uint32_t number, uint64_t first, uint64_t last)
{
	for (unsigned tries = 0; first <= last; tries++) {
		TG_CHECK(tries < 20);
		TG_CHECK_INT(deliver(stream, number, first, last), 0);
		first = rig.outcome.cut ? rig.outcome.last + 1 : last + 1;
		TG_CHECK_INT(tg_file_sink.acked(rig.state, &rig.now, &rig.outcome, &rig.why), 0);
	}
}

static void finish(void)
{
	int more;

	while ((more = tg_file_sink.finish(rig.state, &rig.now, &rig.outcome, &rig.why)) == 1)
		continue;
	TG_CHECK_INT(more, 0);
}

static int64_t size_of(const char *name)
{
	struct stat about;

	return stat(path_of(name), &about) == 0 ? (int64_t)about.st_size : -1;
}

static void append(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "a");

	TG_CHECK(file != NULL);
	TG_CHECK(fputs(text, file) >= 0);
	TG_CHECK(fclose(file) == 0);
}

TG_TEST(file_configuration_is_checked)
{
	configure(",\"path\":\"\",\"layout\":\"two\",\"rotate_bytes\":-1,\"mode\":\"0444\",\"pth\":"
		  "1");
	TG_CHECK_INT(rig.problems.count, 5);
	configure(",\"path\":\"x/\",\"layout\":\"one\",\"mode\":\"0600\",\"rotate_seconds\":0");
	TG_CHECK_INT(rig.problems.count, 0);
	configure(",\"mode\":\"0999\"");
	TG_CHECK_INT(rig.problems.count, 2); /* and the path is missing */
}

TG_TEST(file_rotates_by_size_and_at_the_end)
{
	begin(",\"rotate_bytes\":300");
	deliver_and_ack("r/p/t", 1, 1, 1);
	int64_t line = size_of("r.p.t.000000000001.open");
	TG_CHECK(line > 100 && line < 150);
	deliver_and_ack("r/p/t", 1, 2, 3);
	TG_CHECK_INT(size_of("r.p.t.000000000001.open"), -1);
	TG_CHECK_INT(size_of("r.p.t.000000000001-000000000002.ndjson"), 2 * line);
	TG_CHECK_INT(size_of("r.p.t.000000000003.open"), line);
	deliver_and_ack("r/p/t", 1, 4, 4);
	finish();
	TG_CHECK_INT(size_of("r.p.t.000000000003-000000000004.ndjson"), 2 * line);
	end();
}

/* One delivery of many files' worth, and lines of which not even one fits. */
TG_TEST(file_outgrows_its_size_by_a_single_line_alone)
{
	char name[64];

	begin(",\"rotate_bytes\":300");
	deliver_and_ack("r/p/t", 1, 1, 7);
	TG_CHECK(size_of("r.p.t.000000000001-000000000002.ndjson") <= 300);
	TG_CHECK(size_of("r.p.t.000000000005-000000000006.ndjson") <= 300);
	TG_CHECK(size_of("r.p.t.000000000007.open") > 0);
	end();
	begin(",\"rotate_bytes\":50");
	deliver_and_ack("r/p/t", 1, 1, 3);
	for (unsigned i = 1; i <= 3; i++) {
		(void)snprintf(name, sizeof(name), "r.p.t.%012u-%012u.ndjson", i, i);
		TG_CHECK(size_of(name) > 100);
	}
	end();
}

TG_TEST(file_rotates_by_age)
{
	struct tg_wants wants;

	begin(",\"rotate_seconds\":10,\"rotate_at_end\":false");
	deliver_and_ack("r/p/t", 1, 1, 1);
	tg_wants_clear(&wants);
	tg_file_sink.want(rig.state, &wants);
	TG_CHECK_INT(wants.wake_mono_ms, 15000);
	TG_CHECK_INT(tg_file_sink.idle(rig.state, &rig.now, &rig.outcome, &rig.why), 0);
	finish(); /* not wanted at the end */
	TG_CHECK(size_of("r.p.t.000000000001.open") > 0);
	rig.now.mono_ms = 15000;
	TG_CHECK_INT(tg_file_sink.idle(rig.state, &rig.now, &rig.outcome, &rig.why), 1);
	TG_CHECK(size_of("r.p.t.000000000001.open") > 0); /* the receipt is not durable yet */
	TG_CHECK_INT(tg_file_sink.idle(rig.state, &rig.now, &rig.outcome, &rig.why), 0);
	TG_CHECK(size_of("r.p.t.000000000001-000000000001.ndjson") > 0);
	tg_wants_clear(&wants);
	tg_file_sink.want(rig.state, &wants);
	TG_CHECK(wants.wake_mono_ms == UINT64_MAX);
	end();
}

TG_TEST(file_layout_one_numbers_its_files)
{
	begin(",\"layout\":\"one\",\"rotate_bytes\":1");
	deliver_and_ack("r/p/a", 1, 1, 2);
	deliver_and_ack("r/p/b", 2, 1, 1);
	TG_CHECK(size_of("all.000000000001.ndjson") > 0);
	TG_CHECK(size_of("all.000000000003.ndjson") > 0);
	TG_CHECK_INT(size_of("all.000000000004.open"), -1);
	end();
}

TG_TEST(file_another_store_s_files_are_not_overwritten)
{
	begin("");
	append("r.p.t.000000000001-000000000002.ndjson", "taken by nobody yet\n");
	append("r.p.t.000000000001.open", "{\"_tidegate\":{\"instance\":\"plant-7-"
					  "fedcba9876543210\",\"stream\":\"r/p/t\"}}\n");
	deliver_and_ack("r/p/t", 1, 1, 2);
	TG_CHECK(size_of("r.p.t.000000000001.left") > 0);
	finish();
	TG_CHECK_INT(size_of("r.p.t.000000000001-000000000002.ndjson"), 20);
	TG_CHECK(size_of("r.p.t.000000000001-000000000002~2.ndjson") > 200);
	end();
}

/* A crash between making the file and the acknowledgement leaves one that no receipt knows. */
TG_TEST(file_unacknowledged_one_of_ours_is_cut)
{
	int64_t once;

	begin("");
	TG_CHECK_INT(deliver("r/p/t", 1, 1, 4), 0);
	once = size_of("r.p.t.000000000001.open");
	tg_file_sink.stop(rig.state);
	start("");
	TG_CHECK_INT(deliver("r/p/t", 1, 1, 4), 0);
	TG_CHECK_INT(size_of("r.p.t.000000000001.open"), once);
	/* No acked() came, the commit failed: the delivery is made again, in the same place. */
	deliver_and_ack("r/p/t", 1, 1, 4);
	TG_CHECK_INT(size_of("r.p.t.000000000001.open"), once);
	TG_CHECK_INT(size_of("r.p.t.000000000001.left"), -1);
	end();
}

/* After a restart: longer is cut, shorter and gone are reported. */
TG_TEST(file_restore_trusts_the_receipt)
{
	uint8_t receipt[TG_RECEIPT_BYTES_MAX];
	struct tg_view kept;
	int64_t bytes;

	begin("");
	TG_CHECK_INT(deliver("r/p/t", 9, 1, 4), 0);
	TG_CHECK_INT(rig.outcome.scope, 9);
	memcpy(receipt, rig.outcome.receipt.at, rig.outcome.receipt.bytes);
	kept = tg_view_of(receipt, rig.outcome.receipt.bytes);
	bytes = size_of("r.p.t.000000000001.open");
	append("r.p.t.000000000001.open", "{\"_tid");
	TG_CHECK_INT(tg_file_sink.restore(rig.state, 9, kept, &rig.why), 0);
	TG_CHECK_INT(size_of("r.p.t.000000000001.open"), bytes);
	TG_CHECK_INT(truncate(path_of("r.p.t.000000000001.open"), bytes - 1), 0);
	TG_CHECK_INT(tg_file_sink.restore(rig.state, 9, kept, &rig.why), TG_ERR_DAMAGED);
	TG_CHECK(strstr(rig.why.text, "were acknowledged") != NULL);
	TG_CHECK_INT(remove(path_of("r.p.t.000000000001.open")), 0);
	TG_CHECK_INT(tg_file_sink.restore(rig.state, 9, kept, &rig.why), TG_ERR_DAMAGED);
	TG_CHECK(strstr(rig.why.text, "is gone") != NULL);
	receipt[3] ^= 1;
	TG_CHECK_INT(tg_file_sink.restore(rig.state, 9, kept, &rig.why), TG_ERR_DAMAGED);
	TG_CHECK(strstr(rig.why.text, "receipt") != NULL);
	end();
}

TG_TEST(file_taken_away_by_hand_is_noticed)
{
	begin("");
	deliver_and_ack("r/p/t", 1, 1, 4);
	TG_CHECK_INT(remove(path_of("r.p.t.000000000001.open")), 0);
	TG_CHECK_INT(deliver("r/p/t", 1, 5, 6), TG_ERR_DAMAGED);
	TG_CHECK(strstr(rig.why.text, "is gone") != NULL);
	append("r.p.t.000000000001.open", "short\n");
	TG_CHECK_INT(deliver("r/p/t", 1, 5, 6), TG_ERR_DAMAGED);
	end();
}

TG_TEST(file_descriptors_are_bounded)
{
	unsigned before;

	begin("");
	before = open_descriptors();
	for (uint32_t number = 1; number <= 3 * CONFIG_TG_FILE_OPEN_MAX; number++) {
		char stream[32];

		(void)snprintf(stream, sizeof(stream), "r/p/t%u", number);
		deliver_and_ack(stream, number, 1, 2);
		TG_CHECK(open_descriptors() <= before + CONFIG_TG_FILE_OPEN_MAX);
	}
	for (uint32_t number = 1; number <= 3 * CONFIG_TG_FILE_OPEN_MAX; number++) {
		char stream[32];

		(void)snprintf(stream, sizeof(stream), "r/p/t%u", number);
		deliver_and_ack(stream, number, 3, 3);
	}
	finish();
	TG_CHECK(size_of("r.p.t1.000000000001-000000000003.ndjson") > 0);
	tg_file_sink.stop(rig.state);
	TG_CHECK_INT(open_descriptors(), before);
	end();
}

TG_TEST(file_probe_leaves_nothing)
{
	begin("");
	TG_CHECK_INT(tg_file_sink.probe(rig.state, &rig.now, &rig.why), 0);
	TG_CHECK(strstr(rig.why.text, "can be written") != NULL);
	TG_CHECK_INT(size_of("tidegate-check.tmp"), -1);
	end();
}

TG_TEST(file_a_body_that_cannot_be_read_is_not_delivered)
{
	begin("");
	rig_prepare(&tg_file_sink, "r/p/t", 1, 2);
	rig.body.fail_at_read = 1;
	TG_CHECK_INT(tg_file_sink.deliver(rig.state, &rig.delivery, &rig.now, &rig.why), 0);
	TG_CHECK_INT(tg_file_sink.step(rig.state, &rig.now, &rig.outcome, &rig.why),
		     TG_ERR_DAMAGED);
	deliver_and_ack("r/p/t", 1, 1, 2);
	end();
}

/* Standard output goes to a pipe; its reader leaves, and the program is told to stop. */
TG_TEST(file_standard_output)
{
	struct tg_sink_limits limits;
	int ends[2], saved = dup(1);
	char text[2048];
	ssize_t bytes;

	tg_loop_signals();
	configure(",\"path\":\"-\"");
	TG_CHECK_INT(rig.problems.count, 0);
	tg_file_sink.limits(rig.state, &limits);
	TG_CHECK(limits.in_flight_row && !limits.one_delivery_waits);
	TG_CHECK_INT(tg_file_sink.start(rig.state, &rig.arena, &rig.now, &rig.why), 0);
	TG_CHECK_INT(pipe(ends), 0);
	TG_CHECK(dup2(ends[1], 1) == 1);
	int err = deliver("r/p/t", 1, 1, 2);
	bytes = read(ends[0], text, sizeof(text) - 1);
	(void)close(ends[0]);
	int gone = deliver("r/p/t", 1, 3, 4);
	TG_CHECK(dup2(saved, 1) == 1);
	TG_CHECK_INT(err, 0);
	TG_CHECK(bytes > 0 && text[bytes - 1] == '\n');
	TG_CHECK_INT(gone, TG_ERR_STOPPED);
	TG_CHECK_INT(rig.outcome.receipt.bytes, 0);
	(void)close(ends[1]);
	(void)close(saved);
}

/* The last test: it may be skipped. A disk of 64 KiB fills up, is freed, and delivery goes on. */
TG_TEST(file_full_disk_is_waited_out)
{
	char mount_at[PATH_BYTES + 8];

	begin("");
	(void)snprintf(mount_at, sizeof(mount_at), "%s/out", root);
	if (mount("tidegate", mount_at, "tmpfs", 0, "size=64k") != 0) {
		end();
		printf("SKIP: a tmpfs cannot be mounted here\n");
		exit(77);
	}
	deliver_and_ack("r/p/t", 1, 1, 100);
	int64_t acked = size_of("r.p.t.000000000001.open");
	int full = deliver("r/p/t", 1, 101, 900);
	int64_t after = size_of("r.p.t.000000000001.open");
	char why[TG_WHY_BYTES_MAX];
	(void)memcpy(why, rig.why.text, sizeof(why));
	int enough = mount("tidegate", mount_at, "tmpfs", MS_REMOUNT, "size=4m");
	int again = deliver("r/p/t", 1, 101, 900);
	tg_file_sink.stop(rig.state);
	(void)umount(mount_at);
	end();
	TG_CHECK_INT(full, TG_ERR_NOSPC);
	TG_CHECK_INT(after, acked); /* what was written for nothing is given back */
	TG_CHECK(strstr(why, "full") != NULL);
	TG_CHECK_INT(enough, 0);
	TG_CHECK_INT(again, 0);
}
