#define _XOPEN_SOURCE 700 /* nftw */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/plan.h"
#include "tests/fault/unsynced.h"

enum name_kind { NAME_MADE, NAME_RENAMED, NAME_REMOVED };

/* One change of a folder's names that no sync of the folder covers yet. */
struct name {
	enum name_kind kind;
	dev_t dev; /* the folder */
	ino_t ino;
	char *path, *to;
	char *kept; /* a second link to what the change hides; NULL: nothing was there */
};

static struct name *names;
static size_t name_count, name_cap;

static _Noreturn void fail(const char *what)
{
	perror(what);
	abort();
}

/* Absolute, since the process may have a relative path in hand. */
static char *whole(const char *path)
{
	char here[PATH_MAX], *text = malloc(2 * PATH_MAX);

	if (text == NULL || getcwd(here, sizeof(here)) == NULL)
		fail("names: getcwd");
	int bytes = path[0] == '/' ? snprintf(text, PATH_MAX, "%s", path)
				   : snprintf(text, 2 * PATH_MAX, "%s/%s", here, path);
	while (bytes > 1 && text[bytes - 1] == '/')
		text[--bytes] = '\0';
	return text;
}

static size_t folder_bytes(const char *path)
{
	return (size_t)(strrchr(path, '/') - path);
}

static struct name *add(enum name_kind kind, const char *path)
{
	struct stat about;

	if (name_count == name_cap) {
		name_cap = name_cap == 0 ? 64 : name_cap * 2;
		names = realloc(names, name_cap * sizeof(*names));
		if (names == NULL)
			fail("names: realloc");
	}
	struct name *name = &names[name_count++];
	memset(name, 0, sizeof(*name));
	name->kind = kind;
	name->path = whole(path);
	char *slash = name->path + folder_bytes(name->path);
	*slash = '\0';
	if (stat(slash == name->path ? "/" : name->path, &about) != 0)
		fail("names: stat");
	*slash = '/';
	name->dev = about.st_dev;
	name->ino = about.st_ino;
	return name;
}

/* A second link beside `path`, under a name that nobody looks for. */
static char *keep(const char *path)
{
	static unsigned serial;
	char *kept = malloc(PATH_MAX);

	if (kept == NULL)
		fail("names: malloc");
	snprintf(kept, PATH_MAX, "%.*s/.unsynced-%ld-%u", (int)folder_bytes(path), path,
		 (long)getpid(), serial++);
	if (link(path, kept) == 0)
		return kept;
	free(kept);
	return NULL;
}

void tg_unsynced_made(const char *path)
{
	(void)add(NAME_MADE, path);
}

void tg_unsynced_rename(const char *from, const char *to)
{
	struct name *name = add(NAME_RENAMED, from);

	name->to = whole(to);
	if (strncmp(name->path, name->to, folder_bytes(name->path) + 1) != 0)
		fail("names: a rename between folders");
	name->kept = keep(name->to);
}

void tg_unsynced_unlink(const char *path)
{
	struct name *name = add(NAME_REMOVED, path);

	name->kept = keep(name->path);
}

static void drop(struct name *name)
{
	if (name->kept != NULL)
		(void)__real_unlink(name->kept);
	free(name->path);
	free(name->to);
	free(name->kept);
}

void tg_unsynced_sync_folder(int fd)
{
	struct stat about;
	size_t kept = 0;

	if (fstat(fd, &about) != 0)
		fail("names: fstat");
	for (size_t i = 0; i < name_count; i++) {
		if (names[i].dev == about.st_dev && names[i].ino == about.st_ino)
			drop(&names[i]);
		else
			names[kept++] = names[i];
	}
	name_count = kept;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
	(void)about;
	(void)kind;
	(void)where;
	return remove(path);
}

/* What others did meanwhile (a consumer took the file) stands. */
static void undo(struct name *name)
{
	int rc = 0;

	if (name->kind == NAME_MADE)
		rc = nftw(name->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	else if (name->kind == NAME_RENAMED)
		rc = __real_rename(name->to, name->path);
	if (rc != 0 && errno != ENOENT)
		fail("names: undo");
	if (name->kept != NULL &&
	    __real_rename(name->kept, name->kind == NAME_RENAMED ? name->to : name->path) != 0)
		fail("names: undo");
	free(name->kept);
	name->kept = NULL;
}

/* Of each folder the first changes survive, the others are undone, the last one first. */
void tg_unsynced_cut_folders(void)
{
	bool *undone = calloc(name_count + 1, sizeof(*undone));

	if (undone == NULL)
		fail("names: calloc");
	for (size_t i = 0; i < name_count; i++) {
		for (size_t j = 0; j < i; j++)
			if (names[j].dev == names[i].dev && names[j].ino == names[i].ino)
				undone[i] |= undone[j];
		undone[i] |= tg_fault_random(3) > 0;
	}
	for (size_t i = name_count; i-- > 0;) {
		if (undone[i])
			undo(&names[i]);
		drop(&names[i]);
	}
	free(undone);
	name_count = 0;
}
