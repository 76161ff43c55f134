#include "drivers/https/options.h"

#include <stdio.h>
#include <strings.h>

#include "drivers/http/identity.h"
#include "drivers/http/token.h"
#include "drivers/json/json.h"

enum { SECONDS_MAX = 3600, SECOND_MS = 1000, RECORDS_MAX = 1000000, BYTES_MAX = 64 << 20 };

static void take_url(struct tg_https_options *options, const struct tg_json *config,
		     struct tg_problems *problems)
{
	char text[TG_URL_BYTES_MAX] = "";
	bool allow_plain = false;
	const char *fault;

	tg_json_take_bool(config, &(struct tg_json_rule){ .name = "allow_plain" }, &allow_plain,
			  problems);
	tg_json_take_text(config,
			  &(struct tg_json_rule){ .name = "url",
						  .required = true,
						  .min = 1,
						  .max = TG_URL_BYTES_MAX - 1,
						  .cap = sizeof(text) },
			  text, problems);
	if (text[0] == '\0')
		return; /* told */
	fault = tg_url_parse(text, &options->url);
	if (fault != NULL)
		tg_problem(problems, config, "url", "the url %s", fault);
	else if (!options->url.tls && !allow_plain && !tg_url_is_loopback(&options->url))
		tg_problem(problems, config, "url",
			   "plain http would send records and secrets readable "
			   "over the network: use https, or set \"allow_plain\": true");
}

/* Names that say how the request is framed or what it is: ours alone. */
static bool reserved(const char *name)
{
	static const char *const names[] = { "host",
					     "content-length",
					     "content-type",
					     "content-encoding",
					     "transfer-encoding",
					     "connection",
					     "idempotency-key",
					     "te",
					     "trailer",
					     "upgrade",
					     "expect",
					     "keep-alive" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static void take_header(struct tg_https_options *options, const struct tg_json *headers,
			const char *name, struct tg_problems *problems)
{
	char value[CONFIG_TG_HTTPS_HEADERS_BYTES_MAX] = "";
	size_t used = strlen(options->headers);
	int bytes;

	if (!tg_http_is_token(name, strlen(name)) || reserved(name)) {
		tg_problem(problems, headers, name,
			   "tidegate sets this header itself, or it is no header's "
			   "name");
		return;
	}
	tg_json_take_secret(headers,
			    &(struct tg_json_rule){
				    .name = name, .max = sizeof(value) - 1, .cap = sizeof(value) },
			    value, problems);
	if (!tg_http_is_value(value)) {
		tg_problem(problems, headers, name,
			   "a header's value holds visible ASCII characters and "
			   "spaces only");
		return;
	}
	bytes = snprintf(options->headers + used, sizeof(options->headers) - used, "%s: %s\r\n",
			 name, value);
	if (bytes < 0 || (size_t)bytes >= sizeof(options->headers) - used) {
		options->headers[used] = '\0';
		tg_problem(problems, headers, name,
			   "all headers together have more than %d bytes "
			   "(CONFIG_TG_HTTPS_HEADERS_BYTES_MAX)",
			   CONFIG_TG_HTTPS_HEADERS_BYTES_MAX);
	}
}

static void take_headers(struct tg_https_options *options, const struct tg_json *config,
			 struct tg_problems *problems)
{
	const struct tg_json *headers = tg_json_member(config, "headers");

	if (headers != NULL && tg_json_kind(headers) != TG_JSON_OBJECT) {
		tg_problem(problems, config, "headers", "must be an object of names and values");
		return;
	}
	for (const struct tg_json *one = headers != NULL ? tg_json_first(headers) : NULL;
	     one != NULL; one = tg_json_next(one))
		take_header(options, headers, tg_json_name(one), problems);
}

static void take_bearer(struct tg_https_options *options, const struct tg_json *config,
			struct tg_problems *problems)
{
	tg_json_take_secret(config,
			    &(struct tg_json_rule){ .name = "bearer",
						    .max = sizeof(options->bearer) - 1,
						    .cap = sizeof(options->bearer) },
			    options->bearer, problems);
	if (!tg_http_is_value(options->bearer) || strchr(options->bearer, ' ') != NULL)
		tg_problem(problems, config, "bearer",
			   "a bearer token holds visible ASCII characters only");
}

static void take_numbers(struct tg_https_options *options, const struct tg_json *config,
			 struct tg_problems *problems)
{
	static const char *const framings[] = { "ndjson", "array", NULL };
	int64_t records = 5000, bytes = 1 << 20, connect = 10, answer = 60;
	int framing = 0;

	tg_json_take_choice(config,
			    &(struct tg_json_rule){ .name = "framing", .choices = framings },
			    &framing, problems);
	tg_json_take_int(
		config,
		&(struct tg_json_rule){ .name = "batch_records", .min = 1, .max = RECORDS_MAX },
		&records, problems);
	tg_json_take_int(
		config, &(struct tg_json_rule){ .name = "batch_bytes", .min = 1, .max = BYTES_MAX },
		&bytes, problems);
	tg_json_take_int(
		config,
		&(struct tg_json_rule){ .name = "connect_seconds", .min = 1, .max = SECONDS_MAX },
		&connect, problems);
	tg_json_take_int(
		config,
		&(struct tg_json_rule){ .name = "answer_seconds", .min = 1, .max = SECONDS_MAX },
		&answer, problems);
	options->framing = framing == 1 ? TG_FRAMING_ARRAY : TG_FRAMING_NDJSON;
	options->batch_records = (uint64_t)records;
	options->batch_bytes = (uint64_t)bytes;
	options->target.connect_ms_max = (uint32_t)connect * SECOND_MS;
	options->target.handshake_ms_max = options->target.connect_ms_max;
	options->answer_ms = (uint32_t)answer * SECOND_MS;
}

void tg_https_options_read(struct tg_https_options *options, const struct tg_json *config,
			   struct tg_problems *problems)
{
	static const char *const known[] = {
		"name",
		"type",
		"streams",
		"shape",
		"from",
		"columns",
		"url",
		"framing",
		"batch_records",
		"batch_bytes",
		"gzip",
		"bearer",
		"headers",
		"client_certificate",
		"client_key",
		"allow_plain",
		"connect_seconds",
		"answer_seconds",
		TG_IDENTITY_MEMBERS,
		NULL,
	};
	struct tg_identity_rules identity = { .certificate = "client_certificate",
					      .key = "client_key",
					      .address = "url",
					      .faults_before = problems->count };

	memset(options, 0, sizeof(*options));
	tg_json_only(config, known, problems);
	take_url(options, config, problems);
	take_numbers(options, config, problems);
	tg_json_take_bool(config, &(struct tg_json_rule){ .name = "gzip" }, &options->gzip,
			  problems);
	take_bearer(options, config, problems);
	take_headers(options, config, problems);
	identity.tls = options->url.tls;
	tg_identity_read(&options->target, &identity, config, problems);
	memcpy(options->target.host, options->url.host, sizeof(options->target.host));
	options->target.port = options->url.port;
}
