#include "app/cli/host.h"

#include "platform/clock.h"
#include "platform/crypto.h"
#include "platform/file.h"
#include "platform/loop.h"

static void turn(struct tg_turn *out)
{
	static struct tg_now now;

	now = tg_clock_now();
	*out = (struct tg_turn){ .mono_ms = now.mono_ms, .wall_ms = now.wall_ms, .now = &now };
}

static struct tg_wants *wants(void)
{
	static struct tg_wants list;

	tg_wants_clear(&list);
	return &list;
}

static uint64_t random64(void)
{
	uint64_t number = 0;

	tg_random(&number, sizeof(number));
	return number;
}

static uint64_t mono_ms(void)
{
	return tg_clock_now().mono_ms;
}

/* The group may look (`status`), nobody else. */
static int make_folder(const char *path)
{
	return tg_file_make_folders(path, 0750);
}

const struct tg_host tg_host_machine = {
	.turn = turn,
	.wants = wants,
	.wake_at = tg_wants_at,
	.wait = tg_loop_wait,
	.random = tg_random,
	.random64 = random64,
	.mono_ms = mono_ms,
	.binding = tg_file_binding,
	.make_folder = make_folder,
};
