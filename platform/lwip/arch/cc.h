/* cc.h - what lwIP must know of compiler and libc; found by its own name, <arch/cc.h>. */
#ifndef TG_LWIP_ARCH_CC_H
#define TG_LWIP_ARCH_CC_H

#include "platform/assert.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <sys/time.h>

uint32_t tg_lwip_random(void);
#define LWIP_RAND() tg_lwip_random()

/* lwIP's assertions end the process as ours do; what it would print is not for our log. */
#define LWIP_PLATFORM_ASSERT(text) tg_assert_failed(text, __FILE__, __LINE__)
#define LWIP_PLATFORM_DIAG(text) \
	do {                     \
	} while (0)

#endif
