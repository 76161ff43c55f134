/* sys_arch.h - lwIP's threads, locks, semaphores and mailboxes on POSIX threads and eventfd; found
 * by its own name, <arch/sys_arch.h>. What each call does is lwIP's doc/sys_arch.txt.
 *
 * Memory:  each lies where lwIP has placed it, in its static pools; a semaphore is a descriptor.
 */
#ifndef TG_LWIP_ARCH_SYS_ARCH_H
#define TG_LWIP_ARCH_SYS_ARCH_H

#include <lwip/opt.h>

#include <pthread.h>
#include <stdbool.h>

enum { TG_LWIP_MAIL_MAX = DEFAULT_TCP_RECVMBOX_SIZE }; /* the largest box that is asked for */

typedef int sys_prot_t;
typedef pthread_t sys_thread_t;
typedef pthread_mutex_t sys_mutex_t;

/* Binary, as lwIP needs it: an eventfd, so that a wait for it can be a wait for others too. */
struct tg_lwip_sem {
	int fd;
};
#define sys_sem_t struct tg_lwip_sem

/*  mail[(first + i) % size], i < used  */
struct tg_lwip_mailbox {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	void *mail[TG_LWIP_MAIL_MAX];
	unsigned size, first, used;
	bool valid;
};
#define sys_mbox_t struct tg_lwip_mailbox

#define sys_sem_valid(sem)           ((sem)->fd >= 0)
#define sys_sem_set_invalid(sem)     ((sem)->fd = -1)
#define sys_mbox_valid(box)          ((box)->valid)
#define sys_mbox_set_invalid(box)    ((box)->valid = false)
#define sys_mutex_valid(mutex)       true
#define sys_mutex_set_invalid(mutex) ((void)(mutex))

/* The semaphore of the calling thread. */
sys_sem_t *tg_lwip_thread_sem(void);
#define LWIP_NETCONN_THREAD_SEM_GET() tg_lwip_thread_sem()
#define LWIP_NETCONN_THREAD_SEM_ALLOC()
#define LWIP_NETCONN_THREAD_SEM_FREE()

#endif
