#include "drivers/raven/link.h"

#include "drivers/http/identity.h"
#include "drivers/http/url.h"

enum { SECOND_MS = 1000, DATABASE_LETTERS_MAX = 128 };

struct reading {
	struct tg_raven_link *out;
	const struct tg_json *config;
	struct tg_problems *problems;
	bool allow_plain, plain_seen, tls_seen;
};

/* --- addresses --- */

/* NULL, or what is wrong with the address as the end of a sentence. */
static const char *url_fault(const struct reading *in, const struct tg_url *url)
{
	if (strcmp(url->target, "/") != 0)
		return "must end behind the port: the database has a member of its own, "
		       "database_name";
	if (!url->tls && !in->allow_plain && !tg_url_is_loopback(url))
		return "is plain http, which sends documents readable over the network: use https, "
		       "or set \"allow_plain\": true";
	return NULL;
}

static void add_url(struct reading *in, const struct tg_json *at, const char *text)
{
	struct tg_raven_link *out = in->out;
	struct tg_url url;
	const char *fault = tg_url_parse(text, &url);

	if (fault == NULL)
		fault = url_fault(in, &url);
	if (fault != NULL) {
		tg_problem(in->problems, at, NULL, "the address %.100s %s", text, fault);
		return;
	}
	in->tls_seen |= url.tls;
	in->plain_seen |= !url.tls;
	if (out->url_count == CONFIG_TG_RAVEN_URLS_MAX) {
		tg_problem(in->problems, at, NULL,
			   "this build takes %d addresses at most (TG_RAVEN_URLS_MAX)",
			   CONFIG_TG_RAVEN_URLS_MAX);
		return;
	}
	memcpy(out->urls[out->url_count].host, url.host, sizeof(url.host));
	out->urls[out->url_count++].port = url.port;
}

/* A text of addresses with commas between; blanks around them and empty ones are passed over. */
static void add_urls(struct reading *in, const struct tg_json *at)
{
	const char *text = tg_json_text(at);
	char one[TG_URL_BYTES_MAX];

	while (*text != '\0') {
		size_t bytes = strcspn(text, ",");
		const char *next = text[bytes] == ',' ? text + bytes + 1 : text + bytes;
		for (; bytes > 0 && *text == ' '; bytes--)
			text++;
		while (bytes > 0 && text[bytes - 1] == ' ')
			bytes--;
		if (bytes >= sizeof(one)) {
			tg_problem(in->problems, at, NULL, "an address in it is too long");
		} else if (bytes > 0) {
			memcpy(one, text, bytes);
			one[bytes] = '\0';
			add_url(in, at, one);
		}
		text = next;
	}
}

static void add_list(struct reading *in, const struct tg_json *list)
{
	for (const struct tg_json *i = tg_json_first(list); i != NULL; i = tg_json_next(i))
		if (tg_json_kind(i) == TG_JSON_STRING)
			add_urls(in, i);
		else
			tg_problem(in->problems, i, NULL, "must be an address, a text");
}

static void read_urls(struct reading *in)
{
	const struct tg_json *urls = tg_json_member(in->config, "ravendb_urls");
	uint32_t before = in->problems->count;

	if (urls == NULL) {
		tg_problem(in->problems, in->config, "ravendb_urls", "is missing");
		return;
	}
	if (tg_json_kind(urls) == TG_JSON_STRING)
		add_urls(in, urls);
	else if (tg_json_kind(urls) == TG_JSON_ARRAY)
		add_list(in, urls);
	else
		tg_problem(in->problems, urls, NULL,
			   "must be a text of addresses with commas between, or a list of them");
	if (in->out->url_count == 0 && in->problems->count == before)
		tg_problem(in->problems, urls, NULL, "must name an address");
	if (in->tls_seen && in->plain_seen)
		tg_problem(in->problems, urls, NULL,
			   "mixes http and https: all nodes of a cluster speak one of them");
	in->out->tls = in->tls_seen;
}

/* --- the database --- */

/* Letters (not only English ones), digits, `_`, `-`, and a point between two of them. */
static bool is_database(const char *text)
{
	size_t letters = 0;

	for (const char *c = text; *c != '\0'; c++) {
		uint8_t byte = (uint8_t)*c, lower = byte | 0x20;
		bool plain = byte >= 0x80 || (lower >= 'a' && lower <= 'z') ||
			     (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
		bool point = byte == '.' && c > text && c[-1] != '.' && c[1] != '\0';
		if (!plain && !point)
			return false;
		letters += (byte & 0xc0) != 0x80;
	}
	return letters <= DATABASE_LETTERS_MAX;
}

static void read_database(const struct reading *in)
{
	struct tg_json_rule rule = {
		.name = "database_name", .required = true, .min = 1, .cap = TG_RAVEN_DATABASE_BYTES
	};

	tg_json_take_text(in->config, &rule, in->out->database, in->problems);
	if (!is_database(in->out->database))
		tg_problem(
			in->problems, in->config, "database_name",
			"a database's name is at most %d letters, digits, _, - and single points "
			"between them",
			DATABASE_LETTERS_MAX);
}

/* --- how long --- */

static uint32_t take_ms(const struct reading *in, const char *name, int64_t seconds, int64_t max)
{
	struct tg_json_rule rule = { .name = name, .lenient = true, .min = 1, .max = max };

	tg_json_take_int(in->config, &rule, &seconds, in->problems);
	return (uint32_t)(seconds * SECOND_MS);
}

/* --- as whom --- */

/* A text that is not empty, or the place of a secret. */
static bool is_given(const struct tg_json *config, const char *name)
{
	const struct tg_json *value = tg_json_member(config, name);

	return value != NULL &&
	       (tg_json_kind(value) != TG_JSON_STRING || tg_json_text(value)[0] != '\0');
}

static void read_identity(const struct reading *in, uint32_t faults_before)
{
	struct tg_identity_rules rules = { .certificate = "certificate_file",
					   .address = "ravendb_urls",
					   .tls = in->out->tls,
					   .faults_before = faults_before };

	if (rules.tls && !is_given(in->config, "certificate_file") &&
	    !is_given(in->config, "certificate_base64"))
		tg_problem(in->problems, in->config, "certificate_file",
			   "is missing: over https the server knows us by a certificate, given "
			   "here or as certificate_base64");
	tg_identity_read(&in->out->target, &rules, in->config, in->problems);
}

void tg_raven_link_read(struct tg_raven_link *out, const struct tg_json *config,
			struct tg_problems *problems)
{
	struct reading in = { .out = out, .config = config, .problems = problems };
	uint32_t faults_before = problems->count;
	struct tg_json_rule plain = { .name = "allow_plain", .lenient = true };

	memset(out, 0, sizeof(*out));
	tg_json_take_bool(config, &plain, &in.allow_plain, problems);
	read_urls(&in);
	read_database(&in);
	out->target.connect_ms_max = take_ms(&in, "connect_seconds", 10, 600);
	out->target.handshake_ms_max = out->target.connect_ms_max;
	out->answer_ms_max = take_ms(&in, "answer_seconds", 60, 3600);
	read_identity(&in, faults_before);
}
