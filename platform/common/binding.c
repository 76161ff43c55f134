#include "platform/crypto.h"
#include "platform/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Only what every user may read: a binding that root sees otherwise than the service would make
 * each `sudo tidegate status` look like a cloned machine. So no DMI serials, which are root's. */
static const char *const machine_files[] = {
	"/etc/machine-id",
	"/sys/firmware/devicetree/base/serial-number",
};

/* Of the disk that holds the store: `..` leads from a partition to its disk. */
static const char *const disk_files[] = {
	"/device/cid",     "/../device/cid", "/wwid",      "/../wwid",       "/device/wwid",
	"/../device/wwid", "/serial",        "/../serial", "/device/serial", "/../device/serial",
};

enum { BINDING_TEXT_BYTES_MAX = 4096 };

struct gathered {
	struct tg_out out;
	uint8_t text[BINDING_TEXT_BYTES_MAX];
};

/* A file that is missing or not ours to read is a fact about the machine too: it counts as
 * empty. */
static int add_file(struct gathered *all, const char *path)
{
	char text[256];
	size_t bytes = 0;
	int err = tg_file_read_whole(path, text, sizeof(text), &bytes);

	if (err != 0)
		bytes = 0;
	tg_out_put(&all->out, text, bytes);
	tg_out_byte(&all->out, '\n');
	return err == TG_ERR_MISSING || err == TG_ERR_ACCESS ? 0 : err;
}

static void add_disk(struct gathered *all, dev_t device)
{
	char path[96];

	for (size_t i = 0; i < sizeof(disk_files) / sizeof(disk_files[0]); i++) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u%s", major(device), minor(device),
			 disk_files[i]);
		/* Some drivers answer with an error for good: as good as empty. */
		(void)add_file(all, path);
	}
}

/* What the kernel answers to statx (linux/stat.h): we want the mask and the time of birth. */
struct birth {
	uint32_t mask, block_bytes;
	uint64_t others[9];
	int64_t seconds;
	uint32_t nanoseconds;
	uint8_t more[256 - 92];
};

_Static_assert(offsetof(struct birth, seconds) == 80 && sizeof(struct birth) == 256,
	       "struct birth is laid out by the kernel");

/* The C library's own statx is not called: musl has had one since 1.2.5 only, and a build without
 * it would take a copy that got the old inode's number for the original. */
static void add_birth(struct gathered *all, const char *path)
{
	enum { BIRTH = 0x800 };
	struct birth about = { .mask = 0 };
	uint64_t birth[2] = { 0, 0 };

	if (syscall(SYS_statx, AT_FDCWD, path, 0, BIRTH, &about) == 0 && about.mask & BIRTH) {
		birth[0] = (uint64_t)about.seconds;
		birth[1] = about.nanoseconds;
	}
	tg_out_put(&all->out, birth, sizeof(birth));
}

int tg_file_binding(const char *path, uint8_t binding[16])
{
	struct gathered all = { .out = { .cap = BINDING_TEXT_BYTES_MAX } };
	uint8_t digest[TG_SHA256_BYTES];
	struct stat about;

	if (stat(path, &about) != 0)
		return tg_file_err(errno);
	all.out.at = all.text;
	for (size_t i = 0; i < sizeof(machine_files) / sizeof(machine_files[0]); i++) {
		/* A disk that fails now must not make this another machine. */
		int err = add_file(&all, machine_files[i]);
		if (err != 0)
			return err;
	}
	add_disk(&all, about.st_dev);
	uint64_t inode = about.st_ino;
	tg_out_put(&all.out, &inode, sizeof(inode));
	add_birth(&all, path);
	tg_sha256(tg_view_of(all.text, tg_out_filled(&all.out)), digest);
	memcpy(binding, digest, 16);
	return 0;
}
