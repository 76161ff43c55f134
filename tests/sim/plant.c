#include "tests/sim/plant.h"

#include <stdio.h>
#include <stdlib.h>

#include "platform/assert.h"
#include "tests/login.h"

enum {
	SESSIONS = TG_SIM_CONNECTIONS_MAX,
	IN_BYTES = 8192,
	OUT_BYTES = 1 << 18,
	CURSORS = 4,
	SAMPLE_ROWS = 30
};
enum state { MAGIC, FIRST, FINAL, FRAMES };

#define TIMES_FROM_MS UINT64_C(1766000000000)
/* An index' function as a server tells it: row => row("modified_at"). */
#define INDEX_FUNCTION                                                                 \
	"JHJlcWxfaW5kZXhfZnVuY3Rpb24kCQcHBwAAAAAAAAHt/////////zAAAABbMzEsW1sxMCxbWzEs" \
	"LTE5LDBdXSwwXSxbMSwibW9kaWZpZWRfYXQiLDBdXSwwXQAAAAAAAAA="

/* Rows [from, to) are left, given from the begin or from the end; of them, with `since`, those that
 * are not older, each row's number being an odd multiple of its place. */
struct cursor {
	uint64_t token;
	uint32_t table, from, to, since, step;
	bool open, back;
};

struct session {
	struct tg_plant *plant;
	bool used;
	enum state state;
	struct tg_peer_login login;
	struct cursor cursors[CURSORS];
	size_t in_bytes, out_bytes;
	char in[IN_BYTES + 1];
	char out[OUT_BYTES];
};

static struct session sessions[SESSIONS];

size_t tg_plant_row(uint32_t table, uint32_t row, uint32_t version, char at[512])
{
	int pad = (int)((row * 7 + version * 13 + table) % 300);
	char time[48] = "";

	if (version >= TG_PLANT_TIMED)
		snprintf(time, sizeof(time), ",\"modified_at\":%llu",
			 (unsigned long long)TIMES_FROM_MS + version);
	return (size_t)snprintf(
		at, 512, "{\"id\":%u,\"pad\":\"%.*s\",\"v\":%u%s}", row, pad,
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		version, time);
}

/* --- out --- */

static void push(struct session *session, struct tg_sim_conn *conn)
{
	size_t room = tg_sim_room(conn);
	size_t bytes = session->out_bytes < room ? session->out_bytes : room;

	tg_sim_send(conn, tg_view_of(session->out, bytes));
	session->out_bytes -= bytes;
	memmove(session->out, session->out + bytes, session->out_bytes);
}

static void put(struct session *session, const void *at, size_t bytes)
{
	TG_ASSERT(bytes <= OUT_BYTES - session->out_bytes);
	memcpy(session->out + session->out_bytes, at, bytes);
	session->out_bytes += bytes;
}

static void say(struct session *session, uint64_t token, const char *body)
{
	uint8_t head[12];
	size_t bytes = strlen(body);

	tg_peer_frame_head(token, bytes, head);
	put(session, head, sizeof(head));
	put(session, body, bytes);
}

/* --- cursors --- */

/* Which row stands at this place of the cursor's order. */
static uint32_t row_at(const struct cursor *cursor, uint32_t place)
{
	return cursor->since > 0 ? place * cursor->step % TG_PLANT_ROWS_MAX : place;
}

static bool is_row(const struct tg_plant *plant, const struct cursor *cursor, uint32_t place)
{
	uint32_t version = plant->version[cursor->table][row_at(cursor, place)];

	return version != 0 && version >= cursor->since;
}

/* Lets go of what is no row at the end where the cursor reads; false: none is left. */
static bool has_row(const struct tg_plant *plant, struct cursor *cursor)
{
	if (cursor->back)
		while (cursor->from < cursor->to && !is_row(plant, cursor, cursor->to - 1))
			cursor->to--;
	else
		while (cursor->from < cursor->to && !is_row(plant, cursor, cursor->from))
			cursor->from++;
	return cursor->from < cursor->to;
}

static void batch(struct session *session, struct cursor *cursor)
{
	struct tg_plant *plant = session->plant;
	char body[16384], row[512];
	size_t used = (size_t)snprintf(body, sizeof(body), "{\"t\":X,\"r\":[");
	uint32_t rows = 0;

	plant->reads++;
	plant->reads_back += cursor->back;
	plant->reads_since += cursor->since > 0;
	for (; rows < plant->batch_rows && has_row(plant, cursor); rows++) {
		uint32_t at = row_at(cursor, cursor->back ? --cursor->to : cursor->from++);
		size_t bytes =
			tg_plant_row(cursor->table, at, plant->version[cursor->table][at], row);
		used += (size_t)snprintf(body + used, sizeof(body) - used, "%s%.*s",
					 rows > 0 ? "," : "", (int)bytes, row);
	}
	bool more = has_row(plant, cursor);
	snprintf(body + used, sizeof(body) - used, "],\"n\":[]}");
	body[5] = more ? '3' : '2';
	cursor->open = more;
	say(session, cursor->token, body);
}

static struct cursor *find(struct session *session, uint64_t token)
{
	for (unsigned i = 0; i < CURSORS; i++)
		if (session->cursors[i].open && session->cursors[i].token == token)
			return &session->cursors[i];
	return NULL;
}

static struct cursor *open_cursor(struct session *session, uint64_t token, const char *query)
{
	const char *table = strstr(query, "\"t");
	unsigned free_one = 0;

	TG_ASSERT(table != NULL && (table[2] == '0' || table[2] == '1'));
	while (session->cursors[free_one].open)
		TG_ASSERT(++free_one < CURSORS);
	struct cursor *cursor = &session->cursors[free_one];
	*cursor = (struct cursor){ .token = token,
				   .table = (uint32_t)(table[2] - '0'),
				   .to = TG_PLANT_ROWS_MAX };
	return cursor;
}

static void start(struct session *session, uint64_t token, const char *query)
{
	const char *table = strstr(query, "\"t");
	struct cursor *cursor = open_cursor(session, token, query);

	cursor->back = strstr(query, "[74,") != NULL;
	/* Behind the table's term: the range's bounds, numbers or MINVAL and MAXVAL. */
	const char *lower = strchr(table, ']') + 3;
	const char *upper = *lower == '[' ? strstr(lower, "]]") + 3 : strchr(lower, ',') + 1;
	if (*lower != '[')
		cursor->from = (uint32_t)strtoul(lower, NULL, 10) + 1;
	if (*upper != '[')
		cursor->to = (uint32_t)strtoul(upper, NULL, 10);
	batch(session, cursor);
}

/* [1,[71,[[182,[TABLE,LOWER,[181,[]]],{"index":"modified_at", ...}],COUNT]],...]: in no order. */
static void start_since(struct session *session, uint64_t token, const char *query)
{
	static const uint32_t steps[] = { 1, 3, 7, 129, 171, 399 }; /* prime to all rows */
	struct cursor *cursor = open_cursor(session, token, query);
	uint64_t lower_ms = strtoull(strchr(strstr(query, "\"t"), ']') + 3, NULL, 10);

	cursor->since = lower_ms > TIMES_FROM_MS + TG_PLANT_TIMED
				? (uint32_t)(lower_ms - TIMES_FROM_MS)
				: TG_PLANT_TIMED;
	cursor->step = steps[tg_sim_draw(sizeof(steps) / sizeof(steps[0]))];
	batch(session, cursor);
}

/* [1,[33,[[71,[TABLE,COUNT]],"modified_at"]]]: of the first rows, which are few. */
static void sample(struct session *session, uint64_t token, const char *query)
{
	struct cursor *cursor = open_cursor(session, token, query);
	uint32_t batch_rows = session->plant->batch_rows;

	cursor->to = session->plant->batch_rows = SAMPLE_ROWS;
	batch(session, cursor);
	session->plant->batch_rows = batch_rows;
}

static void say_index(struct session *session, uint64_t token)
{
	say(session, token,
	    "{\"t\":1,\"r\":[[{\"function\":{\"$reql_type$\":\"BINARY\",\"data\":\"" INDEX_FUNCTION
	    "\"},\"geo\":false,\"index\":\"modified_at\",\"multi\":false,\"outdated\":false,"
	    "\"query\":\"x\",\"ready\":true}]]}");
}

static void say_now(struct session *session, uint64_t token)
{
	uint64_t now_ms = TIMES_FROM_MS + session->plant->newest;
	char body[128];

	snprintf(body, sizeof(body),
		 "{\"t\":1,\"r\":[{\"$reql_type$\":\"TIME\",\"epoch_time\":%llu.%03llu,"
		 "\"timezone\":\"+00:00\"}]}",
		 (unsigned long long)now_ms / 1000, (unsigned long long)now_ms % 1000);
	say(session, token, body);
}

static void info(struct session *session, uint64_t token, const char *query)
{
	char body[400];
	const char *table = strstr(query, "\"t");

	TG_ASSERT(table != NULL);
	snprintf(
		body, sizeof(body),
		"{\"t\":1,\"r\":[{\"db\":{\"id\":\"0a000000-0000-4000-8000-000000000000\",\"name\":"
		"\"plant\",\"type\":\"DB\"},\"doc_count_estimates\":[100],\"id\":"
		"\"%c0000000-0000-4000-8000-000000000001\",\"indexes\":[],\"name\":\"t%c\","
		"\"primary_key\":\"id\",\"type\":\"TABLE\"}]}",
		table[2], table[2]);
	say(session, token, body);
}

static void answer(struct session *session, uint64_t token, const char *query)
{
	struct cursor *cursor = find(session, token);

	if (strcmp(query, "[2]") == 0 && cursor != NULL) {
		batch(session, cursor);
	} else if (strcmp(query, "[3]") == 0 && cursor != NULL) {
		cursor->open = false;
		say(session, token, "{\"t\":2,\"r\":[],\"n\":[]}");
	} else if (strcmp(query, "[2]") == 0 || strcmp(query, "[3]") == 0) {
		say(session, token, "{\"t\":16,\"r\":[\"Token not in stream cache.\"],\"b\":[]}");
	} else if (strcmp(query, "[5]") == 0) {
		say(session, token, "{\"t\":5,\"r\":[{\"id\":\"x\",\"name\":\"y\"}]}");
	} else if (strncmp(query, "[1,[62,", 7) == 0) {
		say(session, token, "{\"t\":1,\"r\":[[\"t0\",\"t1\"]]}");
	} else if (strncmp(query, "[1,[79,", 7) == 0) {
		info(session, token, query);
	} else if (strncmp(query, "[1,[139,", 8) == 0) {
		say_index(session, token);
	} else if (strncmp(query, "[1,[103,", 8) == 0) {
		say_now(session, token);
	} else if (strncmp(query, "[1,[33,", 7) == 0) {
		sample(session, token, query);
	} else if (strstr(query, "\"modified_at\"") != NULL) {
		start_since(session, token, query);
	} else {
		start(session, token, query);
	}
}

/* --- in --- */

static size_t take_text(struct session *session)
{
	char out[TG_LOGIN_ANSWER_BYTES];
	const char *end = memchr(session->in, '\0', session->in_bytes);

	if (end == NULL)
		return 0;
	size_t bytes = session->state == FIRST
			       ? tg_peer_login_first(&session->login, session->in, out)
			       : tg_peer_login_final(&session->login, session->in, out);
	put(session, out, bytes);
	session->state++;
	return (size_t)(end - session->in) + 1;
}

static size_t take_frame(struct session *session)
{
	char query[IN_BYTES];
	uint64_t token;
	uint32_t bytes;

	if (session->in_bytes < 12)
		return 0;
	memcpy(&token, session->in, 8);
	memcpy(&bytes, session->in + 8, 4);
	TG_ASSERT(bytes < IN_BYTES - 12);
	if (session->in_bytes < 12 + (size_t)bytes)
		return 0;
	memcpy(query, session->in + 12, bytes);
	query[bytes] = '\0';
	answer(session, token, query);
	return 12 + (size_t)bytes;
}

/* One message; how many bytes it had, 0: there is none yet. */
static size_t take(struct session *session)
{
	switch (session->state) {
	case MAGIC:
		session->state = session->in_bytes >= 4 ? FIRST : MAGIC;
		return session->state == FIRST ? 4 : 0;
	case FIRST:
	case FINAL:
		return take_text(session);
	case FRAMES:
		return take_frame(session);
	}
	return 0;
}

static void *on_open(void *context, struct tg_sim_conn *conn)
{
	unsigned i = 0;

	(void)conn;
	while (sessions[i].used)
		TG_ASSERT(++i < SESSIONS);
	memset(&sessions[i], 0, sizeof(sessions[i]));
	sessions[i].plant = context;
	sessions[i].used = true;
	return &sessions[i];
}

static void on_bytes(void *at, struct tg_sim_conn *conn, struct tg_view bytes)
{
	struct session *session = at;
	size_t taken;

	TG_ASSERT(bytes.bytes <= IN_BYTES - session->in_bytes);
	memcpy(session->in + session->in_bytes, bytes.at, bytes.bytes);
	session->in_bytes += bytes.bytes;
	while ((taken = take(session)) > 0) {
		session->in_bytes -= taken;
		memmove(session->in, session->in + taken, session->in_bytes);
	}
	push(session, conn);
}

static void on_room(void *at, struct tg_sim_conn *conn)
{
	push(at, conn);
}

static void on_close(void *at, struct tg_sim_conn *conn)
{
	struct session *session = at;

	(void)conn;
	session->used = false;
}

void tg_plant_listen(struct tg_plant *plant)
{
	static struct tg_sim_peer peer = {
		.on_open = on_open, .on_bytes = on_bytes, .on_room = on_room, .on_close = on_close
	};

	peer.context = plant;
	memset(sessions, 0, sizeof(sessions));
	tg_sim_listen("plant.example", 28015, &peer);
}
