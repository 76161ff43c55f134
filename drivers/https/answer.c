#include "drivers/https/answer.h"

#include <inttypes.h>
#include <strings.h>

#include "drivers/http/token.h"
#include "drivers/json/scan.h"
#include "platform/log.h"

/* --- the status --- */

static bool is_page(const struct tg_http_response *response)
{
	return strncasecmp(response->content_type, "text/html", 9) == 0 ||
	       strncasecmp(response->content_type, "application/xhtml", 17) == 0;
}

static bool body_holds(const struct tg_http_response *response, const char *text)
{
	size_t bytes = strlen(text);

	for (size_t i = 0; i + bytes <= response->body_bytes; i++)
		if (memcmp(response->body + i, text, bytes) == 0)
			return true;
	return false;
}

static int page(const struct tg_https_context *context, struct tg_why *why)
{
	return tg_why_set(
		why, TG_ERR_TARGET,
		"%s answers with a web page, not as an endpoint: a captive "
		"portal or a log-in page stands in between, or the url is wrong; nothing counts "
		"as delivered",
		context->authority);
}

static int refused_batch(const struct tg_http_response *response,
			 const struct tg_https_context *context, struct tg_why *why)
{
	return tg_why_set(why, TG_ERR_BATCH, "%s refuses this batch (%u)", context->authority,
			  response->status);
}

/* 400 also comes from proxies that were spoken to in the wrong way: nginx and Go say so in words.
 */
static int bad_request(const struct tg_http_response *response,
		       const struct tg_https_context *context, struct tg_why *why)
{
	if (context->plain && (body_holds(response, "plain HTTP request was sent to HTTPS port") ||
			       body_holds(response, "HTTP request to an HTTPS server")))
		return tg_why_set(why, TG_ERR_PEER_TLS, "%s wants TLS: write https:// in the url",
				  context->authority);
	if (!context->plain && body_holds(response, "SSL certificate"))
		return tg_why_set(why, TG_ERR_PERMISSION,
				  "%s does not accept our client certificate, or "
				  "wants one: check client_certificate and client_key",
				  context->authority);
	if (context->took_some)
		return refused_batch(response, context, why);
	return tg_why_set(why, TG_ERR_TARGET,
			  "%s answers 400 and has taken no batch yet: check the url, "
			  "the framing and what the endpoint expects",
			  context->authority);
}

static int not_now(const struct tg_http_response *response, const struct tg_https_context *context,
		   struct tg_why *why)
{
	return tg_why_set(why, TG_ERR_NOT_READY,
			  "%s is not available now (%u); delivery goes on by itself",
			  context->authority, response->status);
}

static int redirect(const struct tg_http_response *response, const struct tg_https_context *context,
		    struct tg_why *why)
{
	size_t shown = strcspn(response->location, "?#"); /* what follows may hold a secret */

	return tg_why_set(why, TG_ERR_TARGET,
			  "%s redirects (%u) to \"%.*s\", which is never followed: set "
			  "url to the endpoint itself",
			  context->authority, response->status, (int)shown, response->location);
}

static int not_an_endpoint(const struct tg_http_response *response,
			   const struct tg_https_context *context, struct tg_why *why)
{
	return tg_why_set(why, TG_ERR_TARGET,
			  "%s has no endpoint for records at this url (%u%s): check the "
			  "url's path",
			  context->authority, response->status,
			  is_page(response) ? ", a web page" : "");
}

int tg_https_verdict(const struct tg_http_response *response,
		     const struct tg_https_context *context, struct tg_why *why)
{
	unsigned status = response->status;

	if (status >= 200 && status < 300)
		return is_page(response) ? page(context, why) : TG_OK;
	if (status >= 300 && status < 400)
		return redirect(response, context, why);
	switch (status) {
	case 400:
		return bad_request(response, context, why);
	case 401:
	case 403:
	case 407:
		return tg_why_set(why, TG_ERR_PERMISSION,
				  "%s does not let us in (%u): check bearer, headers "
				  "and client_certificate",
				  context->authority, status);
	case 413:
	case 422:
		return refused_batch(response, context, why);
	case 408:
	case 409: /* the same key is still being worked on */
	case 425:
	case 429:
		return not_now(response, context, why);
	case 511:
		return page(context, why);
	default:
		return status >= 500 ? not_now(response, context, why)
				     : not_an_endpoint(response, context, why);
	}
}

/* --- refused records --- */

static bool whole_json(struct tg_view body)
{
	struct tg_scan scan = { .watch_count = 0 };
	size_t end;

	tg_scan_start(&scan);
	if (tg_scan_feed(&scan, body.at, body.bytes, 0) != TG_OK)
		return false;
	end = (size_t)scan.pos;
	while (end < body.bytes && strchr(" \t\r\n", body.at[end]) != NULL && body.at[end] != '\0')
		end++;
	return end == body.bytes;
}

static struct tg_view trimmed(const struct tg_http_response *response)
{
	struct tg_view body = tg_view_of(response->body, response->body_bytes);

	while (body.bytes > 0 && (body.at[0] == ' ' || body.at[0] == '\t' || body.at[0] == '\r' ||
				  body.at[0] == '\n')) {
		body.at++;
		body.bytes--;
	}
	return body;
}

/* One element: 7, or {"seq":7,...}. False when it is neither. */
static bool read_seq(struct tg_view element, uint64_t *seq)
{
	int64_t number;

	if (element.bytes > 0 && element.at[0] == '{')
		element = tg_member_of(element, "seq");
	if (element.bytes == 0 || tg_json_integer(element, &number) != TG_OK || number < 0)
		return false;
	*seq = (uint64_t)number;
	return true;
}

/* False when there is no room for it. */
static bool note(struct tg_outcome *outcome, uint64_t seq)
{
	for (uint32_t i = 0; i < outcome->refused_count; i++)
		if (outcome->refused[i] == seq)
			return true;
	if (outcome->refused_count == TG_REFUSED_MAX)
		return false;
	outcome->refused[outcome->refused_count++] = seq;
	return true;
}

static int read_list(struct tg_view list, const struct tg_delivery *delivery,
		     struct tg_outcome *outcome, struct tg_why *why)
{
	struct tg_members members;
	struct tg_view name, element;
	uint64_t seq, unknown = 0;

	if (!tg_members_start(&members, list) || members.object)
		return TG_OK;
	while (tg_members_next(&members, &name, &element)) {
		if (!read_seq(element, &seq) || seq < delivery->first || seq > delivery->last)
			unknown++;
		else if (!note(outcome, seq))
			return tg_why_set(why, TG_ERR_BATCH,
					  "more than %d records of one batch were refused by "
					  "name: trying smaller batches",
					  TG_REFUSED_MAX);
	}
	if (unknown > 0)
		TG_LOG_WRN("https.answer",
			   "first=%" PRIu64 " last=%" PRIu64 " count=%" PRIu64
			   " why=\"the answer lists what is no record of the batch\"",
			   delivery->first, delivery->last, unknown);
	return TG_OK;
}

/* Whether a body that did not fit begins like a list of refused records; an endpoint that merely
 * echoes what it got does not. */
static bool begins_a_list(struct tg_view body, const struct tg_http_response *response)
{
	static const char head[] = "{\"seq\"";
	size_t at = 1;

	if (body.at[0] == '{')
		return body_holds(response, "\"refused\"");
	while (at < body.bytes && strchr(" \t\r\n", body.at[at]) != NULL && body.at[at] != '\0')
		at++;
	if (at < body.bytes && tg_http_is_digit((char)body.at[at]))
		return true;
	return body.bytes - at >= sizeof(head) - 1 &&
	       memcmp(body.at + at, head, sizeof(head) - 1) == 0;
}

int tg_https_refused(const struct tg_http_response *response, const struct tg_delivery *delivery,
		     struct tg_outcome *outcome, struct tg_why *why)
{
	struct tg_view body = trimmed(response), list;

	outcome->refused_count = 0;
	if (response->encoded || body.bytes == 0 || (body.at[0] != '{' && body.at[0] != '['))
		return TG_OK;
	if (response->body_cut)
		return begins_a_list(body, response)
			       ? tg_why_set(why, TG_ERR_BATCH,
					    "the list of refused records is longer than %d bytes: "
					    "trying smaller batches",
					    CONFIG_TG_HTTPS_ANSWER_BYTES)
			       : TG_OK;
	if (!whole_json(body))
		return TG_OK;
	list = body.at[0] == '[' ? body : tg_member_of(body, "refused");
	return list.bytes == 0 ? TG_OK : read_list(list, delivery, outcome, why);
}
