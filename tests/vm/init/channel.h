/* channel.h - what the host asks and what it is answered, over one virtio-serial port.
 *
 * A frame is its length in four bytes, little endian, then that many bytes. A request is a verb and
 * its words, each ended by a NUL, then raw bytes if the verb takes any. An answer is any number of
 * frames that begin with `o` or `e` (output, errors), then one with `r`: NAME=VALUE, blanks
 * between, and `error=TEXT` last when it failed.
 *
 * Errors: the host is gone or speaks something else: there is nothing to do but to power off.
 */
#ifndef TG_VM_CHANNEL_H
#define TG_VM_CHANNEL_H

#include <stddef.h>

enum { VM_FRAME_BYTES_MAX = 65536, VM_WORDS_MAX = 64 };

struct vm_request {
	char *words[VM_WORDS_MAX + 1]; /* ended by a NULL, as execv wants it */
	size_t word_count;
	const char *raw; /* what lies behind the words that the verb took, see vm_take_words */
	size_t raw_bytes;
};

/* Opens the port; waits until the driver has made it. */
void vm_channel_open(void);

/* Waits for the next request. All of it lies in `request->raw`; no word is taken yet. The bytes
 * live until the next call. */
void vm_channel_await(struct vm_request *request);

/* Moves up to `count_max` words from the raw bytes to `words`. */
void vm_take_words(struct vm_request *request, size_t count_max);

/* Sends one frame of this kind. */
void vm_send(char kind, const void *bytes, size_t count);

/* Sends the frame that ends an answer. */
__attribute__((format(printf, 1, 2))) void vm_result(const char *format, ...);

/* Ends an answer with errno's text. */
void vm_failed(const char *what);

#endif
