/* raven_case.h - what the replay tests of the RavenDB source share: one world, nodes A and B, and a
 * database of orders and customers. Included once in each test program.
 */
#ifndef TG_TESTS_REPLAY_RAVEN_CASE_H
#define TG_TESTS_REPLAY_RAVEN_CASE_H

#include "tests/check.h"
#include "tests/replay/raven_world.h"

static struct tg_raven_world world;
static struct tg_raven_peer a;

#define PAGES ",\"batch_size\":10"

static inline void fill(unsigned count)
{
	char id[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(id, sizeof(id), "orders/%u", i);
		tg_raven_peer_put(&a, id, "Orders", i);
		if (i % 3 == 0) {
			snprintf(id, sizeof(id), "customers/%u", i);
			tg_raven_peer_put(&a, id, "Customers", i);
		}
	}
}

static inline void start(const char *config)
{
	tg_raven_peer_start(&a, "A");
	tg_raven_world_start(&world, &a, NULL, config);
}

static inline void stop(void)
{
	tg_raven_peer_stop(&a);
}

static inline void run(void)
{
	a.log[0] = '\0';
	a.calls = a.unchanged = 0;
	int rc = tg_raven_world_run(&world);
	if (rc != TG_OK)
		TG_FAIL("%s", world.why.text);
}

static inline struct tg_raven_world_stream *orders(void)
{
	return tg_raven_world_stream(&world, "seed/Orders");
}

static inline void check_equal(void)
{
	TG_CHECK(orders()->complete);
	TG_CHECK(tg_raven_world_equal(&world, &a, "Orders"));
}

static inline bool asked(const char *what)
{
	return strstr(a.log, what) != NULL;
}

#endif
