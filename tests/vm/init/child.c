#include "tests/vm/init/child.h"

#include "tests/vm/init/channel.h"
#include "tests/vm/init/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHILDREN_MAX = 16, STILL_MS = 10, TRACE_EXIT = 0x40, TRACE_EVENT_EXIT = 6 };

struct child {
	pid_t pid; /* 0: a free place */
	int status, ended;
	int64_t started_ms, ended_ms;
	struct rusage usage;
	struct vm_memory memory;
};

static struct child children[CHILDREN_MAX];

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t ms_of(struct timeval time)
{
	return (int64_t)time.tv_sec * 1000 + time.tv_usec / 1000;
}

static struct child *find(pid_t pid)
{
	for (int i = 0; i < CHILDREN_MAX; i++)
		if (children[i].pid == pid)
			return &children[i];
	return NULL;
}

/* In the new process: waits for the tracer's word, then becomes the program. */
__attribute__((noreturn)) static void become(char **words, const int *ends, uint64_t stack_bytes)
{
	struct rlimit stack = { stack_bytes, stack_bytes };
	char go;

	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(ends[1], STDOUT_FILENO);
	dup2(ends[2], STDERR_FILENO);
	if (stack_bytes != 0 && setrlimit(RLIMIT_STACK, &stack) != 0)
		perror("setrlimit");
	if (read(ends[0], &go, 1) != 1)
		_exit(126);
	execv(words[0], words);
	perror(words[0]);
	_exit(127);
}

/* Starts `words` with these two descriptors as its outputs; NULL and errno when it cannot. */
static struct child *spawn(char **words, const int *outputs, uint64_t stack_bytes)
{
	struct child *child = find(0);
	int gate[2];

	if (child == NULL || pipe2(gate, O_CLOEXEC) != 0)
		return NULL;
	*child = (struct child){ .started_ms = now_ms() };
	child->pid = fork();
	if (child->pid == 0)
		become(words, (int[]){ gate[0], outputs[0], outputs[1] }, stack_bytes);
	if (child->pid > 0 && ptrace(PTRACE_SEIZE, child->pid, 0, TRACE_EXIT) != 0)
		perror("init: ptrace");
	if (write(gate[1], "g", 1) != 1)
		perror("init: the new program");
	close(gate[0]);
	close(gate[1]);
	if (child->pid < 0)
		child->pid = 0;
	return child->pid == 0 ? NULL : child;
}

/* A traced program stopped: at its end its memory is read; a signal is handed on. */
static void go_on(pid_t pid, int status, struct child *child)
{
	int signal_number = WSTOPSIG(status);

	if (status >> 8 == (SIGTRAP | TRACE_EVENT_EXIT << 8)) {
		if (child != NULL)
			vm_memory_sample(pid, &child->memory, 1);
		signal_number = 0;
	} else if (status >> 16 != 0) {
		signal_number = 0;
	}
	ptrace(PTRACE_CONT, pid, 0, (long)signal_number);
}

/* Takes note of all that happened to any process: the first process inherits every orphan. */
static void reap(void)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG | __WALL, &usage)) > 0) {
		struct child *child = find(pid);

		if (WIFSTOPPED(status)) {
			go_on(pid, status, child);
		} else if (child != NULL) {
			child->ended = 1;
			child->ended_ms = now_ms();
			child->status = status;
			child->usage = usage;
		}
	}
}

/* Sends what a pipe holds; returns 0 at its end. */
static int forward(struct pollfd *from, char kind)
{
	char bytes[4096];
	ssize_t got;

	if (from->fd < 0 || from->revents == 0)
		return from->fd >= 0;
	got = read(from->fd, bytes, sizeof(bytes));
	if (got > 0) {
		vm_send(kind, bytes, (size_t)got);
		return 1;
	}
	close(from->fd);
	from->fd = -1;
	return 0;
}

/* Waits until the child has ended and its pipes, if any, are empty. An orphan that keeps a pipe
 * open does not count: what lies in it when the child has ended is the last that is read. */
static void follow(struct child *child, struct pollfd *pipes, const struct vm_limits *limits)
{
	int step_ms = limits->sample_ms > 0 ? limits->sample_ms : STILL_MS;
	int64_t sample_at_ms = now_ms() + step_ms;

	for (;;) {
		int last = child->ended;
		int ready = poll(pipes, 2, last ? 0 : step_ms);

		forward(&pipes[0], 'o');
		forward(&pipes[1], 'e');
		if (last && ready <= 0)
			return;
		reap();
		if (limits->sample_ms > 0 && !child->ended && now_ms() >= sample_at_ms) {
			vm_memory_sample(child->pid, &child->memory, 0);
			sample_at_ms = now_ms() + step_ms;
		}
	}
}

static void report(struct child *child)
{
	int code = WIFEXITED(child->status) ? WEXITSTATUS(child->status) : -1;
	int signal_number = WIFSIGNALED(child->status) ? WTERMSIG(child->status) : 0;
	const struct vm_memory *memory = &child->memory;

	vm_result("code=%d signal=%d ms=%lld user_ms=%lld system_ms=%lld samples=%d "
		  "rss_anon_kib=%ld pss_kib=%ld rss_kib=%ld stack_kib=%ld",
		  code, signal_number, (long long)(child->ended_ms - child->started_ms),
		  (long long)ms_of(child->usage.ru_utime), (long long)ms_of(child->usage.ru_stime),
		  memory->samples, memory->rss_anon_kib, memory->pss_kib, child->usage.ru_maxrss,
		  memory->stack_kib);
	child->pid = 0;
}

void vm_child_run(char **words, const struct vm_limits *limits)
{
	struct pollfd pipes[2] = { { .events = POLLIN }, { .events = POLLIN } };
	int out[2], err[2];
	struct child *child;

	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
		vm_failed("pipe");
		return;
	}
	child = spawn(words, (int[]){ out[1], err[1] }, limits->stack_bytes);
	close(out[1]);
	close(err[1]);
	pipes[0].fd = out[0];
	pipes[1].fd = err[0];
	if (child != NULL) {
		follow(child, pipes, limits);
		report(child);
	} else {
		vm_failed(words[0]);
	}
	for (int i = 0; i < 2; i++)
		if (pipes[i].fd >= 0)
			close(pipes[i].fd);
}

void vm_child_start(const char *path, char **words, const struct vm_limits *limits)
{
	int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	struct child *child = NULL;

	if (file >= 0)
		child = spawn(words, (int[]){ file, file }, limits->stack_bytes);
	if (child != NULL)
		vm_result("pid=%d", (int)child->pid);
	else
		vm_failed(file < 0 ? path : words[0]);
	if (file >= 0)
		close(file);
}

void vm_child_wait(pid_t pid, const struct vm_limits *limits)
{
	struct pollfd none[2] = { { .fd = -1 }, { .fd = -1 } };
	struct child *child = pid > 0 ? find(pid) : NULL;

	if (child == NULL) {
		errno = ESRCH;
		vm_failed("wait");
		return;
	}
	follow(child, none, limits);
	report(child);
}
