/* wake.h - how lwip_poll() comes to sleep for the kernel's descriptors too.
 *
 *      lwip_poll -> waits for its thread's semaphore, an eventfd -> poll(that, those watched, wake)
 *
 * lwIP's sockets and the kernel's descriptors are of two worlds, and lwip_poll() knows its own
 * only. But what it sleeps on is a semaphore of ours (sys_arch.c), and that wait ends for any of
 * these.
 *
 * Memory:  static.
 * Thread:  the loop's; tg_lwip_wake() any.
 */
#ifndef TG_LWIP_WAKE_H
#define TG_LWIP_WAKE_H

/* What the waits of this turn watch besides; `events` as in loop.h. */
void tg_lwip_watch_none(void);
void tg_lwip_watch(int fd, unsigned events);

/* Ends the loop's wait, now or, if it does not wait, the next one. */
void tg_lwip_wake(void);

#endif
