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

void sys_arch_unprotect(sys_prot_t pval)
{
	(void)pval;
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

err_t sys_mbox_new(sys_mbox_t *mbox, int size)
{
	pthread_condattr_t how;

	TG_ASSERT(size > 0 && size <= TG_LWIP_MAIL_MAX);
	*mbox = (sys_mbox_t){ .size = (unsigned)size, .valid = true };
	TG_ASSERT(pthread_mutex_init(&mbox->lock, NULL) == 0);
	TG_ASSERT(pthread_condattr_init(&how) == 0);
	TG_ASSERT(pthread_condattr_setclock(&how, CLOCK_MONOTONIC) == 0);
	TG_ASSERT(pthread_cond_init(&mbox->changed, &how) == 0);
	(void)pthread_condattr_destroy(&how);
	return ERR_OK;
}

void sys_mbox_free(sys_mbox_t *mbox)
{
	TG_ASSERT(mbox->used == 0);
	(void)pthread_cond_destroy(&mbox->changed);
	(void)pthread_mutex_destroy(&mbox->lock);
}

/* With the box locked and room in it. */
static void put(sys_mbox_t *mbox, void *msg)
{
	mbox->mail[(mbox->first + mbox->used) % mbox->size] = msg;
	mbox->used++;
	(void)pthread_cond_broadcast(&mbox->changed);
}

/* With the box locked and something in it. */
static void take(sys_mbox_t *mbox, void **msg)
{
	if (msg != NULL)
		*msg = mbox->mail[mbox->first];
	mbox->first = (mbox->first + 1) % mbox->size;
	mbox->used--;
	(void)pthread_cond_broadcast(&mbox->changed);
}

void sys_mbox_post(sys_mbox_t *mbox, void *msg)
{
	(void)pthread_mutex_lock(&mbox->lock);
	while (mbox->used == mbox->size)
		(void)pthread_cond_wait(&mbox->changed, &mbox->lock);
	put(mbox, msg);
	(void)pthread_mutex_unlock(&mbox->lock);
}

/* A connection that is not read keeps a full mailbox: lwIP then lets the peer send again later. */
err_t sys_mbox_trypost(sys_mbox_t *mbox, void *msg)
{
	(void)pthread_mutex_lock(&mbox->lock);
	bool room = mbox->used < mbox->size;
	if (room)
		put(mbox, msg);
	(void)pthread_mutex_unlock(&mbox->lock);
	return room ? ERR_OK : ERR_MEM;
}

u32_t sys_arch_mbox_tryfetch(sys_mbox_t *mbox, void **msg)
{
	(void)pthread_mutex_lock(&mbox->lock);
	bool found = mbox->used > 0;
	if (found)
		take(mbox, msg);
	(void)pthread_mutex_unlock(&mbox->lock);
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

/* `timeout` is in milliseconds; 0 is for ever. */
u32_t sys_arch_mbox_fetch(sys_mbox_t *mbox, void **msg, u32_t timeout)
{
	struct timespec until = after(timeout);
	int waited = 0;

	(void)pthread_mutex_lock(&mbox->lock);
	while (mbox->used == 0 && waited == 0) {
		if (timeout == 0)
			waited = pthread_cond_wait(&mbox->changed, &mbox->lock);
		else
			waited = pthread_cond_timedwait(&mbox->changed, &mbox->lock, &until);
	}
	bool found = mbox->used > 0;
	if (found)
		take(mbox, msg);
	(void)pthread_mutex_unlock(&mbox->lock);
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
sys_thread_t sys_thread_new(const char *name, lwip_thread_fn thread, void *arg, int stacksize,
			    int prio)
{
	static struct start starts[2]; /* lwIP's own thread and the TAP's */
	static unsigned count;
	sigset_t all, before;
	pthread_attr_t how;
	pthread_t made;

	(void)name;
	(void)prio;
	TG_ASSERT(count < sizeof(starts) / sizeof(starts[0]));
	starts[count] = (struct start){ thread, arg };
	sigfillset(&all);
	TG_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	TG_ASSERT(pthread_attr_init(&how) == 0);
	TG_ASSERT(pthread_attr_setstacksize(&how, (size_t)stacksize) == 0);
	TG_ASSERT(pthread_create(&made, &how, run_thread, &starts[count++]) == 0);
	(void)pthread_attr_destroy(&how);
	TG_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	return made;
}
