#include "drivers/http/identity.h"

#include <inttypes.h>
#include <stdio.h>

#include "drivers/http/url.h"
#include "platform/crypto.h"

enum { PATH_BYTES = 256, DAY_MS = 24 * 3600 * 1000 };

struct reading {
	const struct tg_identity_rules *rules;
	const struct tg_json *config;
	struct tg_problems *problems;
};

/* --- the proxy --- */

/* A proxy's port is never the scheme's own. */
static bool has_port(const char *url)
{
	const char *colon = strrchr(url, ':'), *bracket = strrchr(url, ']');

	return colon > url + strlen("http") && colon > bracket;
}

/* "http://host:port/" or "host:port". */
static const char *parse_proxy(const char *text, struct tg_conn_proxy *out)
{
	char full[TG_URL_BYTES_MAX];
	struct tg_url url;
	const char *fault;
	bool bare = strstr(text, "://") == NULL;

	if (snprintf(full, sizeof(full), "%s%s", bare ? "http://" : "", text) >= (int)sizeof(full))
		return "is too long";
	fault = tg_url_parse(full, &url);
	if (fault != NULL)
		return strchr(full, '@') == NULL
			       ? fault
			       : "carries a user before the @: give proxy_username "
				 "and proxy_password";
	if (url.tls)
		return "begins with https://: a proxy is spoken to without TLS, give http://";
	if (strcmp(url.target, "/") != 0)
		return "must end behind the port";
	if (!has_port(full))
		return "has no port: write http://HOST:3128, or whichever it is";
	memcpy(out->host, url.host, sizeof(out->host));
	out->port = url.port;
	return NULL;
}

static void read_login(struct tg_conn_proxy *out, const struct reading *in)
{
	char user[CONFIG_TG_PROXY_LOGIN_BYTES_MAX] = "", password[sizeof(user)] = "";
	struct tg_json_rule name = { .name = "proxy_username",
				     .max = sizeof(user) - 1,
				     .cap = sizeof(user) };
	struct tg_json_rule secret = { .name = "proxy_password",
				       .max = sizeof(password) - 1,
				       .cap = sizeof(password) };
	int bytes;

	tg_json_take_text(in->config, &name, user, in->problems);
	tg_json_take_secret(in->config, &secret, password, in->problems);
	if (strchr(user, ':') != NULL)
		tg_problem(in->problems, in->config, "proxy_username", "must not hold a colon");
	else if (user[0] == '\0' && password[0] != '\0')
		tg_problem(in->problems, in->config, "proxy_username",
			   "is missing, though proxy_password is given");
	bytes = user[0] == '\0' ? 0
				: snprintf(out->login, sizeof(out->login), "%s:%s", user, password);
	if (bytes >= (int)sizeof(out->login))
		tg_problem(in->problems, in->config, "proxy_password",
			   "is, with the user, longer than %d bytes (TG_PROXY_LOGIN_BYTES_MAX)",
			   CONFIG_TG_PROXY_LOGIN_BYTES_MAX - 2);
	tg_wipe(password, sizeof(password));
}

static void read_proxy(struct tg_conn_proxy *out, const struct reading *in)
{
	char text[TG_URL_BYTES_MAX] = "";
	struct tg_json_rule rule = { .name = "proxy",
				     .max = sizeof(text) - 1,
				     .cap = sizeof(text) };
	const char *fault = NULL;

	memset(out, 0, sizeof(*out));
	tg_json_take_text(in->config, &rule, text, in->problems);
	read_login(out, in);
	if (text[0] != '\0')
		fault = parse_proxy(text, out);
	else if (out->login[0] != '\0')
		fault = "is missing, though proxy_username is given";
	if (fault != NULL)
		tg_problem(in->problems, in->config, "proxy", "the proxy %s", fault);
}

/* --- certificates --- */

static void read_path(const struct reading *in, const char *name, char at[PATH_BYTES])
{
	struct tg_json_rule rule = { .name = name, .max = PATH_BYTES - 1, .cap = PATH_BYTES };

	if (name != NULL)
		tg_json_take_text(in->config, &rule, at, in->problems);
}

static void read_text(const struct reading *in, struct tg_tls_files *files)
{
	static uint8_t text[CONFIG_TG_CERTIFICATE_BASE64_BYTES_MAX];
	struct tg_json_rule rule = { .name = "certificate_base64",
				     .max = sizeof(text) - 1,
				     .cap = sizeof(text) };

	text[0] = '\0';
	tg_json_take_secret(in->config, &rule, (char *)text, in->problems);
	files->text = text;
	files->text_bytes = strlen((const char *)text);
	files->text_name = rule.name;
	if (files->text_bytes > 0 && files->certificate_file[0] != '\0')
		tg_problem(in->problems, in->config, rule.name,
			   "is given beside %s: leave one of them out", in->rules->certificate);
}

static bool shows_certificate(const struct tg_tls_files *files)
{
	return files->text_bytes > 0 || files->certificate_file[0] != '\0' ||
	       files->key_file[0] != '\0';
}

static void read_tls(struct tg_conn_target *target, const struct reading *in)
{
	struct tg_tls_files files = { .ca_file = "" };
	struct tg_why why = { .err = TG_OK };

	read_path(in, "ca_file", files.ca_file);
	read_path(in, "server_name", files.server_name);
	read_path(in, in->rules->certificate, files.certificate_file);
	read_path(in, in->rules->key, files.key_file);
	read_text(in, &files);
	if (!in->rules->tls && shows_certificate(&files))
		tg_problem(in->problems, in->config, in->rules->address,
			   "plain http carries no certificate: use https");
	target->tls = NULL;
	if (in->rules->tls && in->problems->count == in->rules->faults_before &&
	    tg_tls_load(&files, &target->tls, &why) != TG_OK)
		tg_problem(in->problems, in->config, NULL, "%s", why.text);
	tg_wipe(files.text, files.text_bytes);
}

void tg_identity_read(struct tg_conn_target *target, const struct tg_identity_rules *rules,
		      const struct tg_json *config, struct tg_problems *problems)
{
	struct reading in = { .rules = rules, .config = config, .problems = problems };

	read_proxy(&target->proxy, &in);
	read_tls(target, &in);
}

int64_t tg_identity_days_left(const struct tg_conn_target *target, const struct tg_now *now,
			      char text[TG_IDENTITY_TEXT_BYTES])
{
	int64_t ends_ms, days;

	text[0] = '\0';
	if (target->tls == NULL || !tg_tls_expires(target->tls, &ends_ms))
		return INT64_MAX;
	days = (ends_ms - now->wall_ms) / DAY_MS;
	(void)snprintf(text, TG_IDENTITY_TEXT_BYTES, "our certificate expires in %" PRId64 " day%s",
		       days, days == 1 ? "" : "s");
	return days;
}
