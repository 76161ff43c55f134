#include "platform/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void tg_assert_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "ERR assert.failed at=%s:%d condition=\"%s\"\n", file, line, condition);
	abort();
}
