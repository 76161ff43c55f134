/* What the HTTPS sink makes of answers: every verdict, Retry-After, records refused by name, the
 * probe. */
#include "tests/unit/https_rig.h"

TG_TEST(https_answers_are_judged)
{
	static const struct {
		const char *text;
		int err;
		const char *says;
	} cases[] = {
		{ "HTTP/1.1 204 No Content\r\n\r\n", 0, "" },
		{ "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		  0, "" },
		{ "HTTP/1.1 200 OK\r\nContent-Type: Text/HTML\r\nContent-Length: 1\r\n\r\n<",
		  TG_ERR_TARGET, "captive" },
		{ "HTTP/1.1 511 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_TARGET, "captive" },
		{ "HTTP/1.1 301 Moved\r\nLocation: https://h/x?token=1\r\nContent-Length: "
		  "0\r\n\r\n",
		  TG_ERR_TARGET, "redirects (301) to \"https://h/x\"" },
		{ "HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_PERMISSION, "401" },
		{ "HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_PERMISSION, "403" },
		{ "HTTP/1.1 404 x\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
		  TG_ERR_TARGET, "a web page" },
		{ "HTTP/1.1 405 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_TARGET, "405" },
		{ "HTTP/1.1 408 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_NOT_READY, "408" },
		{ "HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_NOT_READY, "429" },
		{ "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_NOT_READY, "500" },
		{ "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_NOT_READY, "503" },
		{ "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_BATCH, "413" },
		{ "HTTP/1.1 422 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_BATCH, "422" },
		{ "HTTP/1.1 400 x\r\nContent-Length: 50\r\n\r\n"
		  "<p>The plain HTTP request was sent to HTTPS port  ",
		  TG_ERR_PEER_TLS, "https://" },
		{ "SSH-2.0-x\r\n", TG_ERR_PEER_OTHER, "HTTP" },
		{ "\x15\x03\x01", TG_ERR_PEER_TLS, "https://" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin("");
		int err = answered(cases[i].text);
		if (err != cases[i].err || strstr(rig.why.text, cases[i].says) == NULL)
			TG_FAIL("%s: %d %s", cases[i].text, err, rig.why.text);
		end();
	}
}

TG_TEST(https_bad_request_needs_a_good_one)
{
	static const char bad[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

	begin("");
	TG_CHECK_INT(answered(bad), TG_ERR_TARGET);
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	TG_CHECK_INT(answered(bad), TG_ERR_BATCH);
	end();
}

TG_TEST(https_retry_after_is_read)
{
	static const struct {
		const char *headers;
		uint64_t ms;
	} cases[] = {
		{ "Retry-After: 120\r\n", 120000 },
		{ "Retry-After: 0\r\n", 0 },
		{ "Retry-After: 99999999\r\n", UINT64_C(86400000) },
		{ "Retry-After: soon\r\n", 0 },
		{ "", 0 },
		{ "Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n",
		  30000 }, /* our clock: 08:49:37 */
		{ "Retry-After: Sun, 06 Nov 1994 08:49:07 GMT\r\n", 0 },
		{ "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nRetry-After: Thu, 01 Jan 2026 00:01:00 "
		  "GMT\r\n",
		  60000 }, /* our clock is wrong: the server's counts */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];

		begin("");
		(void)snprintf(text, sizeof(text), "HTTP/1.1 503 x\r\n%sContent-Length: 0\r\n\r\n",
			       cases[i].headers);
		TG_CHECK_INT(answered(text), TG_ERR_NOT_READY);
		TG_CHECK_INT(rig.outcome.retry_after_ms, cases[i].ms);
		end();
	}
}

static void check_refused(const char *body, const char *want)
{
	char text[512], got[256] = "";
	size_t used = 0;

	begin("");
	(void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		       strlen(body), body);
	server_reply((struct server_reply){ .text = text });
	TG_CHECK_INT(deliver(1, 9), 0);
	for (uint32_t i = 0; i < rig.outcome.refused_count; i++)
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%" PRIu64 " ",
					 rig.outcome.refused[i]);
	TG_CHECK_STR(got, want);
	end();
}

TG_TEST(https_refused_records_are_named)
{
	check_refused("{\"refused\":[7,9]}", "7 9 ");
	check_refused(" { \"ok\" : 1, \"refused\" : [ {\"seq\": 7, \"reason\":\"x\"}, 9, 9 ] }\r\n",
		      "7 9 ");
	check_refused("[{\"reason\":\"x\",\"seq\":2}]", "2 ");
	check_refused("[3]", "3 ");
	check_refused("{\"refused\":[0,10,-1,1.5,\"4\",null,{},5]}", "5 ");
	check_refused("{\"refused\":7}", "");
	check_refused("{\"refused\":[7}", "");
	check_refused("{\"refused\":[7]} x", "");
	check_refused("thanks", "");
	check_refused("", "");
}

TG_TEST(https_too_many_refused_halve_the_batch)
{
	static char text[2 * CONFIG_TG_HTTPS_ANSWER_BYTES + 256];
	size_t used;

	begin("");
	used = (size_t)snprintf(text, sizeof(text),
				"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[1");
	for (int seq = 2; seq <= TG_REFUSED_MAX + 1; seq++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, ",%d", seq);
	(void)snprintf(text + used, sizeof(text) - used, "]");
	server_reply((struct server_reply){ .text = text, .close = true });
	TG_CHECK_INT(deliver(1, 100), TG_ERR_BATCH);
	used = (size_t)snprintf(text, sizeof(text),
				"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"refused\":[1");
	memset(text + used, ' ', sizeof(text) - used - 2);
	text[sizeof(text) - 2] = ']';
	server_reply((struct server_reply){ .text = text, .close = true });
	TG_CHECK_INT(deliver(1, 100), TG_ERR_BATCH);
	/* An endpoint that echoes what it got names nobody. */
	used = (size_t)snprintf(text, sizeof(text),
				"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
				"[{\"_tidegate\":{\"seq\":1}");
	memset(text + used, ' ', sizeof(text) - used - 2);
	server_reply((struct server_reply){ .text = text, .close = true });
	TG_CHECK_INT(deliver(1, 100), 0);
	end();
}

TG_TEST(https_probe)
{
	static const struct {
		const char *head, *options;
		int err;
	} cases[] = {
		{ "HTTP/1.1 405 x\r\nContent-Length: 9\r\n\r\n", NULL, 0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", NULL, 0 },
		{ "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n",
		  "HTTP/1.1 204 x\r\nAllow: POST\r\n\r\n", 0 },
		{ "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n",
		  "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_TARGET },
		{ "HTTP/1.1 400 x\r\nContent-Length: 9\r\n\r\n",
		  "HTTP/1.1 400 x\r\nContent-Length: 52\r\n\r\n"
		  "<p>The plain HTTP request was sent to HTTPS port</p>",
		  TG_ERR_PEER_TLS },
		{ "HTTP/1.1 400 x\r\nContent-Length: 9\r\n\r\n",
		  "HTTP/1.1 400 x\r\nContent-Length: 0\r\n\r\n", 0 },
		{ "HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n", NULL, TG_ERR_PERMISSION },
		{ "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", NULL, TG_ERR_NOT_READY },
		{ "HTTP/1.1 302 x\r\nLocation: http://login/\r\nContent-Length: 0\r\n\r\n", NULL,
		  TG_ERR_TARGET },
		{ "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\n", NULL,
		  TG_ERR_TARGET },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(",\"bearer\":\"t\"");
		server_reply((struct server_reply){ .text = cases[i].head });
		if (cases[i].options != NULL)
			server_reply((struct server_reply){ .text = cases[i].options });
		TG_CHECK_INT(turn_until_done(step_probe), cases[i].err);
		TG_CHECK(rig.why.text[0] != '\0');
		TG_CHECK(strncmp(server.kept[0], "HEAD /ingest", 12) == 0);
		TG_CHECK(strstr(server.kept[0], "Authorization: Bearer t\r\n") != NULL);
		TG_CHECK(strstr(server.kept[0], "Content-Length") == NULL);
		TG_CHECK_INT(answered(OK_ANSWER), 0);
		end();
	}
}
