/* lwIP's threads, locks and mailboxes on POSIX threads; its semaphores are in wake.c. */
#include <lwip/sys.h>

#include "platform/crypto.h"

#include <signal.h>
#include <time.h>

enum { MS_A_SECOND = 1000, NS_A_MS = 1000000, NS_A_SECOND = 1000000000 };

static pthread_mutex_t core_lock;
static pthread_once_t core_once = PTHREAD_ONCE_INIT;

static struct timespec now(void)
{
	struct timespec at;

	TG_ASSERT(clock_gettime(CLOCK_MONOTONIC, &at) == 0);
	return at;
}

u32_t sys_now(void)
{
	struct timespec at = now();

	return (u32_t)((uint64_t)at.tv_sec * MS_A_SECOND + (uint64_t)at.tv_nsec / NS_A_MS);
}

uint32_t tg_lwip_random(void)
{
	uint32_t number;

	tg_random(&number, sizeof(number));
	return number;
}

/* --- locks ------------------------------------------------------------------------------------ */

static void make_core_lock(void)
{
	pthread_mutexattr_t how;

	TG_ASSERT(pthread_mutexattr_init(&how) == 0);
	TG_ASSERT(pthread_mutexattr_settype(&how, PTHREAD_MUTEX_RECURSIVE) == 0);
	TG_ASSERT(pthread_mutex_init(&core_lock, &how) == 0);
	(void)pthread_mutexattr_destroy(&how);
}

void sys_init(void)
{
	(void)pthread_once(&core_once, make_core_lock);
}

/* lwip_poll() may come before lwIP was started. */
sys_prot_t sys_arch_protect(void)
{
	sys_init();
	(void)pthread_mutex_lock(&core_lock);
	return 0;
}

void sys_arch_unprotect(sys_prot_t before)
{
	(void)before;
	(void)pthread_mutex_unlock(&core_lock);
}

err_t sys_mutex_new(sys_mutex_t *mutex)
{
	return pthread_mutex_init(mutex, NULL) == 0 ? ERR_OK : ERR_MEM;
}

void sys_mutex_lock(sys_mutex_t *mutex)
{
	TG_ASSERT(pthread_mutex_lock(mutex) == 0);
}

void sys_mutex_unlock(sys_mutex_t *mutex)
{
	TG_ASSERT(pthread_mutex_unlock(mutex) == 0);
}

void sys_mutex_free(sys_mutex_t *mutex)
{
	(void)pthread_mutex_destroy(mutex);
}

/* --- mailboxes -------------------------------------------------------------------------------- */

err_t sys_mbox_new(sys_mbox_t *box, int size)
{
	pthread_condattr_t how;

	TG_ASSERT(size > 0 && size <= TG_LWIP_MAIL_MAX);
	*box = (sys_mbox_t){ .size = (unsigned)size, .valid = true };
	TG_ASSERT(pthread_mutex_init(&box->lock, NULL) == 0);
	TG_ASSERT(pthread_condattr_init(&how) == 0);
	TG_ASSERT(pthread_condattr_setclock(&how, CLOCK_MONOTONIC) == 0);
	TG_ASSERT(pthread_cond_init(&box->changed, &how) == 0);
	(void)pthread_condattr_destroy(&how);
	return ERR_OK;
}

void sys_mbox_free(sys_mbox_t *box)
{
	TG_ASSERT(box->used == 0);
	(void)pthread_cond_destroy(&box->changed);
	(void)pthread_mutex_destroy(&box->lock);
}

/* With the box locked and room in it. */
static void put(sys_mbox_t *box, void *letter)
{
	box->mail[(box->first + box->used) % box->size] = letter;
	box->used++;
	(void)pthread_cond_broadcast(&box->changed);
}

/* With the box locked and something in it. */
static void take(sys_mbox_t *box, void **letter)
{
	if (letter != NULL)
		*letter = box->mail[box->first];
	box->first = (box->first + 1) % box->size;
	box->used--;
	(void)pthread_cond_broadcast(&box->changed);
}

void sys_mbox_post(sys_mbox_t *box, void *letter)
{
	(void)pthread_mutex_lock(&box->lock);
	while (box->used == box->size)
		(void)pthread_cond_wait(&box->changed, &box->lock);
	put(box, letter);
	(void)pthread_mutex_unlock(&box->lock);
}

/* A connection that is not read keeps a full mailbox: lwIP then lets the peer send again later. */
err_t sys_mbox_trypost(sys_mbox_t *box, void *letter)
{
	(void)pthread_mutex_lock(&box->lock);
	bool room = box->used < box->size;
	if (room)
		put(box, letter);
	(void)pthread_mutex_unlock(&box->lock);
	return room ? ERR_OK : ERR_MEM;
}

u32_t sys_arch_mbox_tryfetch(sys_mbox_t *box, void **letter)
{
	(void)pthread_mutex_lock(&box->lock);
	bool found = box->used > 0;
	if (found)
		take(box, letter);
	(void)pthread_mutex_unlock(&box->lock);
	return found ? 0 : SYS_MBOX_EMPTY;
}

static struct timespec after(u32_t span_ms)
{
	struct timespec at = now();

	at.tv_sec += span_ms / MS_A_SECOND;
	at.tv_nsec += (long)(span_ms % MS_A_SECOND) * NS_A_MS;
	if (at.tv_nsec >= NS_A_SECOND) {
		at.tv_sec++;
		at.tv_nsec -= NS_A_SECOND;
	}
	return at;
}

/* A span of 0 is for ever. */
u32_t sys_arch_mbox_fetch(sys_mbox_t *box, void **letter, u32_t span_ms)
{
	struct timespec until = after(span_ms);
	int waited = 0;

	(void)pthread_mutex_lock(&box->lock);
	while (box->used == 0 && waited == 0) {
		if (span_ms == 0)
			waited = pthread_cond_wait(&box->changed, &box->lock);
		else
			waited = pthread_cond_timedwait(&box->changed, &box->lock, &until);
	}
	bool found = box->used > 0;
	if (found)
		take(box, letter);
	(void)pthread_mutex_unlock(&box->lock);
	return found ? 0 : SYS_ARCH_TIMEOUT;
}

/* --- threads ---------------------------------------------------------------------------------- */

struct start {
	lwip_thread_fn run;
	void *argument;
};

static void *run_thread(void *argument)
{
	struct start *start = argument;

	start->run(start->argument);
	return NULL;
}

/* A signal is for the loop's thread, whose wait it ends: lwIP's threads take none. */
sys_thread_t sys_thread_new(const char *name, lwip_thread_fn run, void *argument, int stack_bytes,
			    int priority)
{
	static struct start starts[2]; /* lwIP's own thread and the TAP's */
	static unsigned count;
	sigset_t all, before;
	pthread_attr_t how;
	pthread_t thread;

	(void)name;
	(void)priority;
	TG_ASSERT(count < sizeof(starts) / sizeof(starts[0]));
	starts[count] = (struct start){ run, argument };
	sigfillset(&all);
	TG_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	TG_ASSERT(pthread_attr_init(&how) == 0);
	TG_ASSERT(pthread_attr_setstacksize(&how, (size_t)stack_bytes) == 0);
	TG_ASSERT(pthread_create(&thread, &how, run_thread, &starts[count++]) == 0);
	(void)pthread_attr_destroy(&how);
	TG_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	return thread;
}
