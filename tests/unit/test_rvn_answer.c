/* Each refusal of the reference's table (1.2, 1.4), whole and cut at every byte. */
#include "drivers/raven/answer.h"
#include "tests/check.h"

static struct tg_why why;
static struct tg_raven_judgement got;

static struct tg_raven_refusal refusal_of(unsigned status, const char *body)
{
	return (struct tg_raven_refusal){ .status = status,
					  .body = tg_view_str(body),
					  .secured = true,
					  .peer = "db.example:443",
					  .database = "seed" };
}

static enum tg_raven_fault judge(unsigned status, const char *body)
{
	struct tg_raven_refusal refusal = refusal_of(status, body);
	int err = tg_raven_judge(&refusal, &got, &why);

	TG_CHECK_INT(err, got.err);
	TG_CHECK(err == TG_OK || why.err == err);
	return got.fault;
}

static bool says(const char *text)
{
	return strstr(why.text, text) != NULL;
}

#define TYPED(type)                                          \
	"{\"Url\":\"/databases/seed/docs\",\"Type\":\"" type \
	"\",\"Message\":\"secret payload\",\"Error\":\"E\\n at X\"}"
#define AUTH(text) "{\"Type\":\"InvalidAuth\",\"Message\":\"" text "\"}"

TG_TEST(successes_are_no_faults)
{
	TG_CHECK_INT(judge(200, "{\"Type\":\"DatabaseDisabledException\"}"), TG_RAVEN_FAULT_NONE);
	TG_CHECK_INT(judge(201, ""), TG_RAVEN_FAULT_NONE);
	TG_CHECK_INT(judge(204, ""), TG_RAVEN_FAULT_NONE);
	TG_CHECK_INT(judge(304, ""), TG_RAVEN_FAULT_NONE);
	TG_CHECK_INT(got.err, TG_OK);
}

TG_TEST(a_database_that_does_not_exist)
{
	TG_CHECK_INT(judge(500, TYPED("Raven.Client.Exceptions.Database."
				      "DatabaseDoesNotExistException")),
		     TG_RAVEN_FAULT_NO_DATABASE);
	TG_CHECK_INT(got.err, TG_ERR_MISSING);
	TG_CHECK_STR(got.type, "DatabaseDoesNotExistException");
	TG_CHECK(says("seed") && says("db.example:443") && says("database_name"));

	struct tg_raven_refusal refusal = refusal_of(
		503, "{\"Type\":\"Error\",\"Message\":\"Database nosuch wasn't found\"}");
	refusal.database_missing = true;
	TG_CHECK_INT(tg_raven_judge(&refusal, &got, &why), TG_ERR_MISSING);
}

TG_TEST(both_kinds_of_503)
{
	TG_CHECK_INT(judge(503, TYPED("Raven.Client.Exceptions.Database."
				      "DatabaseDisabledException")),
		     TG_RAVEN_FAULT_DISABLED);
	TG_CHECK_INT(got.err, TG_ERR_NOT_READY);
	uint32_t disabled_ms = got.pause_ms;
	TG_CHECK_INT(judge(503, TYPED("Raven.Client.Exceptions.Database."
				      "DatabaseLoadTimeoutException")),
		     TG_RAVEN_FAULT_LOADING);
	TG_CHECK_INT(got.err, TG_ERR_NOT_READY);
	TG_CHECK(got.pause_ms < disabled_ms && got.other_node);
	TG_CHECK_INT(judge(503, ""), TG_RAVEN_FAULT_BUSY);
	TG_CHECK_INT(judge(503, TYPED("X.NodeIsPassiveException")), TG_RAVEN_FAULT_BUSY);
}

TG_TEST(the_four_refusals_of_a_certificate)
{
	TG_CHECK_INT(judge(403, AUTH("This server requires client certificate for authentication, "
				     "but none was provided by the client.")),
		     TG_RAVEN_FAULT_NO_CERTIFICATE);
	TG_CHECK_INT(got.err, TG_ERR_LOGIN_USER);
	TG_CHECK_INT(judge(403, AUTH("The supplied client certificate 'CN=gw(Thumbprint: 12)' is "
				     "unknown to the server. In order to register")),
		     TG_RAVEN_FAULT_UNKNOWN);
	TG_CHECK_INT(got.err, TG_ERR_LOGIN_USER);
	TG_CHECK(says("CN=gw"));
	TG_CHECK_INT(judge(403, AUTH("The supplied client certificate 'CN=gw' has expired on "
				     "Friday, 20 November 2026.")),
		     TG_RAVEN_FAULT_EXPIRED);
	TG_CHECK_INT(got.err, TG_ERR_LOGIN_USER);
	TG_CHECK_INT(judge(403, AUTH("Could not authorize access to database 'x' using provided "
				     "client certificate 'CN=gw'.")),
		     TG_RAVEN_FAULT_FORBIDDEN);
	TG_CHECK_INT(got.err, TG_ERR_PERMISSION);
	TG_CHECK_INT(judge(403, "<html>Forbidden</html>"), TG_RAVEN_FAULT_ALIEN);
	TG_CHECK_INT(judge(404, "<html>Not found</html>"), TG_RAVEN_FAULT_ALIEN);
	TG_CHECK_INT(judge(200, "<html></html>"), TG_RAVEN_FAULT_NONE);
}

TG_TEST(the_rest_of_the_table)
{
	TG_CHECK_INT(judge(400, TYPED("Raven.Client.Exceptions.Routing.RouteNotFoundException")),
		     TG_RAVEN_FAULT_ROUTE);
	TG_CHECK_INT(judge(402, TYPED("X.LicenseLimitException")), TG_RAVEN_FAULT_LICENSE);
	TG_CHECK_INT(judge(404, ""), TG_RAVEN_FAULT_MISSING);
	TG_CHECK_INT(judge(404, "\"Error\":\"Index nosuch does not exist\""),
		     TG_RAVEN_FAULT_MISSING);
	TG_CHECK_INT(judge(408, TYPED("System.TimeoutException")), TG_RAVEN_FAULT_TIMEOUT);
	TG_CHECK_INT(judge(409, TYPED("X.ConcurrencyException")), TG_RAVEN_FAULT_CONFLICT);
	TG_CHECK_INT(judge(410, TYPED("X.DatabaseNotRelevantException")), TG_RAVEN_FAULT_ELSEWHERE);
	TG_CHECK(got.other_node);
	TG_CHECK_INT(judge(425, ""), TG_RAVEN_FAULT_ELSEWHERE);
	TG_CHECK_INT(judge(429, ""), TG_RAVEN_FAULT_BUSY);
	TG_CHECK_INT(judge(502, "<html>"), TG_RAVEN_FAULT_BUSY);
	TG_CHECK_INT(judge(500, TYPED("Raven.Server.Documents.Queries.Parser.QueryParser+"
				      "ParseException")),
		     TG_RAVEN_FAULT_QUERY);
	TG_CHECK_STR(got.type, "ParseException");
	TG_CHECK_INT(judge(500, TYPED("Raven.Client.Exceptions.Documents."
				      "DocumentCollectionMismatchException")),
		     TG_RAVEN_FAULT_COLLECTION);
	TG_CHECK_INT(judge(500, TYPED("System.InvalidOperationException")), TG_RAVEN_FAULT_SERVER);
	TG_CHECK_INT(judge(302, ""), TG_RAVEN_FAULT_ALIEN);
}

/* A message may quote the document that was refused. */
TG_TEST(a_servers_words_are_told_only_where_they_hold_no_document)
{
	(void)judge(500, TYPED("System.IO.InvalidDataException"));
	TG_CHECK(!says("payload"));
	(void)judge(500, TYPED("System.InvalidOperationException"));
	TG_CHECK(!says("payload"));
	(void)judge(402, TYPED("X.LicenseLimitException"));
	TG_CHECK(says("payload"));
}

TG_TEST(a_body_cut_anywhere)
{
	static const char body[] = TYPED("Raven.DatabaseDisabledException");
	char part[sizeof(body)];

	for (size_t bytes = 0; bytes < sizeof(body); bytes++) {
		memcpy(part, body, bytes);
		part[bytes] = '\0';
		enum tg_raven_fault fault = judge(503, part);
		TG_CHECK(fault == TG_RAVEN_FAULT_BUSY || fault == TG_RAVEN_FAULT_DISABLED);
		if (strstr(part, "DisabledException") != NULL)
			TG_CHECK_INT(fault, TG_RAVEN_FAULT_DISABLED);
	}
}

TG_TEST(an_error_glued_to_an_answer)
{
	struct tg_raven_refusal refusal = refusal_of(200, "");

	TG_CHECK_INT(tg_raven_judge_break(
			     &refusal, tg_view_str("\"no\"" TYPED("X.DatabaseDisabledException")),
			     &got, &why),
		     TG_ERR_NOT_READY);
	TG_CHECK_INT(got.fault, TG_RAVEN_FAULT_DISABLED);
	TG_CHECK_INT(tg_raven_judge_break(&refusal, tg_view_str("\"cut"), &got, &why),
		     TG_ERR_PROTOCOL);
	TG_CHECK_INT(tg_raven_judge_break(&refusal, tg_view_of(NULL, 0), &got, &why),
		     TG_ERR_PROTOCOL);
	TG_CHECK(says("broke off"));
}
