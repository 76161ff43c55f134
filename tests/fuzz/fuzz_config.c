/* fuzz_config.c - any bytes as a configuration: ours, or the seed's when the first byte is odd. */
#define _GNU_SOURCE /* memfd_create */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/cli/config.h"
#include "drivers/registry.h"
#include "platform/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static max_align_t kept_at[TG_CONFIG_KEPT_BYTES / sizeof(max_align_t) + 1];
static max_align_t scratch_at[TG_CONFIG_SCRATCH_BYTES / sizeof(max_align_t) + 1];
static struct tg_config config;
static struct tg_problems problems;

/* A file in memory, written anew each time. */
static const char *file_of(const uint8_t *data, size_t bytes)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("config", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, bytes, 0) != (ssize_t)bytes)
		abort();
	return path;
}

static void check_result(int rc)
{
	TG_ASSERT((rc == TG_OK) == (problems.count == 0));
	for (uint32_t i = 0; i < problems.count && i < TG_PROBLEMS_MAX; i++)
		TG_ASSERT(memchr(problems.text[i], '\0', TG_PROBLEM_BYTES_MAX) != NULL);
	for (uint32_t i = 0; rc == TG_OK && i < config.sink_count; i++)
		TG_ASSERT(config.sinks[i].state != NULL && config.sinks[i].streams.bytes > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tg_arena kept, scratch;
	bool flat = bytes > 0 && (data[0] & 1) != 0;

	if (bytes == 0)
		return 0;
	tg_arena_init(&kept, kept_at, sizeof(kept_at));
	tg_arena_init(&scratch, scratch_at, sizeof(scratch_at));
	const char *path = file_of(data + 1, bytes - 1);
	const struct tg_config_job job = {
		.file = flat ? NULL : path,
		.flat = flat ? path : NULL,
		.flat_type = (data[0] & 2) != 0 ? "ravendb" : "rethinkdb",
		.to = "/nowhere",
		.registry = &tg_drivers,
		.kept = &kept,
		.scratch = &scratch,
	};
	check_result(tg_config_load(&job, &config, &problems));
	memset(kept_at, 0, kept.used);
	return 0;
}
