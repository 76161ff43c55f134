/* raven_peer.c - plain peers on one connection: how fast this server serves anybody.
 *
 *      raven_peer read HOST PORT DATABASE PAGE      walks /docs?etag=, one page after the other
 *      raven_peer send HOST PORT DATABASE FILE      posts recorded bodies of bulk_docs, in turn
 *
 * The reader looks at nothing but the chunks' heads and each page's last change vector. FILE holds
 * bodies one behind another, each behind its length (8 bytes, little-endian). Prints
 * `{"seconds": S, "cpu": S, "bytes": N, "requests": N}`, from connecting to the last byte.
 */
#include <string.h>
#include <strings.h>

#include "tools/bench/plain.h"

enum {
	RECV_BYTES = 65536,
	TAIL_BYTES = 2048, /* a row's metadata lies at its end */
	BODY_BYTES_MAX = 16 << 20,
};

struct peer {
	int fd;
	const char *host, *database;
	uint64_t bytes, requests;
	size_t at, filled;
	char in[RECV_BYTES];
	char tail[TAIL_BYTES + 1]; /* the last bytes of the answer's body */
	size_t tail_bytes;
	uint64_t body_bytes;
};

static struct peer peer;
static char body[BODY_BYTES_MAX];

static void put(const struct peer *p, const char *at, size_t bytes)
{
	while (bytes > 0) {
		ssize_t sent = send(p->fd, at, bytes, MSG_NOSIGNAL);
		if (sent <= 0)
			plain_fail("cannot send");
		at += sent;
		bytes -= (size_t)sent;
	}
}

static void fill(struct peer *p)
{
	ssize_t got = recv(p->fd, p->in, sizeof(p->in), 0);

	if (got <= 0)
		plain_fail("the server ended the connection");
	p->at = 0;
	p->filled = (size_t)got;
	p->bytes += (uint64_t)got;
}

/* One line without its CR LF; at most `cap` - 1 bytes of it. */
static void get_line(struct peer *p, char *line, size_t cap)
{
	size_t bytes = 0;

	for (;;) {
		if (p->at == p->filled)
			fill(p);
		char c = p->in[p->at++];
		if (c == '\n')
			break;
		if (c != '\r' && bytes + 1 < cap)
			line[bytes++] = c;
	}
	line[bytes] = '\0';
}

static void keep_tail(struct peer *p, const char *at, size_t bytes)
{
	if (bytes >= TAIL_BYTES) {
		memcpy(p->tail, at + bytes - TAIL_BYTES, TAIL_BYTES);
		p->tail_bytes = TAIL_BYTES;
		return;
	}
	size_t keep = p->tail_bytes + bytes > TAIL_BYTES ? TAIL_BYTES - bytes : p->tail_bytes;
	memmove(p->tail, p->tail + p->tail_bytes - keep, keep);
	memcpy(p->tail + keep, at, bytes);
	p->tail_bytes = keep + bytes;
}

static void get_bytes(struct peer *p, uint64_t bytes)
{
	p->body_bytes += bytes;
	while (bytes > 0) {
		if (p->at == p->filled)
			fill(p);
		size_t part = p->filled - p->at < bytes ? p->filled - p->at : (size_t)bytes;
		keep_tail(p, p->in + p->at, part);
		p->at += part;
		bytes -= part;
	}
}

static void get_answer(struct peer *p)
{
	char line[512];
	uint64_t length = 0;

	p->tail_bytes = 0;
	p->body_bytes = 0;
	p->requests++;
	get_line(p, line, sizeof(line));
	if (strncmp(line, "HTTP/1.1 20", 11) != 0)
		plain_fail(line);
	do {
		get_line(p, line, sizeof(line));
		if (strncasecmp(line, "content-length:", 15) == 0)
			length = strtoull(line + 15, NULL, 10);
		if (strncasecmp(line, "transfer-encoding:", 18) == 0)
			length = UINT64_MAX;
	} while (line[0] != '\0');
	if (length != UINT64_MAX) {
		get_bytes(p, length);
		return;
	}
	do {
		get_line(p, line, sizeof(line));
		length = strtoull(line, NULL, 16);
		get_bytes(p, length);
		get_line(p, line, sizeof(line));
	} while (length > 0);
}

/* The etag of the page's last row, 0 when it has none. On the bench's server all rows were written
 * locally, by node A. */
static uint64_t last_etag(struct peer *p)
{
	static const char member[] = "\"@change-vector\":\"A:";
	const char *found = NULL;

	p->tail[p->tail_bytes] = '\0';
	for (const char *at = p->tail; (at = strstr(at, member)) != NULL; at++)
		found = at;
	return found == NULL ? 0 : strtoull(found + sizeof(member) - 1, NULL, 10);
}

static void read_all(struct peer *p, const char *page)
{
	uint64_t next = 0, last;

	do {
		char text[512];
		int bytes = snprintf(text, sizeof(text),
				     "GET /databases/%s/docs?etag=%llu&pageSize=%s HTTP/1.1\r\n"
				     "Host: %s\r\n\r\n",
				     p->database, (unsigned long long)next, page, p->host);
		put(p, text, (size_t)bytes);
		get_answer(p);
		last = last_etag(p);
		next = last + 1;
	} while (last != 0);
}

static void send_all(struct peer *p, const char *path)
{
	FILE *file = fopen(path, "rb");
	uint64_t length;

	if (file == NULL)
		plain_fail("cannot open the bodies");
	while (fread(&length, sizeof(length), 1, file) == 1) {
		char head[512];
		if (length > sizeof(body) || fread(body, 1, (size_t)length, file) != length)
			plain_fail("the file of bodies is cut off");
		int bytes = snprintf(head, sizeof(head),
				     "POST /databases/%s/bulk_docs HTTP/1.1\r\nHost: %s\r\n"
				     "Content-Type: application/json\r\n"
				     "Content-Length: %llu\r\n\r\n",
				     p->database, p->host, (unsigned long long)length);
		put(p, head, (size_t)bytes);
		put(p, body, (size_t)length);
		get_answer(p);
	}
	(void)fclose(file);
}

int main(int argc, char **argv)
{
	struct peer *p = &peer;

	if (argc != 6)
		plain_fail("usage: raven_peer read|send HOST PORT DATABASE PAGE|FILE");
	p->database = argv[4];
	double began = plain_seconds();
	p->host = argv[2];
	p->fd = plain_dial(argv[2], argv[3]);
	if (strcmp(argv[1], "read") == 0)
		read_all(p, argv[5]);
	else
		send_all(p, argv[5]);
	plain_report(began, p->bytes, "requests", p->requests);
	close(p->fd);
	return 0;
}
