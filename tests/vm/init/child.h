/* child.h - runs programs, watches what they take, and says how they ended.
 *
 * A program is traced to its last moment only (PTRACE_O_TRACEEXIT), where its memory still stands:
 * the pages of its stack that were ever touched are counted there.
 */
#ifndef TG_VM_CHILD_H
#define TG_VM_CHILD_H

#include <stdint.h>
#include <sys/types.h>

/* What holds for every program started from now on. */
struct vm_limits {
	uint64_t stack_bytes; /* 0: the kernel's own limit */
	int sample_ms;        /* memory is looked at so often; 0: only at the end */
};

/* Runs `words` to its end, its output sent as frames, then the result. */
void vm_child_run(char **words, const struct vm_limits *limits);

/* Starts `words`, its output into the file `path`; answers with its pid. */
void vm_child_start(const char *path, char **words, const struct vm_limits *limits);

/* Waits for what vm_child_start started; the result is as vm_child_run's. */
void vm_child_wait(pid_t pid, const struct vm_limits *limits);

#endif
