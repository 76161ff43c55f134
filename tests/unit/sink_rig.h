/* sink_rig.h - a sink with no program around it: its state, an arena, the test's own clock, and
 * deliveries made of numbers.
 *
 * Included once by a test program; fake_body.h's bodies come with it.
 */
#ifndef TG_TESTS_SINK_RIG_H
#define TG_TESTS_SINK_RIG_H

#include "app/arena.h"
#include "drivers/json/json.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/loop.h"
#include "tests/check.h"
#include "tests/unit/fake_body.h"

enum { ARENA_BYTES = 2 << 20 };

static const char instance[] = "plant-7-0123456789abcdef";

static struct {
	uint64_t state[CONFIG_TG_SINK_BYTES_MAX / sizeof(uint64_t)];
	uint8_t arena_bytes[ARENA_BYTES];
	struct tg_arena arena;
	struct tg_problems problems;
	struct tg_outcome outcome;
	struct tg_why why;
	struct tg_now now;
	struct tg_body body;
	struct tg_delivery delivery;
} rig;

/* The sink reads `text`, its part of a configuration; its faults are in rig.problems. */
static inline void rig_configure(const struct tg_sink_ops *ops, const char *text)
{
	const struct tg_json *config;
	struct tg_why why;

	tg_log_setup(TG_LOG_ERROR, false);
	tg_arena_init(&rig.arena, rig.arena_bytes, sizeof(rig.arena_bytes));
	memset(&rig.problems, 0, sizeof(rig.problems));
	TG_CHECK_INT(tg_json_parse(tg_view_str(text), &rig.arena, &config, &why), 0);
	ops->configure(rig.state, config, &rig.problems);
}

/* The records `first` to `last` of a stream as rig.delivery, which ops->deliver takes. */
static inline void rig_prepare(const struct tg_sink_ops *ops, const char *name, uint64_t first,
			       uint64_t last)
{
	struct tg_sink_limits limits;

	ops->limits(rig.state, &limits);
	rig.why.text[0] = '\0';
	rig.body = (struct tg_body){ .instance = instance,
				     .stream = name,
				     .first = first,
				     .last = last,
				     .framing = limits.framing };
	rig.delivery = (struct tg_delivery){ .instance = tg_view_str(instance),
					     .stream = tg_view_str(name),
					     .stream_number = 1,
					     .first = first,
					     .last = last,
					     .count = last - first + 1,
					     .body = &rig.body };
}

#endif
