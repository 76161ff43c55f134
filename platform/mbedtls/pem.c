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

void tg_pem_open_text(struct tg_pem *pem, struct tg_view text)
{
	TG_ASSERT(!walking);
	memset(pem, 0, sizeof(*pem));
	pem->fd_ = -1;
	pem->all_ = text;
	walking = true;
}

/* Fills the text buffer from where we are. Bytes read, or the file's error. */
static int read_on(struct tg_pem *pem)
{
	size_t cap = sizeof(text_buffer) - 1;

	if (pem->fd_ >= 0)
		return tg_file_read_at(pem->fd_, text_buffer, cap, pem->offset_);
	size_t left = pem->all_.bytes - (size_t)pem->offset_;
	left = left < cap ? left : cap;
	if (left > 0)
		memcpy(text_buffer, pem->all_.at + pem->offset_, left);
	return (int)left;
}

void tg_pem_close(struct tg_pem *pem)
{
	if (pem->fd_ >= 0)
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
		int got = read_on(pem);
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

bool tg_pem_is_pfx(struct tg_view head)
{
	static const uint8_t version_3[] = { 0x02, 0x01, 0x03 };

	if (head.bytes < 16 || head.at[0] != 0x30)
		return false;
	/* The length takes one byte, or as many more as its low bits say (0x80: until the end). */
	size_t at = head.at[1] < 0x80 ? 2 : 2 + (size_t)(head.at[1] & 7);
	return memcmp(head.at + at, version_3, sizeof(version_3)) == 0;
}

bool tg_pem_file_is_pfx(const char *path)
{
	uint8_t head[16];
	int fd = tg_file_open_read(path);

	if (fd < 0)
		return false;
	int got = tg_file_read_at(fd, head, sizeof(head), 0);
	tg_file_close(fd);
	return got == (int)sizeof(head) && tg_pem_is_pfx(tg_view_of(head, sizeof(head)));
}

/* --- what somebody pasted --- */

static bool begins_pem(struct tg_view text)
{
	static const char word[] = "-----BEGIN ";

	return text.bytes >= sizeof(word) - 1 && memcmp(text.at, word, sizeof(word) - 1) == 0;
}

/* Blanks and line ends around and between are the editor's. */
static struct tg_view squeeze(uint8_t *text, size_t bytes)
{
	size_t kept = 0;

	for (size_t i = 0; i < bytes; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n')
			text[kept++] = text[i];
	return tg_view_of(text, kept);
}

/* certutil -encode frames base64 as if it were a certificate; "LS0tLS1CRUdJTi" is base64 of
 * "-----BEGIN". The run between the frame's lines, or nothing when the text is what it says. */
static struct tg_view inside_frame(struct tg_view text)
{
	static const char begin[] = "LS0tLS1CRUdJTi";
	const uint8_t *end = text.at + text.bytes;
	const uint8_t *from = memchr(text.at, '\n', text.bytes);
	const uint8_t *to = from == NULL ? NULL : find(from, end, "-----END ");

	if (to == NULL || (size_t)(to - ++from) < sizeof(begin) ||
	    memcmp(from, begin, sizeof(begin) - 1) != 0)
		return tg_view_of(NULL, 0);
	return tg_view_of(from, (size_t)(to - from));
}

struct tg_view tg_pem_unwrap(uint8_t *text, size_t bytes)
{
	size_t before = 0;

	while (before < bytes && (text[before] == ' ' || text[before] == '\t' ||
				  text[before] == '\r' || text[before] == '\n'))
		before++;
	struct tg_view given = tg_view_of(text + before, bytes - before);
	if (begins_pem(given)) {
		struct tg_view inner = inside_frame(given);
		if (inner.bytes == 0)
			return given;
		before = (size_t)(inner.at - text);
		given = inner;
	}
	given = squeeze(text + before, given.bytes);
	/* Decoding writes behind where it reads. */
	int got = tg_base64_decode(given, text + before, given.bytes);
	return tg_view_of(text + before, got < 0 ? 0 : (size_t)got);
}
