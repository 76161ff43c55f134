#include "platform/assert.h"
#include "platform/crypto.h"

#include <errno.h>
#include <sys/random.h>

void tg_random(void *at, size_t bytes)
{
	uint8_t *to = at;

	while (bytes > 0) {
		ssize_t got = getrandom(to, bytes, 0);
		if (got < 0 && errno == EINTR)
			continue;
		/* A kernel without getrandom (before 3.17) cannot make keys: nothing else may. */
		TG_ASSERT(got > 0);
		to += got;
		bytes -= (size_t)got;
	}
}
