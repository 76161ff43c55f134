/* The recorded conversations of a real RethinkDB 2.4.4: each login is proven again from its nonce,
 * each answer is taken apart at every size of piece. */
#include "drivers/json/json.h"
#include "drivers/json/scan.h"
#include "drivers/rethink/handshake.h"
#include "drivers/rethink/response.h"
#include "tests/replay/recordings.h"

#define FOLDER "tests/replay/rethinkdb"

enum { STREAM_BYTES_MAX = 1 << 18 };

/* --- lines of a recording --- */

static bool is(const struct tg_json *line, const char *member, const char *text)
{
	return strcmp(tg_json_text(tg_json_member(line, member)), text) == 0;
}

/* --- logins --- */

static struct tg_handshake hs;
static struct tg_scram_cache cache;
static struct tg_why why;

static const char *password_of(const char *user, const char *file)
{
	if (strstr(file, "wrong_password") != NULL)
		return NULL;
	if (strcmp(user, "agent") == 0)
		return "correct horse, battery=staple";
	return strcmp(user, "nobody") == 0 ? "nobody" : "";
}

/* `n,,n=USER,r=NONCE` */
static void begin_login(const char *text, const char *file)
{
	static char user[64], nonce[64];
	static struct tg_login login;
	const char *name = strstr(text, "n,,n=");

	TG_CHECK(name != NULL && sscanf(name, "n,,n=%63[^,],r=%24[^\"]", user, nonce) == 2);
	login = (struct tg_login){ .user = user, .peer = "db:28015", .nonce = nonce };
	login.password = password_of(user, file);
	if (login.password == NULL)
		login.password = "any other";
	memset(&cache, 0, sizeof(cache));
	TG_CHECK_INT(tg_handshake_start(&hs, &login, &cache, &why), TG_OK);
}

/* What the recorded client sent is what we send, the magic apart. */
static void sends(const char *text, bool first, bool known_password)
{
	struct tg_view out = tg_handshake_out(&hs);
	size_t skip = first ? 4 : 0;

	if (first || known_password)
		TG_CHECK_BYTES(out.at + skip, out.bytes - skip, text, strlen(text) + 1);
	tg_handshake_sent(&hs, out.bytes);
}

static int hears(const char *text)
{
	size_t used = 0;
	int rc = tg_handshake_feed(&hs, tg_view_of(text, strlen(text) + 1), &used, &why);

	while (tg_handshake_busy(&hs))
		tg_handshake_step(&hs);
	return rc;
}

static void replay_login(const char *name)
{
	char *at = load(FOLDER, name);
	bool first = true;
	bool known = strstr(name, "wrong_password") == NULL && strstr(name, "unknown_user") == NULL;
	int rc = TG_ERR_AGAIN;

	for (const struct tg_json *line = next_line(&at); line != NULL; line = next_line(&at)) {
		const char *text = tg_json_text(tg_json_member(line, "text"));
		if (!is(line, "kind", "handshake"))
			continue;
		if (is(line, "from", "server")) {
			rc = hears(text);
			continue;
		}
		if (first)
			begin_login(text, name);
		sends(text, first, known);
		first = false;
	}
	int want = known                                  ? TG_OK
		   : strstr(name, "unknown_user") != NULL ? TG_ERR_LOGIN_USER
							  : TG_ERR_LOGIN_PASSWORD;
	if (rc != want)
		TG_FAIL("%s: %d (%s), not %d", name, rc, why.text, want);
}

TG_TEST(recorded_logins_are_proven_again)
{
	TG_CHECK(each(FOLDER, replay_login) >= 20);
}

/* --- answers --- */

static uint8_t stream[STREAM_BYTES_MAX], window_bytes[STREAM_BYTES_MAX];
static size_t stream_bytes;
static unsigned frames;
static int64_t types_sum;
static size_t rows_bytes;

static void add_frame(uint64_t token, const char *body)
{
	struct tg_view view = tg_view_str(body);
	struct tg_view rows = tg_member_of(view, "r");
	struct tg_members members;
	struct tg_view name, value;
	int64_t type = 0;

	TG_CHECK_INT(tg_json_integer(tg_member_of(view, "t"), &type), TG_OK);
	types_sum += type;
	frames++;
	TG_CHECK(tg_members_start(&members, rows));
	while (tg_members_next(&members, &name, &value))
		rows_bytes += value.bytes;
	for (unsigned i = 0; i < 8; i++)
		stream[stream_bytes++] = (uint8_t)(token >> (8 * i));
	for (unsigned i = 0; i < 4; i++)
		stream[stream_bytes++] = (uint8_t)(view.bytes >> (8 * i));
	memcpy(stream + stream_bytes, view.at, view.bytes);
	stream_bytes += view.bytes;
}

static void load_answers(const char *name)
{
	char *at = load(FOLDER, name);

	stream_bytes = rows_bytes = 0;
	frames = 0;
	types_sum = 0;
	for (const struct tg_json *line = next_line(&at); line != NULL; line = next_line(&at)) {
		const struct tg_json *text = tg_json_member(line, "text");
		if (is(line, "kind", "frame") && is(line, "from", "server") && text != NULL)
			add_frame((uint64_t)tg_json_int(tg_json_member(line, "token")),
				  tg_json_text(text));
	}
}

static void take_in_pieces(const char *name, size_t piece)
{
	static struct tg_response response;
	struct tg_window window = { .at = window_bytes, .cap = sizeof(window_bytes) };
	unsigned ends = 0;
	int64_t sum = 0;
	size_t bytes = 0;

	tg_response_start(&response, 1 << 20);
	for (size_t at = 0; at < stream_bytes; at += piece) {
		size_t count = tg_window_room(&window, piece);
		count = count < stream_bytes - at ? count : stream_bytes - at;
		memcpy(window.at + window.fill, stream + at, count);
		window.fill += count;
		int rc = tg_response_next(&response, &window, 0, &why);
		while (rc > TG_RESPONSE_MORE) {
			bytes += rc == TG_RESPONSE_ROW ? response.row.body.bytes : 0;
			ends += rc == TG_RESPONSE_END;
			sum += rc == TG_RESPONSE_END ? response.type : 0;
			rc = tg_response_next(&response, &window, 0, &why);
		}
		if (rc < 0)
			TG_FAIL("%s in pieces of %zu: %s", name, piece, why.text);
	}
	if (ends != frames || sum != types_sum || bytes != rows_bytes)
		TG_FAIL("%s in pieces of %zu: %u frames of %u, %zu bytes of %zu", name, piece, ends,
			frames, bytes, rows_bytes);
}

static void replay_answers(const char *name)
{
	load_answers(name);
	for (size_t piece = 1; piece < 200; piece++)
		take_in_pieces(name, piece);
	take_in_pieces(name, 65536);
}

TG_TEST(recorded_answers_are_taken_apart_in_pieces_of_any_size)
{
	TG_CHECK(each(FOLDER, replay_answers) >= 20);
}
