/* descriptors.h - how many descriptors this process has open, to see that none is left. */
#ifndef TG_TESTS_DESCRIPTORS_H
#define TG_TESTS_DESCRIPTORS_H

#include <dirent.h>

#include "tests/check.h"

static inline unsigned open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	TG_CHECK(folder != NULL);
	while (readdir(folder) != NULL)
		count++;
	(void)closedir(folder);
	return count;
}

#endif
