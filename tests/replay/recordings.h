/* recordings.h - recorded conversations: a folder of files of JSON, a line each.
 *
 * Included once by a test program.
 */
#ifndef TG_TESTS_REPLAY_RECORDINGS_H
#define TG_TESTS_REPLAY_RECORDINGS_H

#include <dirent.h>

#include "app/arena.h"
#include "drivers/json/json.h"
#include "tests/check.h"

enum { FILE_BYTES_MAX = 1 << 18 };

static char lines[FILE_BYTES_MAX];
static max_align_t json_memory[FILE_BYTES_MAX / 4];

/* The line at `*at`, which moves behind it; NULL at the end. Stays until the next call. */
static inline const struct tg_json *next_line(char **at)
{
	const struct tg_json *line = NULL;
	struct tg_arena arena;
	struct tg_why why;
	char *end = strchr(*at, '\n');

	if (end == NULL)
		return NULL;
	tg_arena_init(&arena, json_memory, sizeof(json_memory));
	if (tg_json_parse(tg_view_of(*at, (size_t)(end - *at)), &arena, &line, &why) != TG_OK)
		TG_FAIL("a line is not JSON: %s", why.text);
	*at = end + 1;
	return line;
}

/* The whole file, until the next call. */
static inline char *load(const char *folder, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "r");
	TG_CHECK(file != NULL);
	size_t bytes = fread(lines, 1, sizeof(lines) - 1, file);
	TG_CHECK(feof(file));
	fclose(file);
	lines[bytes] = '\0';
	return lines;
}

/* Calls `test` with the name of each recording; returns how many there are. */
static inline unsigned each(const char *path, void (*test)(const char *name))
{
	DIR *folder = opendir(path);
	unsigned count = 0;

	if (folder == NULL)
		TG_FAIL("%s is missing", path);
	for (struct dirent *i = readdir(folder); i != NULL; i = readdir(folder)) {
		if (strstr(i->d_name, ".jsonl") == NULL)
			continue;
		test(i->d_name);
		count++;
	}
	closedir(folder);
	return count;
}

#endif
