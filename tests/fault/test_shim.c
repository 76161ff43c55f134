/* Tests of the shim itself: a fault ring that injects nothing would pass everything. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/fault/plan.h"

int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_pread(int fd, void *at, size_t bytes, off_t offset);

enum { PAGE = 4096, PAGES = 64 };

static char folder[64];

/* Runs `work` in a process of its own with TG_FAULT=`fault`, in a folder of its own. */
static int run(const char *fault, void (*work)(void))
{
	snprintf(folder, sizeof(folder), "/tmp/tg-shim-XXXXXX");
	TG_CHECK(mkdtemp(folder) != NULL);
	pid_t child = fork();
	if (child == 0) {
		TG_CHECK(setenv("TG_FAULT", fault, 1) == 0 && chdir(folder) == 0);
		work();
		_exit(0);
	}
	int status = 0;
	TG_CHECK(child > 0 && waitpid(child, &status, 0) == child);
	TG_CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void clean(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	TG_CHECK_INT(system(command), 0);
}

static bool is_there(const char *name)
{
	char path[128];
	struct stat about;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return stat(path, &about) == 0;
}

/* How many pages of `name` hold nothing but `byte`, and how many bytes the file has. */
static unsigned pages_of(const char *name, int byte, off_t *bytes)
{
	char path[128], page[PAGE], want[PAGE];
	unsigned count = 0;
	struct stat about;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	TG_CHECK(stat(path, &about) == 0);
	*bytes = about.st_size;
	memset(want, byte, sizeof(want));
	int fd = __real_open(path, O_RDONLY);
	TG_CHECK(fd >= 0);
	for (off_t at = 0; at + PAGE <= about.st_size; at += PAGE)
		if (__real_pread(fd, page, PAGE, at) == PAGE && memcmp(page, want, PAGE) == 0)
			count++;
	__real_close(fd);
	return count;
}

static int make(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);

	TG_CHECK(fd >= 0);
	return fd;
}

static void fill(int fd, int byte, off_t pages)
{
	char page[PAGE];

	memset(page, byte, sizeof(page));
	for (off_t at = 0; at < pages; at++)
		TG_CHECK_INT(pwrite(fd, page, PAGE, at * PAGE), PAGE);
}

static void sync_names(void)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY);

	TG_CHECK(fd >= 0 && fsync(fd) == 0 && close(fd) == 0);
}

static void old_then_new(void)
{
	int fd = make("a");

	sync_names();
	fill(fd, 'o', PAGES);
	TG_CHECK_INT(fdatasync(fd), 0);
	fill(fd, 'n', PAGES);
	TG_CHECK_INT(unlink("nothing") == -1 && errno == ENOENT, 1);
}

TG_TEST(shim_power_undoes_what_is_not_synced)
{
	off_t bytes;

	/* 1 open, 2-4 the folder, 64 writes, a sync, 64 writes, then the cut. */
	TG_CHECK_INT(run("at=134,do=power,seed=7", old_then_new), TG_FAULT_POWER_CODE);
	unsigned new_pages = pages_of("a", 'n', &bytes), old_pages = pages_of("a", 'o', &bytes);
	TG_CHECK_INT(bytes, PAGES * PAGE);
	TG_CHECK(new_pages > 0 && old_pages > 0 && new_pages + old_pages < PAGES);
	clean();
}

static void all_synced(void)
{
	int fd = make("a");

	sync_names();
	fill(fd, 'n', PAGES);
	TG_CHECK_INT(fdatasync(fd), 0);
	TG_CHECK_INT(rename("a", "b"), 0);
	sync_names();
	(void)unlink("nothing");
}

TG_TEST(shim_power_spares_what_is_synced)
{
	off_t bytes;

	TG_CHECK_INT(run("calls=unlink,at=1,do=power,seed=1", all_synced), TG_FAULT_POWER_CODE);
	TG_CHECK_INT(pages_of("b", 'n', &bytes), PAGES);
	clean();
}

TG_TEST(shim_left_out_sync_is_undone)
{
	off_t bytes;

	TG_CHECK_INT(run("calls=unlink,at=1,do=power,seed=1,nosync=*/a", all_synced),
		     TG_FAULT_POWER_CODE);
	TG_CHECK(pages_of("b", 'n', &bytes) < PAGES);
	clean();
}

static void names(void)
{
	__real_close(make("a"));
	__real_close(make("c"));
	sync_names();
	TG_CHECK_INT(rename("a", "b"), 0);
	TG_CHECK_INT(unlink("c"), 0);
	__real_close(make("d"));
	TG_CHECK_INT(mkdir("e", 0700), 0);
	(void)unlink("nothing");
}

/* The first changes of a folder survive, the others do not: never the other way round. */
TG_TEST(shim_names_need_their_folder)
{
	unsigned undone[5] = { 0 };

	for (unsigned seed = 1; seed <= 40; seed++) {
		char fault[64];
		snprintf(fault, sizeof(fault), "calls=unlink,at=2,do=power,seed=%u", seed);
		TG_CHECK_INT(run(fault, names), TG_FAULT_POWER_CODE);
		int done = is_there("b") + !is_there("c") + is_there("d") + is_there("e");
		TG_CHECK_SEED(seed, is_there("a") != is_there("b"));
		TG_CHECK_SEED(seed, is_there("b") >= !is_there("c"));
		TG_CHECK_SEED(seed, !is_there("c") >= is_there("d"));
		TG_CHECK_SEED(seed, is_there("d") >= is_there("e"));
		undone[done]++;
		clean();
	}
	TG_CHECK(undone[0] > 0 && undone[1] > 0 && undone[2] > 0);
}

static void sync_fails(void)
{
	int fd = make("a");

	sync_names();
	fill(fd, 'n', PAGES);
	TG_CHECK(fdatasync(fd) == -1 && errno == EIO);
	TG_CHECK_INT(fdatasync(fd), 0); /* lies: the pages were marked clean */
	(void)unlink("nothing");
}

TG_TEST(shim_failed_sync_stays_failed)
{
	off_t bytes;

	TG_CHECK_INT(run("calls=fdatasync+unlink,at=1,do=fail,errno=EIO,cut=3,seed=3", sync_fails),
		     TG_FAULT_POWER_CODE);
	TG_CHECK(pages_of("a", 'n', &bytes) < PAGES);
	clean();
}

static void torn(void)
{
	char page[PAGE] = { 0 };
	int fd = make("a");

	TG_CHECK(pwrite(fd, page, PAGE, 0) == -1 && errno == ENOSPC);
}

TG_TEST(shim_tears_a_write)
{
	off_t bytes;

	TG_CHECK_INT(run("calls=pwrite,at=1,do=tear,errno=ENOSPC", torn), 0);
	TG_CHECK_INT((pages_of("a", 0, &bytes), bytes), PAGE / 2);
	clean();
	TG_CHECK_INT(run("calls=pwrite,at=1,do=tearexit", torn), TG_FAULT_EXIT_CODE);
	TG_CHECK_INT((pages_of("a", 0, &bytes), bytes), PAGE / 2);
	clean();
}

static void one_call(void)
{
	__real_close(make("a"));
}

TG_TEST(shim_refuses_what_it_does_not_know)
{
	TG_CHECK_INT(run("at=1,do=nothing", one_call), 2);
	clean();
	TG_CHECK_INT(run("att=1", one_call), 2);
	clean();
	TG_CHECK_INT(run("at=1,do=exit", one_call), TG_FAULT_EXIT_CODE);
	TG_CHECK(!is_there("a"));
	clean();
}
