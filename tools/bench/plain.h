/* plain.h - what the plain peers share: a connection, and what it cost. */
#ifndef TG_TOOLS_BENCH_PLAIN_H
#define TG_TOOLS_BENCH_PLAIN_H

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static inline void plain_fail(const char *what)
{
	fprintf(stderr, "plain peer: %s\n", what);
	exit(1);
}

/* A connected socket, for the caller to close. */
static inline int plain_dial(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	int yes = 1;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		plain_fail("the host is not known");
	int fd = socket(found->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0)
		plain_fail("cannot connect");
	freeaddrinfo(found);
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) != 0)
		plain_fail("no TCP_NODELAY");
	return fd;
}

static inline double plain_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline double plain_cpu_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* `{"seconds": S, "cpu": S, "bytes": N, WHAT: N}` */
static inline void plain_report(double began, uint64_t bytes, const char *what, uint64_t count)
{
	printf("{\"seconds\": %.6f, \"cpu\": %.6f, \"bytes\": %llu, \"%s\": %llu}\n",
	       plain_seconds() - began, plain_cpu_seconds(), (unsigned long long)bytes, what,
	       (unsigned long long)count);
}

#endif
