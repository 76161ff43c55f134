/* memory.h - what a process takes, as the kernel counts it in /proc. */
#ifndef TG_VM_MEMORY_H
#define TG_VM_MEMORY_H

#include <sys/types.h>

/* The highest values seen, in KiB. */
struct vm_memory {
	long rss_anon_kib, pss_kib;
	long stack_kib; /* pages of the main stack ever touched: it gives none back */
	int samples;
};

/* Looks at the process. With `with_stack` the walk through all mappings is made too. */
void vm_memory_sample(pid_t pid, struct vm_memory *memory, int with_stack);

#endif
