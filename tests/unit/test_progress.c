#include "app/cli/progress.h"

#include <fcntl.h>
#include <unistd.h>

#include "platform/log.h"
#include "tests/check.h"

static struct tg_agent agent;
static struct tg_config config;
static struct tg_progress progress;

/* What was logged by `turns` turns, one every `step_ms`. */
static unsigned logged_lines(unsigned turns, uint64_t step_ms)
{
	char path[] = "/tmp/tidegate-progress-XXXXXX", text[4096];
	int file = mkstemp(path), saved = dup(STDERR_FILENO);
	unsigned lines = 0;

	TG_CHECK(file >= 0 && saved >= 0);
	dup2(file, STDERR_FILENO);
	for (unsigned i = 1; i <= turns; i++) {
		struct tg_turn turn = { .mono_ms = i * step_ms };
		agent.sources[0].intake.counts.rows_read += 10;
		tg_progress_turn(&progress, &agent, &turn);
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	ssize_t bytes = pread(file, text, sizeof(text) - 1, 0);
	close(file);
	unlink(path);
	TG_CHECK(bytes >= 0);
	text[bytes] = '\0';
	for (const char *at = text; (at = strstr(at, "sync.progress")) != NULL; at++)
		lines++;
	return lines;
}

static void start(void)
{
	memset(&agent, 0, sizeof(agent));
	memset(&progress, 0, sizeof(progress));
	config.source_count = 1;
	agent.config = &config;
	tg_progress_start(&progress, 0);
	progress.terminal = false;
	tg_log_setup(TG_LOG_INFO, false);
}

TG_TEST(progress_logs_a_line_every_ten_seconds_where_nobody_watches)
{
	start();
	snprintf(agent.sources[0].stream, sizeof(agent.sources[0].stream), "db/plant/readings");
	agent.sources[0].rows_estimate = 1000;
	TG_CHECK_INT(logged_lines(99, 100), 0);
	start();
	snprintf(agent.sources[0].stream, sizeof(agent.sources[0].stream), "db/plant/readings");
	TG_CHECK_INT(logged_lines(305, 100), 3);
}

TG_TEST(progress_says_nothing_before_the_first_stream)
{
	start();
	TG_CHECK_INT(logged_lines(10, 10000), 0);
}

TG_TEST(progress_keeps_each_streams_result_as_json)
{
	struct tg_why why = { .err = TG_ERR_QUERY, .text = "it said \"no\"" };
	uint32_t left_out = 9;

	start();
	tg_progress_stream(&progress, &(struct tg_stream_result){ .name = "a/b/c",
								  .complete = true,
								  .rows_read = 3,
								  .changed = 2,
								  .deleted = 1 });
	tg_progress_stream(&progress, &(struct tg_stream_result){ .name = "a/b/d", .why = &why });
	struct tg_view json = tg_progress_streams(&progress, &left_out);
	static const char want[] =
		"{\"stream\":\"a/b/c\",\"complete\":true,\"records_read\":3,\"changed\":2,"
		"\"deleted\":1,\"set_aside\":0},{\"stream\":\"a/b/d\",\"complete\":false,"
		"\"records_read\":0,\"changed\":0,\"deleted\":0,\"set_aside\":0,"
		"\"error\":\"it said \\\"no\\\"\"}";
	TG_CHECK_BYTES(json.at, json.bytes, want, sizeof(want) - 1);
	TG_CHECK_INT(left_out, 0);
}

TG_TEST(progress_counts_the_streams_that_find_no_room)
{
	char name[TG_STREAM_NAME_BYTES_MAX];
	uint32_t left_out = 0, kept = 0;

	start();
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned i = 0; i < CONFIG_TG_SUMMARY_BYTES / 100; i++)
		tg_progress_stream(&progress, &(struct tg_stream_result){ .name = name });
	struct tg_view json = tg_progress_streams(&progress, &left_out);
	for (size_t i = 0; i < json.bytes; i++)
		kept += json.at[i] == '}';
	TG_CHECK(left_out > 0);
	TG_CHECK_INT(kept + left_out, CONFIG_TG_SUMMARY_BYTES / 100);
	TG_CHECK(json.at[json.bytes - 1] == '}');
}
