/* replay.c - runs a fuzz harness over its corpus where there is no libFuzzer.
 *
 * `PROGRAM FOLDER...` feeds each file as it is, then cut short at every length and with single bits
 * turned, so that even a small corpus walks the parser's ways out. No input at all is a failure.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum {
	INPUT_BYTES_MAX = 4 << 20,
	CUT_BYTES_MAX = 2048,   /* Longer files are cut at this many places, evenly spread. */
	TURN_COUNT = 512,
};

/* The copy has exactly the input's size, so that a read past its end is seen by ASan. */
static void feed(const uint8_t *data, size_t bytes)
{
	uint8_t *copy = malloc(bytes + (bytes == 0));

	if (copy == NULL)
		abort();
	if (bytes != 0)
		memcpy(copy, data, bytes);
	(void)LLVMFuzzerTestOneInput(copy, bytes);
	free(copy);
}

static void feed_variants(uint8_t *data, size_t bytes)
{
	size_t stride = bytes / CUT_BYTES_MAX + 1;
	uint32_t random = 2463534242U;

	feed(data, bytes);
	for (size_t cut = 0; cut < bytes; cut += stride)
		feed(data, cut);
	for (unsigned i = 0; i < TURN_COUNT && bytes != 0; i++) {
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		uint8_t *byte = &data[random % bytes];
		uint8_t before = *byte;
		*byte = (uint8_t)(before ^ (1U << (random >> 29)));
		feed(data, bytes);
		*byte = before;
	}
}

static unsigned replay_file(const char *path, uint8_t *room)
{
	FILE *file = fopen(path, "rb");
	size_t bytes;

	if (file == NULL) {
		fprintf(stderr, "%s cannot be opened\n", path);
		exit(1);
	}
	bytes = fread(room, 1, INPUT_BYTES_MAX, file);
	fclose(file);
	feed_variants(room, bytes);
	return 1;
}

static unsigned replay_folder(const char *folder, uint8_t *room)
{
	DIR *dir = opendir(folder);
	unsigned count = 0;

	if (dir == NULL) {
		fprintf(stderr, "%s: there is no such corpus; add at least one input\n", folder);
		exit(1);
	}
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		count += replay_file(path, room);
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	uint8_t *room = malloc(INPUT_BYTES_MAX);
	unsigned count = 0;

	if (room == NULL)
		return 1;
	for (int i = 1; i < argc; i++)
		count += replay_folder(argv[i], room);
	free(room);
	printf("%u inputs, each with its cuts and turned bits\n", count);
	return count == 0;
}
