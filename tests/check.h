/* check.h - the whole test framework: included once in each test program, it brings main().
 *
 *      TG_TEST(json_refuses_trailing_bytes)
 *      {
 *              TG_CHECK(rc == TG_ERR_PROTOCOL);
 *              TG_CHECK_INT(pos, 7);
 *      }
 *
 * Tests run in the order in which they are written. A failed check prints its place and its values
 * and ends the program with 1. `PROGRAM NAME` runs one test alone; a run of no test at all fails.
 */
#ifndef TG_TESTS_CHECK_H
#define TG_TESTS_CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tg_test {
	const char *name;
	void (*run)(void);
	struct tg_test *next;
};

static struct tg_test *tg_tests_first, **tg_tests_end = &tg_tests_first;
static const char *tg_test_now = "";

/* clang-format off */
#define TG_TEST(test_name)                                                          \
	static void test_##test_name(void);                                         \
	__attribute__((constructor)) static void add_##test_name(void)              \
	{                                                                           \
		static struct tg_test test = { #test_name, test_##test_name, NULL }; \
		*tg_tests_end = &test;                                              \
		tg_tests_end = &test.next;                                          \
	}                                                                           \
	static void test_##test_name(void)

#define TG_FAIL(...)                                                                \
	do {                                                                        \
		fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, tg_test_now);    \
		fprintf(stderr, __VA_ARGS__);                                       \
		fprintf(stderr, "\n");                                              \
		exit(1);                                                            \
	} while (0)

/* The machine lacks something: CTest counts the program as skipped and shows the reason. */
#define TG_SKIP(...)                                                                \
	do {                                                                        \
		printf("SKIP: ");                                                   \
		printf(__VA_ARGS__);                                                \
		printf("\n");                                                       \
		exit(77);                                                           \
	} while (0)

#define TG_CHECK(condition)                                                         \
	do {                                                                        \
		if (!(condition))                                                   \
			TG_FAIL("%s", #condition);                                  \
	} while (0)

/* The seed that led here is part of the failure, so that it can be repeated. */
#define TG_CHECK_SEED(seed, condition)                                              \
	do {                                                                        \
		if (!(condition))                                                   \
			TG_FAIL("seed %" PRIu64 ": %s", (uint64_t)(seed), #condition); \
	} while (0)

#define TG_CHECK_INT(got, want)                                                     \
	do {                                                                        \
		int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);             \
		if (got_ != want_)                                                  \
			TG_FAIL("%s is %" PRId64 ", not %" PRId64, #got, got_, want_); \
	} while (0)

#define TG_CHECK_STR(got, want)                                                     \
	do {                                                                        \
		const char *got_ = (got), *want_ = (want);                          \
		if (strcmp(got_, want_) != 0)                                       \
			TG_FAIL("%s is \"%s\", not \"%s\"", #got, got_, want_);     \
	} while (0)

#define TG_CHECK_BYTES(got, got_bytes, want, want_bytes)                            \
	do {                                                                        \
		size_t got_n_ = (got_bytes), want_n_ = (want_bytes);                \
		if (got_n_ != want_n_ || memcmp((got), (want), got_n_) != 0)        \
			TG_FAIL("%s is \"%.*s\" (%zu bytes), not \"%.*s\" (%zu)", #got, \
				(int)got_n_, (const char *)(got), got_n_, (int)want_n_, \
				(const char *)(want), want_n_);                     \
	} while (0)
/* clang-format on */

/* How often to repeat something: less where a tool makes each step slow (TIDEGATE_SLOW). */
static inline unsigned tg_turns(unsigned count, unsigned count_slow)
{
	return getenv("TIDEGATE_SLOW") != NULL ? count_slow : count;
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	for (struct tg_test *test = tg_tests_first; test != NULL; test = test->next) {
		if (argc > 1 && strcmp(argv[1], test->name) != 0)
			continue;
		tg_test_now = test->name;
		test->run();
		count++;
	}
	printf("%u tests\n", count);
	return count == 0;
}

#endif
