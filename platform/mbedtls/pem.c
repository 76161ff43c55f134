#define _GNU_SOURCE /* memmem */
#include "platform/mbedtls/pem.h"

#include "platform/assert.h"
#include "platform/crypto.h"
#include "platform/file.h"

#include <string.h>

static uint8_t text_buffer[CONFIG_TG_TLS_PEM_BYTES_MAX];
static uint8_t der_buffer[CONFIG_TG_TLS_PEM_BYTES_MAX / 4 * 3];
static bool walking;

int tg_pem_open(struct tg_pem *pem, const char *path)
{
	TG_ASSERT(!walking);
	memset(pem, 0, sizeof(*pem));
	pem->fd_ = tg_file_open_read(path);
	if (pem->fd_ < 0)
		return pem->fd_;
	walking = true;
	return 0;
}

void tg_pem_close(struct tg_pem *pem)
{
	tg_file_close(pem->fd_);
	tg_wipe(text_buffer, sizeof(text_buffer));
	tg_wipe(der_buffer, sizeof(der_buffer));
	walking = false;
}

static const uint8_t *find(const uint8_t *from, const uint8_t *end, const char *word)
{
	return memmem(from, (size_t)(end - from), word, strlen(word));
}

/* Cuts one block out of what was read. False when its end is not (or not yet) to be seen. */
static bool cut_block(struct tg_pem *pem, uint8_t *begin, const uint8_t *end)
{
	const uint8_t *label = begin + strlen("-----BEGIN ");
	const uint8_t *label_end = find(label, end, "-----");
	const uint8_t *last = label_end == NULL ? NULL : find(label_end, end, "-----END ");
	const uint8_t *stop = last == NULL ? NULL : find(last + 9, end, "-----");

	if (stop == NULL)
		return false;
	stop += 5;
	pem->label = tg_view_of(label, (size_t)(label_end - label));
	pem->text = tg_view_of(begin, (size_t)(stop - begin));
	begin[pem->text.bytes] = '\0';
	return true;
}

int tg_pem_next(struct tg_pem *pem)
{
	static const char begin_word[] = "-----BEGIN ";
	size_t overlap = strlen(begin_word) - 1; /* the word may lie across two readings */
	/* Each turn moves on by a buffer or ends; a file is not endless, but a device may be. */
	for (unsigned turn = 0; turn < 65536; turn++) {
		int got = tg_file_read_at(pem->fd_, text_buffer, sizeof(text_buffer) - 1,
					  pem->offset_);
		if (got < 0)
			return got;
		const uint8_t *end = text_buffer + got;
		const uint8_t *begin = find(text_buffer, end, begin_word);
		if (begin == NULL) {
			if ((size_t)got < sizeof(text_buffer) - 1)
				return 0;
			pem->offset_ += (uint64_t)got - overlap;
			continue;
		}
		size_t before = (size_t)(begin - text_buffer);
		if (cut_block(pem, text_buffer + before, end)) {
			pem->offset_ += before + pem->text.bytes;
			return 1;
		}
		if (before == 0 || (size_t)got < sizeof(text_buffer) - 1)
			return (size_t)got < sizeof(text_buffer) - 1 ? 0 : TG_ERR_LIMIT;
		pem->offset_ += before;
	}
	return TG_ERR_LIMIT;
}

int tg_pem_der(const struct tg_pem *pem, struct tg_view *der)
{
	size_t head = strlen("-----BEGIN ") + pem->label.bytes + 5;
	size_t tail = strlen("-----END ") + pem->label.bytes + 5;

	if (head + tail > pem->text.bytes)
		return TG_ERR_PROTOCOL;
	struct tg_view body = tg_view_of(pem->text.at + head, pem->text.bytes - head - tail);
	int bytes = tg_base64_decode(body, der_buffer, sizeof(der_buffer));
	if (bytes < 0)
		return bytes;
	*der = tg_view_of(der_buffer, (size_t)bytes);
	return 0;
}

bool tg_pem_is(const struct tg_pem *pem, const char *label)
{
	return tg_view_same(pem->label, tg_view_str(label));
}

bool tg_pem_file_is_pfx(const char *path)
{
	static const uint8_t version_3[] = { 0x02, 0x01, 0x03 };
	uint8_t head[16];
	int fd = tg_file_open_read(path);

	if (fd < 0)
		return false;
	int got = tg_file_read_at(fd, head, sizeof(head), 0);
	tg_file_close(fd);
	if (got != (int)sizeof(head) || head[0] != 0x30)
		return false;
	/* The length takes one byte, or as many more as its low bits say (0x80: until the end). */
	size_t at = head[1] < 0x80 ? 2 : 2 + (size_t)(head[1] & 7);
	return memcmp(head + at, version_3, sizeof(version_3)) == 0;
}
