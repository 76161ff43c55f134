#include "tests/vm/init/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 65536 };

static char text[TEXT_BYTES_MAX];

/* Reads /proc/PID/NAME into `text`, which is empty when there is none. */
static void slurp(pid_t pid, const char *name)
{
	char path[64];
	size_t length = 0;
	ssize_t got;
	int file;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	while (file >= 0 && (got = read(file, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	if (file >= 0)
		close(file);
}

/* Raises `highest` to the number behind the first `name` in `from`. */
static void raise_to(long *highest, const char *from, const char *name)
{
	const char *found = from == NULL ? NULL : strstr(from, name);
	long value = found == NULL ? 0 : strtol(found + strlen(name), NULL, 10);

	if (value > *highest)
		*highest = value;
}

void vm_memory_sample(pid_t pid, struct vm_memory *memory, int with_stack)
{
	/* Not `status`: Linux 6.1 counts there with an error of up to 64 pages. */
	slurp(pid, "smaps_rollup");
	raise_to(&memory->rss_anon_kib, text, "\nAnonymous:");
	raise_to(&memory->pss_kib, text, "\nPss:");
	if (with_stack) {
		slurp(pid, "smaps");
		raise_to(&memory->stack_kib, strstr(text, "[stack]"), "\nRss:");
	}
	memory->samples++;
}
