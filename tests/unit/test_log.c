#include "tests/check.h"

#include "platform/log.h"

#include <unistd.h>

/* What tg_log() writes to standard error comes back through a pipe. */
static char line[8192];
static int ends[2];
static int kept_stderr;

static void begin(enum tg_log_level level, bool json)
{
	tg_log_setup(level, json);
	TG_CHECK(pipe(ends) == 0);
	kept_stderr = dup(STDERR_FILENO);
	TG_CHECK(dup2(ends[1], STDERR_FILENO) >= 0);
	(void)close(ends[1]);
}

static const char *end(void)
{
	size_t have = 0;
	ssize_t got;

	TG_CHECK(dup2(kept_stderr, STDERR_FILENO) >= 0);
	(void)close(kept_stderr);
	while ((got = read(ends[0], line + have, sizeof(line) - 1 - have)) > 0)
		have += (size_t)got;
	line[have] = '\0';
	(void)close(ends[0]);
	return line;
}

static const char *behind_time(const char *text)
{
	TG_CHECK(strlen(text) > 25);
	TG_CHECK(text[10] == 'T' && text[19] == '.' && text[23] == 'Z' && text[24] == ' ');
	return text + 25;
}

TG_TEST(log_writes_one_line_of_text)
{
	begin(TG_LOG_INFO, false);
	TG_LOG_WRN("sink.refused", "sink=%s err=%s", "files", "nospc");
	TG_CHECK_STR(behind_time(end()), "WRN sink.refused sink=files err=nospc\n");
	begin(TG_LOG_INFO, false);
	TG_LOG_ERR("store.gone", "why=\"a\nb\"");
	TG_CHECK_STR(behind_time(end()), "ERR store.gone why=\"a b\"\n");
}

TG_TEST(log_holds_back_what_is_too_talkative)
{
	begin(TG_LOG_WARNING, false);
	TG_LOG_INF("agent.start", "a=1");
	TG_LOG_WRN("agent.odd", "%s", "");
	TG_CHECK_STR(behind_time(end()), "WRN agent.odd\n");
}

static const char json_line[] =
	"\"level\":\"info\",\"event\":\"a.b\",\"n\":12,\"m\":-3,\"z\":\"007\","
	"\"s\":\"x\\\\y\",\"why\":\"two words: a=b\",\"flag\":true,\"t\":\"1.5\"}\n";

TG_TEST(log_writes_json)
{
	begin(TG_LOG_INFO, true);
	TG_LOG_INF("a.b", "n=12 m=-3 z=007 s=x\\y why=\"two words: a=b\" flag t=1.5");
	const char *text = strstr(end(), "\"level\"");
	TG_CHECK(strncmp(line, "{\"time\":\"", 9) == 0);
	TG_CHECK(text != NULL);
	TG_CHECK_STR(text, json_line);
}

/* Sentences for operators quote members of the configuration. */
TG_TEST(log_keeps_quoted_words_inside_of_a_value)
{
	begin(TG_LOG_INFO, true);
	TG_LOG_INF("a.b", "why=\"set \"use_ssl\" to true (\"host\")\" n=1 e=\"\" w=\"\"x\" y\"");
	const char *tail = strstr(end(), "\"why\"");
	TG_CHECK(tail != NULL);
	TG_CHECK_STR(tail, "\"why\":\"set \\\"use_ssl\\\" to true (\\\"host\\\")\",\"n\":1,"
			   "\"e\":\"\",\"w\":\"\\\"x\\\" y\"}\n");
	begin(TG_LOG_INFO, false);
	TG_LOG_INF("a.b", "why=\"mend \"port\"\" n=1 e=\"\"");
	TG_CHECK_STR(behind_time(end()), "INF a.b why=\"mend \\\"port\\\"\" n=1 e=\"\"\n");
}

TG_TEST(log_cuts_a_long_line_and_json_stays_whole)
{
	static char letters[2 * CONFIG_TG_LOG_LINE_BYTES_MAX];

	memset(letters, 'x', sizeof(letters) - 1);
	begin(TG_LOG_INFO, false);
	TG_LOG_INF("a.b", "long=%s", letters);
	(void)end();
	TG_CHECK_INT(strlen(line), CONFIG_TG_LOG_LINE_BYTES_MAX);
	TG_CHECK(line[CONFIG_TG_LOG_LINE_BYTES_MAX - 1] == '\n');
	begin(TG_LOG_INFO, true);
	TG_LOG_INF("a.b", "short=1 long=%s", letters);
	const char *tail = strstr(end(), "\"event\"");
	TG_CHECK(tail != NULL);
	TG_CHECK_STR(tail, "\"event\":\"a.b\",\"short\":1}\n");
}
