#include "drivers/rethink/config.h"

#include <stdio.h>

#include "app/pattern.h"

enum { SECOND_MS = 1000, HOUR_MS = 3600 * 1000, PORT_DEFAULT = 28015 };

static const char *const members[] = {
	"name",
	"type",
	"host",
	"port",
	"database",
	"username",
	"password",
	"use_ssl",
	"ca_file",
	"client_certificate",
	"client_key",
	"server_name",
	"tables",
	"mode",
	"timestamp_field",
	"overlap_seconds",
	"full_pass_hours",
	"rows_per_second_max",
	"batch_bytes",
	"delete_when_empty",
	"delete_when_recreated",
	"table",
	"connect_seconds",
	"answer_seconds",
	NULL,
};
static const char *const rule_members[] = { "mode", "timestamp_field", NULL };
static const char *const modes[] = { "snapshot", "timestamp", "auto", NULL };

struct reading {
	const struct tg_json *config;
	struct tg_problems *problems;
};

/* `limits` are bounds of the number, or of the text's length. */
static void read_int(const struct reading *in, const char *name, const int64_t limits[2],
		     int64_t *out)
{
	struct tg_json_rule rule = {
		.name = name, .lenient = true, .min = limits[0], .max = limits[1]
	};

	tg_json_take_int(in->config, &rule, out, in->problems);
}

static void read_text(const struct reading *in, const char *name, char *at, size_t cap)
{
	struct tg_json_rule rule = { .name = name, .cap = cap };

	tg_json_take_text(in->config, &rule, at, in->problems);
}

/* --- who and where --- */

/* Database and table names are letters, digits, _ and - (reference 3.2). */
static bool is_plain_name(const char *text)
{
	for (; *text != '\0'; text++)
		if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
		      (*text >= '0' && *text <= '9') || *text == '_' || *text == '-'))
			return false;
	return true;
}

static void read_address(struct tg_rethink_config *out, const struct reading *in)
{
	struct tg_json_rule host = {
		.name = "host", .required = true, .min = 1, .cap = sizeof(out->target.host)
	};
	int64_t port = PORT_DEFAULT;

	tg_json_take_text(in->config, &host, out->target.host, in->problems);
	read_int(in, "port", (const int64_t[]){ 1, 65535 }, &port);
	out->target.port = (uint16_t)port;
	snprintf(out->peer, sizeof(out->peer), "%s:%u", out->target.host, (unsigned)port);
}

static void read_login(struct tg_rethink_config *out, const struct reading *in)
{
	struct tg_json_rule database = {
		.name = "database", .required = true, .min = 1, .cap = sizeof(out->database)
	};
	struct tg_json_rule password = { .name = "password", .cap = sizeof(out->password) };

	tg_json_take_text(in->config, &database, out->database, in->problems);
	if (!is_plain_name(out->database))
		tg_problem(in->problems, in->config, "database",
			   "a database's name is letters, digits, _ and -");
	read_text(in, "username", out->user, sizeof(out->user));
	/* The seed leaves the user empty for a server without logins: that is `admin`. */
	if (out->user[0] == '\0')
		memcpy(out->user, "admin", sizeof("admin"));
	tg_json_take_secret(in->config, &password, out->password, in->problems);
}

static void load_tls(struct tg_rethink_config *out, const struct reading *in,
		     const struct tg_tls_files *files)
{
	struct tg_why why = { .err = TG_OK };

	if (in->problems->count > 0)
		return;
	if (tg_tls_load(files, &out->target.tls, &why) != TG_OK)
		tg_problem(in->problems, in->config, "use_ssl", "%.180s", why.text);
}

static void read_tls(struct tg_rethink_config *out, const struct reading *in)
{
	struct tg_json_rule use_ssl = { .name = "use_ssl", .lenient = true };
	struct tg_tls_files files = { .ca_file = "" };
	bool tls = false;

	tg_json_take_bool(in->config, &use_ssl, &tls, in->problems);
	read_text(in, "ca_file", files.ca_file, sizeof(files.ca_file));
	read_text(in, "client_certificate", files.certificate_file, sizeof(files.certificate_file));
	read_text(in, "client_key", files.key_file, sizeof(files.key_file));
	read_text(in, "server_name", files.server_name, sizeof(files.server_name));
	if (tls)
		load_tls(out, in, &files);
	else if (files.ca_file[0] != '\0' || files.certificate_file[0] != '\0')
		tg_problem(in->problems, in->config, "use_ssl",
			   "certificates are given, but TLS is off; set it to true");
}

/* --- which tables, and how --- */

static void add_pattern(struct tg_rethink_config *out, const struct tg_json *at,
			struct tg_problems *problems)
{
	const char *text = tg_json_text(at);
	size_t bytes = strlen(text) + 1;

	if (text[0] == '\0' || strcmp(text, "!") == 0) {
		tg_problem(problems, at, NULL, "must be a pattern such as \"*\" or \"!tmp_*\"");
		return;
	}
	if (bytes > sizeof(out->patterns) - out->patterns_bytes) {
		tg_problem(problems, at, NULL, "the patterns together are longer than %d bytes",
			   TG_RETHINK_PATTERNS_BYTES);
		return;
	}
	memcpy(out->patterns + out->patterns_bytes, text, bytes);
	out->patterns_bytes += (uint32_t)bytes;
}

static void read_patterns(struct tg_rethink_config *out, const struct reading *in)
{
	const struct tg_json *tables = tg_json_member(in->config, "tables");

	if (tables == NULL) {
		memcpy(out->patterns, "*", 2);
		out->patterns_bytes = 2;
		return;
	}
	if (tg_json_kind(tables) != TG_JSON_ARRAY || tg_json_first(tables) == NULL) {
		tg_problem(in->problems, tables, NULL, "must be an array of patterns");
		return;
	}
	for (const struct tg_json *i = tg_json_first(tables); i != NULL; i = tg_json_next(i))
		add_pattern(out, i, in->problems);
}

static void read_rule(struct tg_rethink_rule *out, const struct reading *in)
{
	struct tg_json_rule mode = { .name = "mode", .choices = modes };

	tg_json_take_choice(in->config, &mode, &out->mode, in->problems);
	read_text(in, "timestamp_field", out->field, sizeof(out->field));
}

static void read_table_rule(struct tg_rethink_config *out, const struct tg_json *table,
			    struct tg_problems *problems)
{
	struct tg_rethink_rule *rule = &out->rules[out->rule_count];
	struct reading in = { .config = table, .problems = problems };
	size_t bytes = strlen(tg_json_name(table));

	if (out->rule_count == CONFIG_TG_RETHINK_TABLE_RULES_MAX) {
		tg_problem(problems, table, NULL, "more than %d tables have settings of their own",
			   CONFIG_TG_RETHINK_TABLE_RULES_MAX);
		return;
	}
	if (tg_json_kind(table) != TG_JSON_OBJECT || bytes == 0 || bytes >= sizeof(rule->table)) {
		tg_problem(problems, table, NULL,
			   "must be a table's name with an object of settings");
		return;
	}
	*rule = out->rule;
	memcpy(rule->table, tg_json_name(table), bytes + 1);
	tg_json_only(table, rule_members, problems);
	read_rule(rule, &in);
	out->rule_count++;
}

static void read_rules(struct tg_rethink_config *out, const struct reading *in)
{
	const struct tg_json *tables = tg_json_member(in->config, "table");

	read_rule(&out->rule, in);
	if (tables != NULL && tg_json_kind(tables) != TG_JSON_OBJECT)
		tg_problem(in->problems, tables, NULL, "must be an object of table names");
	for (const struct tg_json *i = tg_json_first(tables); i != NULL; i = tg_json_next(i))
		if (tg_json_name(i) != NULL && tg_json_name(i)[0] != '$')
			read_table_rule(out, i, in->problems);
}

/* --- how much and how long --- */

static void read_numbers(struct tg_rethink_config *out, const struct reading *in)
{
	int64_t overlap_s = 60, full_pass_h = 24, rows = 0, connect_s = 10, answer_s = 60;
	int64_t batch_bytes = CONFIG_TG_RETHINK_BATCH_BYTES;

	read_int(in, "overlap_seconds", (const int64_t[]){ 0, 31622400 }, &overlap_s);
	read_int(in, "full_pass_hours", (const int64_t[]){ 1, 87600 }, &full_pass_h);
	read_int(in, "rows_per_second_max", (const int64_t[]){ 0, 100000000 }, &rows);
	read_int(in, "batch_bytes", (const int64_t[]){ 1024, 67108864 }, &batch_bytes);
	read_int(in, "connect_seconds", (const int64_t[]){ 1, 600 }, &connect_s);
	read_int(in, "answer_seconds", (const int64_t[]){ 1, 3600 }, &answer_s);
	out->overlap_ms = overlap_s * SECOND_MS;
	out->full_pass_ms = full_pass_h * HOUR_MS;
	out->rows_per_second_max = (uint32_t)rows;
	out->batch_bytes = (uint32_t)batch_bytes;
	out->answer_ms_max = (uint32_t)(answer_s * SECOND_MS);
	out->login_ms_max = (uint32_t)(connect_s * SECOND_MS);
	out->target.connect_ms_max = out->login_ms_max;
	out->target.handshake_ms_max = out->login_ms_max;
}

static void read_delete_rules(struct tg_rethink_config *out, const struct reading *in)
{
	struct tg_json_rule rule = { .name = "delete_when_empty", .lenient = true };

	tg_json_take_bool(in->config, &rule, &out->delete_when_empty, in->problems);
	rule.name = "delete_when_recreated";
	tg_json_take_bool(in->config, &rule, &out->delete_when_recreated, in->problems);
}

void tg_rethink_config_read(struct tg_rethink_config *out, const struct tg_json *config,
			    struct tg_problems *problems)
{
	struct reading in = { .config = config, .problems = problems };

	memset(out, 0, sizeof(*out));
	tg_json_only(config, members, problems);
	read_address(out, &in);
	read_login(out, &in);
	read_patterns(out, &in);
	read_rules(out, &in);
	read_numbers(out, &in);
	read_delete_rules(out, &in);
	read_tls(out, &in);
}

const struct tg_rethink_rule *tg_rethink_rule_of(const struct tg_rethink_config *config,
						 struct tg_view table)
{
	for (uint32_t i = 0; i < config->rule_count; i++)
		if (tg_view_same(tg_view_str(config->rules[i].table), table))
			return &config->rules[i];
	return &config->rule;
}

bool tg_rethink_takes(const struct tg_rethink_config *config, struct tg_view table)
{
	return tg_patterns_take(tg_view_of(config->patterns, config->patterns_bytes), table);
}
