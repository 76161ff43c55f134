/* assert.h - broken promises of our own code end the process, in release too.
 *
 * The watchdog restarts us from durable state; going on would put that state at risk. The message
 * names file and line, never a value.
 */
#ifndef TG_PLATFORM_ASSERT_H
#define TG_PLATFORM_ASSERT_H

_Noreturn void tg_assert_failed(const char *condition, const char *file, int line);

#define TG_ASSERT(condition) \
	((condition) ? (void)0 : tg_assert_failed(#condition, __FILE__, __LINE__))

#endif
