#include "tests/check.h"

#include "platform/file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/tidegate-file-XXXXXX";

static void remove_folder(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf -- %s", folder);
	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", folder);
}

static const char *path_of(const char *name)
{
	static char paths[4][128];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, 128, "%s/%s", folder, name);
	return path;
}

TG_TEST(file_00_folder)
{
	TG_CHECK(mkdtemp(folder) != NULL);
	atexit(remove_folder);
}

TG_TEST(file_writes_reads_and_cuts)
{
	uint8_t bytes[16];
	uint64_t size;
	int fd = tg_file_open(path_of("a"), 0640);

	TG_CHECK(fd >= 0);
	TG_CHECK_INT(tg_file_write_at(fd, (const uint8_t *)"0123456789", 10, 3), 0);
	TG_CHECK_INT(tg_file_sync(fd), 0);
	TG_CHECK_INT(tg_file_read_at(fd, bytes, sizeof(bytes), 0), 13);
	TG_CHECK_BYTES(bytes, 13,
		       "\0\0\0"
		       "0123456789",
		       13);
	TG_CHECK_INT(tg_file_read_at(fd, bytes, 4, 11), 2);
	TG_CHECK_INT(tg_file_read_at(fd, bytes, 4, 99), 0);
	TG_CHECK_INT(tg_file_truncate(fd, 5), 0);
	tg_file_close(fd);
	TG_CHECK_INT(tg_file_size(path_of("a"), &size), 0);
	TG_CHECK_INT(size, 5);
	struct stat about;
	TG_CHECK(stat(path_of("a"), &about) == 0);
	TG_CHECK_INT(about.st_mode & 0777 & ~0640u, 0);
}

TG_TEST(file_names_its_errors)
{
	uint64_t size;
	int fd;

	TG_CHECK_INT(tg_file_size(path_of("none"), &size), TG_ERR_MISSING);
	TG_CHECK_INT(tg_file_open_read(path_of("none")), TG_ERR_MISSING);
	TG_CHECK_INT(tg_file_open(path_of("none/a"), 0600), TG_ERR_MISSING);
	TG_CHECK_INT(tg_file_rename(path_of("none"), path_of("b")), TG_ERR_MISSING);
	TG_CHECK_INT(tg_file_err(EDQUOT), TG_ERR_NOSPC);
	TG_CHECK_INT(tg_file_err(EROFS), TG_ERR_ACCESS);
	TG_CHECK_INT(tg_file_err(EIO), TG_ERR_IO);
	if (access("/dev/full", W_OK) != 0)
		return;
	fd = tg_file_open("/dev/full", 0600);
	TG_CHECK(fd >= 0);
	TG_CHECK_INT(tg_file_write_at(fd, (const uint8_t *)"x", 1, 0), TG_ERR_NOSPC);
	tg_file_close(fd);
}

TG_TEST(file_makes_folders)
{
	TG_CHECK_INT(tg_file_make_folders(path_of("x/y//z/"), 0750), 0);
	TG_CHECK_INT(tg_file_make_folders(path_of("x/y/z"), 0750), 0);
	struct stat about;
	TG_CHECK(stat(path_of("x/y/z"), &about) == 0 && S_ISDIR(about.st_mode));
	int fd = tg_file_open(path_of("x/file"), 0600);
	TG_CHECK(fd >= 0);
	tg_file_close(fd);
	TG_CHECK(tg_file_make_folders(path_of("x/file/z"), 0750) < 0);
	TG_CHECK(tg_file_make_folders(path_of("x/file"), 0750) < 0);
	TG_CHECK(chdir(folder) == 0);
	TG_CHECK_INT(tg_file_make_folders("here", 0750), 0);
	TG_CHECK_INT(tg_file_rename("x/file", "here/file"), 0);
	TG_CHECK_INT(tg_file_rename("here/file", "file"), 0);
}

TG_TEST(file_reads_whole)
{
	char text[8];
	size_t bytes = 99;
	int fd = tg_file_open(path_of("w"), 0600);

	TG_CHECK(fd >= 0);
	TG_CHECK_INT(tg_file_write_at(fd, (const uint8_t *)"secret\n", 7, 0), 0);
	TG_CHECK_INT(tg_file_read_whole(path_of("w"), text, sizeof(text), &bytes), 0);
	TG_CHECK_INT(bytes, 7);
	TG_CHECK_STR(text, "secret\n");
	TG_CHECK_INT(tg_file_read_whole(path_of("w"), text, 7, &bytes), TG_ERR_LIMIT);
	TG_CHECK_INT(tg_file_read_whole(path_of("none"), text, 7, &bytes), TG_ERR_MISSING);
	tg_file_close(fd);
}

/* A store that was copied or restored is another file, even under the same name. */
TG_TEST(file_binding_knows_the_file)
{
	uint8_t first[16], again[16], copied[16];

	TG_CHECK_INT(tg_file_binding(path_of("w"), first), 0);
	TG_CHECK_INT(tg_file_binding(path_of("w"), again), 0);
	TG_CHECK_BYTES(again, 16, first, 16);
	TG_CHECK_INT(tg_file_rename(path_of("w"), path_of("w2")), 0);
	TG_CHECK_INT(tg_file_binding(path_of("w2"), again), 0);
	TG_CHECK_BYTES(again, 16, first, 16);
	int fd = tg_file_open(path_of("w"), 0600);
	TG_CHECK(fd >= 0);
	TG_CHECK_INT(tg_file_binding(path_of("w"), copied), 0);
	TG_CHECK(memcmp(copied, first, 16) != 0);
	TG_CHECK_INT(tg_file_binding(path_of("none"), copied), TG_ERR_MISSING);
	tg_file_close(fd);
}
