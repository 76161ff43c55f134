#include "tests/vm/init/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

/* The first number is that of the device on its bus, which is nobody's choice. */
#define PORT "/dev/vport*p1"

enum { PORT_MS_MAX = 5000, NAP_MS = 5, HEAD_BYTES = 5, RESULT_BYTES_MAX = 1024 };

static int channel_fd = -1;
static char frame[VM_FRAME_BYTES_MAX + 1];

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "init: %s: %s\n", what, strerror(errno));
	reboot(RB_POWER_OFF);
	_exit(1);
}

void vm_channel_open(void)
{
	struct timespec nap = { .tv_nsec = NAP_MS * 1000000L };
	glob_t found;

	for (int waited_ms = 0; waited_ms < PORT_MS_MAX; waited_ms += NAP_MS) {
		if (glob(PORT, 0, NULL, &found) == 0) {
			channel_fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
			globfree(&found);
		}
		if (channel_fd >= 0)
			return;
		nanosleep(&nap, NULL);
	}
	give_up(PORT);
}

static void receive(void *bytes, size_t count)
{
	for (size_t done = 0; done < count;) {
		ssize_t got = read(channel_fd, (char *)bytes + done, count - done);

		if (got <= 0)
			give_up("the host is gone");
		done += (size_t)got;
	}
}

static void transmit(const void *bytes, size_t count)
{
	for (size_t done = 0; done < count;) {
		ssize_t sent = write(channel_fd, (const char *)bytes + done, count - done);

		if (sent <= 0)
			give_up("the host is gone");
		done += (size_t)sent;
	}
}

void vm_channel_await(struct vm_request *request)
{
	uint8_t head[4];
	size_t count;

	receive(head, sizeof(head));
	count = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
	if (count > VM_FRAME_BYTES_MAX)
		give_up("a request is too long");
	receive(frame, count);
	frame[count] = '\0';
	*request = (struct vm_request){ .raw = frame, .raw_bytes = count };
}

void vm_take_words(struct vm_request *request, size_t count_max)
{
	while (request->raw_bytes > 0 && count_max-- > 0 && request->word_count < VM_WORDS_MAX) {
		char *word = frame + (request->raw - frame);
		size_t bytes = strlen(word) + 1;

		bytes = bytes < request->raw_bytes ? bytes : request->raw_bytes;
		request->words[request->word_count++] = word;
		request->raw += bytes;
		request->raw_bytes -= bytes;
	}
}

void vm_send(char kind, const void *bytes, size_t count)
{
	size_t all = count + 1;
	uint8_t head[HEAD_BYTES] = { (uint8_t)all, (uint8_t)(all >> 8), (uint8_t)(all >> 16),
				     (uint8_t)(all >> 24), (uint8_t)kind };

	transmit(head, sizeof(head));
	transmit(bytes, count);
}

void vm_result(const char *format, ...)
{
	char text[RESULT_BYTES_MAX];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(text))
		length = (int)sizeof(text) - 1;
	vm_send('r', text, (size_t)length);
}

void vm_failed(const char *what)
{
	vm_result("error=%s: %s", what, strerror(errno));
}
