/* The first process of the test machine: brings the drivers up, then does what the host asks. */
#include "tests/vm/init/channel.h"
#include "tests/vm/init/child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MODULES "/modules"

static struct vm_limits limits;

static void load_module(const char *name)
{
	char path[256];
	int file;

	snprintf(path, sizeof(path), MODULES "/%s", name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || syscall(SYS_finit_module, file, "", 0) != 0)
		fprintf(stderr, "init: %s: %s\n", name, strerror(errno));
	if (file >= 0)
		close(file);
}

/* Each module comes behind those that it needs: the host wrote the list so. */
static void load_modules(void)
{
	FILE *list = fopen(MODULES "/list", "re");
	char name[128];

	while (list != NULL && fscanf(list, "%127s", name) == 1)
		load_module(name);
	if (list != NULL)
		fclose(list);
}

static int set_interface(int fd, struct ifreq *request, char **words)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	inet_pton(AF_INET, words[0], &address.sin_addr);
	memcpy(&request->ifr_addr, &address, sizeof(address));
	if (ioctl(fd, SIOCSIFADDR, request) != 0)
		return -1;
	inet_pton(AF_INET, words[1], &address.sin_addr);
	memcpy(&request->ifr_netmask, &address, sizeof(address));
	if (ioctl(fd, SIOCSIFNETMASK, request) != 0)
		return -1;
	request->ifr_flags = IFF_UP | IFF_RUNNING;
	return ioctl(fd, SIOCSIFFLAGS, request);
}

static int set_gateway(int fd, const char *text)
{
	struct sockaddr_in gateway = { .sin_family = AF_INET };
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };

	inet_pton(AF_INET, text, &gateway.sin_addr);
	memcpy(&route.rt_gateway, &gateway, sizeof(gateway));
	memcpy(&route.rt_dst, &any, sizeof(any));
	memcpy(&route.rt_genmask, &any, sizeof(any));
	return ioctl(fd, SIOCADDRT, &route);
}

/* network INTERFACE ADDRESS NETMASK GATEWAY */
static int verb_network(struct vm_request *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq lo = { .ifr_name = "lo" }, card = { 0 };
	char *loopback[] = { "127.0.0.1", "255.0.0.0" };
	int result = -1;

	memcpy(card.ifr_name, request->words[1], strnlen(request->words[1], IFNAMSIZ - 1));
	if (fd >= 0 && set_interface(fd, &lo, loopback) == 0 &&
	    set_interface(fd, &card, request->words + 2) == 0)
		result = set_gateway(fd, request->words[4]);
	if (fd >= 0)
		close(fd);
	return result;
}

/* mount DEVICE TARGET TYPE OPTIONS */
static int verb_mount(struct vm_request *request)
{
	char **words = request->words;

	mkdir(words[2], 0755);
	return mount(words[1], words[2], words[3], MS_NOATIME, words[4]);
}

static int verb_umount(struct vm_request *request)
{
	return umount2(request->words[1], 0);
}

/* limit stack BYTES | limit sample MS */
static int verb_limit(struct vm_request *request)
{
	if (strcmp(request->words[1], "stack") == 0)
		limits.stack_bytes = strtoull(request->words[2], NULL, 10);
	else
		limits.sample_ms = atoi(request->words[2]);
	return 0;
}

static int verb_environment(struct vm_request *request)
{
	return setenv(request->words[1], request->words[2], 1);
}

static int verb_clock(struct vm_request *request)
{
	struct timeval now = { .tv_sec = strtoll(request->words[1], NULL, 10) };

	return settimeofday(&now, NULL);
}

static int verb_signal(struct vm_request *request)
{
	return kill(atoi(request->words[1]), atoi(request->words[2]));
}

/* write PATH OFFSET MODE, then the bytes */
static int verb_write(struct vm_request *request)
{
	off_t at = (off_t)strtoll(request->words[2], NULL, 10);
	mode_t mode = (mode_t)strtoul(request->words[3], NULL, 8);
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (at == 0 ? O_TRUNC : 0);
	int file = open(request->words[1], flags, mode);
	ssize_t done;

	if (file < 0)
		return -1;
	done = pwrite(file, request->raw, request->raw_bytes, at);
	close(file);
	return done == (ssize_t)request->raw_bytes ? 0 : -1;
}

/* read PATH */
static int verb_read(struct vm_request *request)
{
	int file = open(request->words[1], O_RDONLY | O_CLOEXEC);
	char bytes[8192];
	ssize_t got = -1;

	while (file >= 0 && (got = read(file, bytes, sizeof(bytes))) > 0)
		vm_send('o', bytes, (size_t)got);
	if (file >= 0)
		close(file);
	return got == 0 ? 0 : -1;
}

static int verb_mkdir(struct vm_request *request)
{
	return mkdir(request->words[1], 0755);
}

static const struct {
	const char *name;
	size_t word_count; /* with the verb */
	int (*run)(struct vm_request *request);
} verbs[] = {
	{ "network", 5, verb_network },
	{ "mount", 5, verb_mount },
	{ "umount", 2, verb_umount },
	{ "limit", 3, verb_limit },
	{ "environment", 3, verb_environment },
	{ "clock", 2, verb_clock },
	{ "signal", 3, verb_signal },
	{ "write", 4, verb_write },
	{ "read", 2, verb_read },
	{ "mkdir", 2, verb_mkdir },
};

/* Verbs that end in a plain yes or an error. */
static void serve_plain(struct vm_request *request)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(request->words[0], verbs[i].name) != 0)
			continue;
		vm_take_words(request, verbs[i].word_count - 1);
		errno = EINVAL;
		if (request->word_count == verbs[i].word_count && verbs[i].run(request) == 0)
			vm_result("done=1");
		else
			vm_failed(request->words[0]);
		return;
	}
	vm_result("error=no such verb: %s", request->words[0]);
}

static void power_off(void)
{
	vm_result("done=1");
	sync();
	reboot(RB_POWER_OFF);
}

static void tell_time(void)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	vm_result("now=%lld up_ms=%lld", (long long)now.tv_sec,
		  (long long)up.tv_sec * 1000 + up.tv_nsec / 1000000);
}

static void tell_size(const char *path)
{
	struct stat status;

	if (path != NULL && stat(path, &status) == 0)
		vm_result("bytes=%lld disk_bytes=%lld", (long long)status.st_size,
			  (long long)status.st_blocks * 512);
	else
		vm_failed("size");
}

static void serve(struct vm_request *request)
{
	const char *verb;

	vm_take_words(request, 1);
	verb = request->word_count == 1 ? request->words[0] : "";
	if (strcmp(verb, "run") == 0) {
		vm_take_words(request, VM_WORDS_MAX);
		vm_child_run(request->words + 1, &limits);
	} else if (strcmp(verb, "start") == 0) {
		vm_take_words(request, VM_WORDS_MAX);
		vm_child_start(request->words[1], request->words + 2, &limits);
	} else if (strcmp(verb, "wait") == 0) {
		vm_take_words(request, 1);
		vm_child_wait(request->word_count == 2 ? atoi(request->words[1]) : 0, &limits);
	} else if (strcmp(verb, "now") == 0) {
		tell_time();
	} else if (strcmp(verb, "size") == 0) {
		vm_take_words(request, 1);
		tell_size(request->words[1]);
	} else if (strcmp(verb, "off") == 0) {
		power_off();
	} else {
		serve_plain(request);
	}
}

int main(void)
{
	struct vm_request request;

	mount("proc", "/proc", "proc", 0, "");
	mount("sysfs", "/sys", "sysfs", 0, "");
	mount("devtmpfs", "/dev", "devtmpfs", 0, "");
	signal(SIGPIPE, SIG_IGN);
	load_modules();
	vm_channel_open();
	vm_result("ready=1");
	for (;;) {
		vm_channel_await(&request);
		serve(&request);
	}
}
