/* What a RavenDB sink makes of answers, of its configuration, and what `check` is told. */
#include "tests/unit/raven_rig.h"

static int refused(const char *answer)
{
	int err;

	begin("");
	raven.refuse = "\"seq\":2";
	raven.refusal = answer;
	err = deliver(1, 3);
	end();
	return err;
}

#define ERROR_OF(status, type)                                                            \
	"HTTP/1.1 " status "\r\nConnection: close\r\n\r\n{\"Url\":\"/\",\"Type\":\"" type \
	"\",\"Message\":\"m\",\"Error\":\"e\"}"

TG_TEST(sink_answers_are_judged)
{
	static const struct {
		const char *text;
		int err;
		const char *says;
	} cases[] = {
		{ ERROR_OF("500 x", "System.IO.InvalidDataException"), TG_ERR_BATCH, "" },
		{ ERROR_OF("500 x", "System.IO.EndOfStreamException"), TG_ERR_BATCH, "" },
		{ ERROR_OF("500 x", "System.ArgumentException"), TG_ERR_BATCH, "" },
		{ ERROR_OF("500 x", "System.InvalidOperationException"), TG_ERR_BATCH, "" },
		{ ERROR_OF("500 x", "R.C.E.Documents.DocumentCollectionMismatchException"),
		  TG_ERR_BATCH, "" },
		{ ERROR_OF("500 x", "R.C.E.Database.DatabaseDoesNotExistException"), TG_ERR_MISSING,
		  "database_name" },
		{ ERROR_OF("500 x", "System.NullReferenceException"), TG_ERR_NOT_READY, "failed" },
		{ ERROR_OF("503 x", "R.C.E.Database.DatabaseDisabledException"), TG_ERR_NOT_READY,
		  "disabled" },
		{ ERROR_OF("503 x", "R.C.E.Database.DatabaseLoadTimeoutException"),
		  TG_ERR_NOT_READY, "loaded" },
		{ ERROR_OF("410 x", "R.C.E.Database.DatabaseNotRelevantException"),
		  TG_ERR_NOT_READY, "another" },
		{ ERROR_OF("408 x", "System.TimeoutException"), TG_ERR_NOT_READY, "in time" },
		{ ERROR_OF("402 x", "R.C.E.Commercial.LicenseLimitException"), TG_ERR_PERMISSION,
		  "licence" },
		{ ERROR_OF("403 x", "InvalidAuth"), TG_ERR_PERMISSION, "permission" },
		{ ERROR_OF("400 x", "R.C.E.Routing.RouteNotFoundException"), TG_ERR_TARGET, "4.2" },
		{ "HTTP/1.1 403 x\r\nConnection: "
		  "close\r\n\r\n{\"Type\":\"InvalidAuth\",\"Message\":"
		  "\"The supplied client certificate 'CN=x(Thumbprint: 00)' has expired on Friday, "
		  "20 "
		  "November 2026. Please contact your system administrator.\"}",
		  TG_ERR_LOGIN_USER, "expired by the server's clock" },
		{ "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_BATCH, "" },
		{ "HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_NOT_READY, "" },
		{ "HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_NOT_READY, "" },
		{ "HTTP/1.1 403 x\r\nContent-Length: 6\r\n\r\n<html>", TG_ERR_PEER_OTHER,
		  "RavenDB" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", TG_ERR_NOT_READY,
		  "nothing counts" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = refused(cases[i].text);
		if (err != cases[i].err || strstr(rig.why.text, cases[i].says) == NULL)
			TG_FAIL("%s: %d %s", cases[i].text, err, rig.why.text);
		TG_CHECK_INT(raven.applied, 0);
	}
}

/* The marker cannot be read: that says nothing of the batch, which stays whole. */
TG_TEST(sink_refuses_no_batch_over_a_question)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{ ERROR_OF("500 x", "System.InvalidOperationException"), TG_ERR_NOT_READY },
		{ ERROR_OF("500 x", "System.ArgumentException"), TG_ERR_NOT_READY },
		{ ERROR_OF("500 x", "System.NotSupportedException"), TG_ERR_NOT_READY },
		{ "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_NOT_READY },
		{ "HTTP/1.1 204 x\r\n\r\n", TG_ERR_PEER_OTHER },
		{ "HTTP/1.1 304 x\r\n\r\n", TG_ERR_PEER_OTHER },
		{ "HTTP/1.1 200 x\r\nContent-Length: 50\r\n\r\n"
		  "{\"Results\":[{\"@metadata\":{\"@change-vector\":[7]}}]}",
		  TG_ERR_PEER_OTHER },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin("");
		server_reply((struct server_reply){ .text = cases[i].text, .close = true });
		TG_CHECK_INT(deliver(1, 3), cases[i].err);
		TG_CHECK(rig.why.text[0] != '\0');
		TG_CHECK_INT(raven.applied, 0);
		TG_CHECK_INT(deliver(1, 3), 0);
		TG_CHECK_INT(raven.looks, 1);
		TG_CHECK_INT(raven.conflicts, 0);
		TG_CHECK_INT(raven.applied, 1);
		end();
	}
}

/* A proxy or balancer before the server asks for a pause; another address is asked before that. */
TG_TEST(sink_obeys_retry_after)
{
	const struct server_reply reply = {
		.text = "HTTP/1.1 503 x\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n",
		.close = true
	};

	begin("");
	server_reply(reply);
	TG_CHECK_INT(deliver(1, 3), TG_ERR_NOT_READY);
	TG_CHECK_INT(rig.outcome.retry_after_ms, 40000);
	restart("", ",http://127.0.0.1:1");
	server_reply(reply);
	TG_CHECK_INT(deliver(1, 3), TG_ERR_NOT_READY);
	TG_CHECK(rig.outcome.retry_after_ms < 40000);
	end();
}

/* A refused batch is known not to be in: its halves are sent without asking. */
TG_TEST(sink_sends_halves_without_asking)
{
	begin("");
	raven.refuse = "\"seq\":4,";
	raven.refusal = ERROR_OF("500 x", "System.IO.InvalidDataException");
	TG_CHECK_INT(deliver(1, 4), TG_ERR_BATCH);
	TG_CHECK_INT(deliver(1, 2), 0);
	TG_CHECK_INT(deliver(3, 4), TG_ERR_BATCH);
	TG_CHECK_INT(deliver(3, 3), 0);
	TG_CHECK_INT(deliver(4, 4), TG_ERR_BATCH);
	TG_CHECK_INT(deliver(5, 5), 0);
	TG_CHECK_INT(raven.looks, 1);
	TG_CHECK_INT(raven.applied, 3);
	end();
}

/* A delete that is a script is not run on a document in conflict: it is found and stands alone. */
TG_TEST(sink_finds_the_document_in_conflict)
{
	begin("");
	raven.refuse = "\"seq\":4,";
	raven.refusal = ERROR_OF("409 x", "R.C.E.Documents.DocumentConflictException");
	TG_CHECK_INT(deliver(1, 4), TG_ERR_BATCH);
	TG_CHECK(strstr(rig.why.text, "in conflict there") != NULL);
	TG_CHECK_INT(deliver(1, 2), 0);
	TG_CHECK_INT(deliver(3, 4), TG_ERR_BATCH);
	TG_CHECK_INT(deliver(3, 3), 0);
	TG_CHECK_INT(deliver(4, 4), TG_ERR_BATCH);
	TG_CHECK_INT(deliver(5, 5), 0);
	TG_CHECK_INT(raven.applied, 3);
	end();
}

/* The marker's own conflict is none of the batch's: it is written over. */
TG_TEST(sink_writes_over_a_marker_in_conflict)
{
	static const char conflict[] =
		ERROR_OF("409 x", "R.C.E.Documents.DocumentConflictException");

	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	server_reply((struct server_reply){ .text = conflict, .close = true });
	server_reply((struct server_reply){ .text = conflict, .close = true });
	TG_CHECK_INT(deliver(4, 6), 0);
	TG_CHECK(strstr(raven.body, "\"ChangeVector\":null") != NULL);
	TG_CHECK_INT(raven.applied, 2);
	end();
}

/* 408: written here, not yet there. */
TG_TEST(sink_asks_the_marker_after_a_timeout)
{
	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	server_reply((struct server_reply){ .text = "HTTP/1.1 408 x\r\nContent-Length: 0\r\n\r\n",
					    .close = true });
	TG_CHECK_INT(deliver(4, 6), TG_ERR_NOT_READY);
	(void)double_batch(server.kept[server.next - 1]);
	TG_CHECK_INT(raven.applied, 2);
	TG_CHECK_INT(deliver(4, 6), 0);
	TG_CHECK_INT(raven.applied, 2);
	end();
}

TG_TEST(sink_tries_the_next_address)
{
	begin("");
	restart("http://127.0.0.1:1,", "");
	TG_CHECK_INT(deliver(1, 3), TG_ERR_CONNECT);
	TG_CHECK_INT(deliver(1, 3), 0);
	TG_CHECK_INT(deliver(4, 6), 0);
	end();
}

TG_TEST(sink_options_are_checked)
{
	static const struct {
		const char *members, *says;
	} cases[] = {
		{ ",\"database_name\":\"d\"", "ravendb_urls: is missing" },
		{ ",\"ravendb_urls\":\"http://h.example\",\"database_name\":\"d\"", "plain http" },
		{ ",\"ravendb_urls\":\"http://localhost\"", "database_name: is missing" },
		{ ",\"ravendb_urls\":\"http://"
		  "localhost\",\"database_name\":\"d\",\"id\":\"{table}\"",
		  "id: must hold {key}" },
		{ ",\"ravendb_urls\":\"http://localhost\",\"database_name\":\"d\",\"collection\":"
		  "\"{key}\"",
		  "collection: may not hold {key}" },
		{ ",\"ravendb_urls\":\"http://"
		  "localhost\",\"database_name\":\"d\",\"batch_records\":0",
		  "batch_records" },
		{ ",\"ravendb_urls\":\"http://localhost\",\"database_name\":\"d\",\"ids\":\"x\"",
		  "ids" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		configure(cases[i].members);
		TG_CHECK(rig.problems.count > 0);
		if (strstr(rig.problems.text[0], cases[i].says) == NULL)
			TG_FAIL("%s: %s", cases[i].members, rig.problems.text[0]);
		tg_raven_sink_ops.stop(rig.state);
	}
}

/* --- check --- */

static int probe(void)
{
	int err = TG_ERR_AGAIN;

	for (unsigned turn = 0; err == TG_ERR_AGAIN; turn++) {
		TG_CHECK(turn < TURNS_MAX);
		server_turn();
		err = tg_raven_sink_ops.probe(rig.state, &rig.now, &rig.why);
	}
	return err;
}

TG_TEST(sink_probe_writes_nothing)
{
	begin("");
	TG_CHECK_INT(probe(), 0);
	TG_CHECK(strstr(rig.why.text, "takes batches") != NULL);
	TG_CHECK(strstr(rig.why.text, "never") != NULL);
	TG_CHECK(strstr(server.kept[1], "&matches=%2A%2F~up%2F%2A HTTP/1.1\r\n") != NULL);
	TG_CHECK_INT(raven.applied, 0);
	TG_CHECK_INT(deliver(1, 3), 0);
	TG_CHECK_INT(probe(), 0);
	TG_CHECK(strstr(rig.why.text, "2026-11-21T10:01:45.5053822Z") != NULL);
	restart("http://127.0.0.1:1,", "");
	TG_CHECK_INT(probe(), 0);
	end();
}

/* 204 is a success, but none that this question can have. */
TG_TEST(sink_probe_takes_no_other_success)
{
	begin("");
	server_reply((struct server_reply){
		.text = "HTTP/1.1 201 Created\r\nContent-Length: 14\r\n\r\n{\"Results\":[]}" });
	server_reply((struct server_reply){ .text = "HTTP/1.1 204 No Content\r\n\r\n" });
	TG_CHECK_INT(probe(), TG_ERR_PEER_OTHER);
	TG_CHECK(strstr(rig.why.text, "check ravendb_urls") != NULL);
	end();
}

TG_TEST(sink_probe_tells_a_refusal)
{
	begin("");
	server_reply((struct server_reply){
		.text = ERROR_OF("500 x", "R.C.E.Database.DatabaseDoesNotExistException"),
		.close = true });
	TG_CHECK_INT(probe(), TG_ERR_MISSING);
	TG_CHECK(strstr(rig.why.text, "no such database") != NULL);
	end();
}
