#include "tests/sim/target.h"

#include <stdio.h>
#include <stdlib.h>

#include "platform/assert.h"

enum { SESSIONS = TG_SIM_CONNECTIONS_MAX, IN_BYTES = 1 << 20 };

struct session {
	bool used;
	size_t in_bytes;
	char in[IN_BYTES + 1];
};

static struct session sessions[SESSIONS];
static struct tg_target *listening;
static tg_target_take *take_request;

static uint64_t hash_of(const char *at, size_t bytes)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (uint8_t)at[i]) * 1099511628211u;
	return hash;
}

static unsigned long number_after(const char *text, const char *what)
{
	const char *at = strstr(text, what);

	TG_ASSERT(at != NULL);
	return strtoul(at + strlen(what), NULL, 10);
}

/* One line: sequences follow each other, and its row is the one that its version says. */
static void take_line(struct tg_target *target, const char *line)
{
	const char *stream = strstr(line, "\"stream\":\"r/plant/t");
	char row[512];

	TG_ASSERT(stream != NULL);
	uint32_t table = (uint32_t)(stream[19] - '0');
	unsigned long seq = number_after(line, "\"seq\":");
	unsigned long key = number_after(line, "\"key\":");
	TG_ASSERT(table < TG_PLANT_TABLES && key < TG_PLANT_ROWS_MAX);
	TG_ASSERT(seq ==
		  target->seq[table] + 1); /* none doubled, none skipped, none out of order */
	target->seq[table] = seq;
	target->lines++;
	if (strstr(line, "\"op\":\"delete\"") != NULL) {
		target->version[table][key] = 0;
		return;
	}
	uint32_t version = (uint32_t)number_after(line, ",\"v\":");
	size_t bytes = tg_plant_row(table, (uint32_t)key, version, row);
	row[bytes] = '\0';
	const char *members = strstr(line, "},");
	TG_ASSERT(members != NULL && strcmp(members + 2, row + 1) == 0);
	target->same += version == target->version[table][key];
	target->version[table][key] = version;
}

static void take_body(struct tg_target *target, char *body)
{
	for (char *end; (end = strchr(body, '\n')) != NULL; body = end + 1) {
		*end = '\0';
		take_line(target, body);
	}
	TG_ASSERT(*body == '\0');
}

/* Whether the key is new; a known one must come with the bytes it came with. */
static bool is_new(struct tg_target *target, const char *key, uint64_t body_hash)
{
	for (uint32_t i = 0; i < target->key_count; i++) {
		if (strcmp(target->keys[i].key, key) != 0)
			continue;
		TG_ASSERT(target->keys[i].body_hash == body_hash);
		target->repeats++;
		return false;
	}
	TG_ASSERT(target->key_count < TG_TARGET_KEYS_MAX);
	snprintf(target->keys[target->key_count].key, sizeof(target->keys[0].key), "%s", key);
	target->keys[target->key_count++].body_hash = body_hash;
	return true;
}

static void answer(struct tg_target *target, struct tg_sim_conn *conn, const char *key, char *body)
{
	static const char ok[] = "HTTP/1.1 204 No Content\r\n\r\n";
	static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

	if (tg_sim_draw(1000) < target->busy_chance) {
		tg_sim_send(conn, tg_view_str(busy));
		return;
	}
	if (is_new(target, key, hash_of(body, strlen(body))))
		take_body(target, body);
	if (tg_sim_draw(1000) < target->mute_chance)
		tg_sim_reset(conn);
	else
		tg_sim_send(conn, tg_view_str(ok));
}

static size_t take(struct tg_target *target, struct tg_sim_conn *conn, char *in, size_t bytes)
{
	char key[128];
	char *body = strstr(in, "\r\n\r\n");

	if (body == NULL)
		return 0;
	body += 4;
	size_t head = (size_t)(body - in);
	size_t length = number_after(in, "Content-Length: ");
	if (bytes < head + length)
		return 0;
	const char *at = strstr(in, "Idempotency-Key: \"");
	TG_ASSERT(at != NULL && sscanf(at + 18, "%127[^\"]", key) == 1);
	char after = body[length];
	body[length] = '\0';
	TG_ASSERT(strlen(body) == length);
	answer(target, conn, key, body);
	body[length] = after;
	return head + length;
}

/* --- the connection --- */

static void on_bytes(void *at, struct tg_sim_conn *conn, struct tg_view bytes)
{
	struct session *session = at;
	size_t taken;

	TG_ASSERT(bytes.bytes <= IN_BYTES - session->in_bytes);
	memcpy(session->in + session->in_bytes, bytes.at, bytes.bytes);
	session->in_bytes += bytes.bytes;
	do {
		session->in[session->in_bytes] = '\0';
		taken = take_request(listening, conn, session->in, session->in_bytes);
		session->in_bytes -= taken;
		memmove(session->in, session->in + taken, session->in_bytes);
	} while (taken > 0);
}

static void *on_open(void *context, struct tg_sim_conn *conn)
{
	unsigned i = 0;

	(void)context, (void)conn;
	while (sessions[i].used)
		TG_ASSERT(++i < SESSIONS);
	sessions[i].used = true;
	sessions[i].in_bytes = 0;
	return &sessions[i];
}

static void on_close(void *at, struct tg_sim_conn *conn)
{
	struct session *session = at;

	(void)conn;
	session->used = false;
}

void tg_target_listen_by(struct tg_target *target, tg_target_take *take_by)
{
	static struct tg_sim_peer peer = { .on_open = on_open,
					   .on_bytes = on_bytes,
					   .on_close = on_close };

	listening = target;
	take_request = take_by;
	for (unsigned i = 0; i < SESSIONS; i++)
		sessions[i].used = false;
	tg_sim_listen("target.example", 80, &peer);
}

void tg_target_listen(struct tg_target *target)
{
	tg_target_listen_by(target, take);
}
