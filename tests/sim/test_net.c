/* The simulated network itself: it keeps TCP's promises, brings the faults that it is asked for,
 * and does the same again from the same seed. */
#include "tests/check.h"

#include "platform/conn.h"
#include "platform/crypto.h"
#include "platform/loop.h"
#include "platform/sim/sim.h"

#include <sys/wait.h>
#include <unistd.h>

enum { LONG_BYTES = 100000 };

static uint8_t request[LONG_BYTES];
static const struct tg_sim_faults good = { 0 };
static const struct tg_sim_faults bad = {
	.delay_ms_max = 50,
	.piece_bytes_max = 3000,
	.refuse_chance = 50,
	.unanswered_chance = 50,
	.cut_chance = 200,
	.stall_chance = 100,
	.fault_bytes_max = 2 * LONG_BYTES,
};

/* A peer that sends back what it gets. */
static unsigned sessions;
static uint64_t peer_got;

static void *echo_open(void *context, struct tg_sim_conn *conn)
{
	(void)conn;
	sessions++;
	peer_got = 0;
	return context;
}

static void echo_bytes(void *session, struct tg_sim_conn *conn, struct tg_view bytes)
{
	TG_CHECK(session == &sessions);
	TG_CHECK(memcmp(request + peer_got, bytes.at, bytes.bytes) == 0);
	peer_got += bytes.bytes;
	tg_sim_send(conn, bytes);
	if (peer_got == LONG_BYTES)
		tg_sim_end(conn);
}

static void echo_close(void *session, struct tg_sim_conn *conn)
{
	(void)conn;
	TG_CHECK(session == &sessions);
	sessions--;
}

static const struct tg_sim_peer echo = {
	.context = &sessions,
	.on_open = echo_open,
	.on_bytes = echo_bytes,
	.on_close = echo_close,
};

static const struct tg_conn_target target = { .host = "db.plant",
					      .port = 28015,
					      .connect_ms_max = 10000 };

static void start(uint64_t seed, const struct tg_sim_faults *faults)
{
	for (size_t i = 0; i < LONG_BYTES; i++)
		request[i] = (uint8_t)(i * i >> 3);
	tg_sim_start(seed, faults);
	tg_sim_listen("db.plant", 28015, &echo);
}

static struct tg_now wait_for(const struct tg_conn *conn, unsigned events)
{
	struct tg_now now = tg_clock_now();
	struct tg_wants wants;

	tg_wants_clear(&wants);
	tg_wants_at(&wants, now.mono_ms + 60000);
	tg_conn_want(conn, &wants, events);
	TG_CHECK_INT(tg_loop_wait(&wants, &now), 0);
	return tg_clock_now();
}

static int dial(struct tg_conn *conn)
{
	struct tg_now now = tg_clock_now();
	int err = tg_conn_open(conn, &target, &now);

	while (err == 0 && (err = tg_conn_step(conn, &now)) == TG_ERR_AGAIN) {
		now = wait_for(conn, 0);
		err = 0;
	}
	return err;
}

struct trace {
	int outcome;
	size_t sent, received;
	uint64_t ended_ms;
};

/* One step both ways. 0, or how the connection ended. */
static int converse_step(struct tg_conn *conn, struct trace *trace)
{
	uint8_t bytes[5000];
	int put = 0;
	int got = tg_conn_recv(conn, bytes, sizeof(bytes));

	if (got > 0) {
		TG_CHECK(memcmp(request + trace->received, bytes, (size_t)got) == 0);
		trace->received += (size_t)got;
	}
	if (trace->sent < LONG_BYTES)
		put = tg_conn_send(conn, request + trace->sent, LONG_BYTES - trace->sent);
	if (put > 0)
		trace->sent += (size_t)put;
	if (got < 0 && got != TG_ERR_AGAIN)
		return got;
	return put < 0 && put != TG_ERR_AGAIN ? put : 0;
}

static struct trace converse(void)
{
	struct trace trace = { 0 };
	struct tg_conn conn;
	uint64_t deadline_ms = tg_clock_now().mono_ms + 3600000;

	trace.outcome = dial(&conn);
	while (trace.outcome == 0) {
		unsigned events = TG_WANT_READ;
		trace.outcome = converse_step(&conn, &trace);
		if (trace.sent < LONG_BYTES)
			events |= TG_WANT_WRITE;
		if (trace.outcome == 0 && wait_for(&conn, events).mono_ms > deadline_ms)
			trace.outcome = TG_ERR_TIMEOUT;
	}
	tg_conn_close(&conn);
	trace.ended_ms = tg_clock_now().mono_ms;
	tg_sim_stop();
	TG_CHECK_INT(sessions, 0);
	return trace;
}

TG_TEST(sim_a_good_network_carries_all)
{
	start(1, &good);
	struct trace trace = converse();
	TG_CHECK_INT(trace.outcome, TG_ERR_CLOSED);
	TG_CHECK_INT(trace.received, LONG_BYTES);
	TG_CHECK(trace.ended_ms < 10000);
}

TG_TEST(sim_pieces_and_delays_lose_nothing)
{
	struct tg_sim_faults slow = { .delay_ms_max = 500, .piece_bytes_max = 700 };

	for (uint64_t seed = 1; seed <= 50; seed++) {
		start(seed, &slow);
		struct trace trace = converse();
		TG_CHECK_SEED(seed, trace.outcome == TG_ERR_CLOSED);
		TG_CHECK_SEED(seed, trace.received == LONG_BYTES);
	}
}

TG_TEST(sim_brings_every_fault)
{
	struct tg_sim_counts all = { 0 };
	unsigned outcomes[4] = { 0 };

	for (uint64_t seed = 1; seed <= 400; seed++) {
		start(seed, &bad);
		struct trace trace = converse();
		outcomes[0] += trace.outcome == TG_ERR_CLOSED;
		outcomes[1] += trace.outcome == TG_ERR_RESET;
		outcomes[2] += trace.outcome == TG_ERR_TIMEOUT;
		outcomes[3] += trace.outcome == TG_ERR_CONNECT;
		TG_CHECK_SEED(seed, trace.outcome != TG_ERR_CLOSED || trace.received == LONG_BYTES);
		all.cut += tg_sim_counts().cut;
		all.stalled += tg_sim_counts().stalled;
		all.refused += tg_sim_counts().refused;
	}
	TG_CHECK(outcomes[0] > 100 && outcomes[1] > 20 && outcomes[2] > 20 && outcomes[3] > 5);
	TG_CHECK_INT(outcomes[0] + outcomes[1] + outcomes[2] + outcomes[3], 400);
	TG_CHECK_INT(all.cut, outcomes[1]);
	TG_CHECK(all.stalled > 10 && all.refused > 5);
}

TG_TEST(sim_repeats_itself)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		start(seed, &bad);
		struct trace first = converse();
		start(seed, &bad);
		struct trace again = converse();
		TG_CHECK_SEED(seed, first.outcome == again.outcome && first.sent == again.sent &&
					    first.received == again.received &&
					    first.ended_ms == again.ended_ms);
	}
}

TG_TEST(sim_knows_its_hosts_and_ports)
{
	struct tg_conn conn;

	tg_sim_start(7, &good);
	TG_CHECK_INT(dial(&conn), TG_ERR_RESOLVE);
	tg_conn_close(&conn);
	tg_sim_listen("db.plant", 1, &echo);
	TG_CHECK_INT(dial(&conn), TG_ERR_CONNECT);
	tg_conn_close(&conn);
	tg_sim_listen("db.plant", 28015, &echo);
	TG_CHECK_INT(dial(&conn), 0);
	tg_conn_close(&conn);
	tg_sim_deafen("db.plant", 28015);
	TG_CHECK_INT(dial(&conn), TG_ERR_CONNECT);
	tg_conn_close(&conn);
	tg_sim_set_faults(&(struct tg_sim_faults){ .unanswered_chance = 1000 });
	TG_CHECK_INT(dial(&conn), TG_ERR_TIMEOUT);
	tg_conn_close(&conn);
	tg_sim_stop();
}

TG_TEST(sim_time_moves_only_in_the_wait)
{
	struct tg_wants wants;

	tg_sim_start(3, &good);
	struct tg_now before = tg_clock_now();
	TG_CHECK_INT(tg_clock_now().mono_ms, before.mono_ms);
	tg_wants_clear(&wants);
	tg_wants_at(&wants, before.mono_ms + 30ull * 86400000);
	TG_CHECK_INT(tg_loop_wait(&wants, &before), 0);
	TG_CHECK_INT(tg_clock_now().mono_ms, before.mono_ms + 30ull * 86400000);
	TG_CHECK_INT(tg_clock_now().wall_ms, before.wall_ms + 30ll * 86400000);
	tg_sim_jump_wall(-5000);
	TG_CHECK_INT(tg_clock_now().wall_ms, before.wall_ms + 30ll * 86400000 - 5000);
	before = tg_clock_now();
	tg_sim_stop_at(before.mono_ms + 1000);
	tg_wants_at(&wants, UINT64_MAX);
	wants.wake_mono_ms = UINT64_MAX;
	TG_CHECK_INT(tg_loop_wait(&wants, &before), TG_ERR_STOPPED);
	TG_CHECK_INT(tg_clock_now().mono_ms, before.mono_ms + 1000);
	TG_CHECK(tg_loop_stopped());
}

TG_TEST(sim_random_bytes_come_from_the_seed)
{
	uint8_t a[16], b[16];

	tg_sim_start(5, &good);
	tg_random(a, sizeof(a));
	tg_sim_start(5, &good);
	tg_random(b, sizeof(b));
	TG_CHECK_BYTES(a, 16, b, 16);
	tg_sim_start(6, &good);
	tg_random(b, sizeof(b));
	TG_CHECK(memcmp(a, b, 16) != 0);
}

/* A program that waits for nothing would hang in the field: here it is an assertion. */
TG_TEST(sim_catches_a_wait_for_ever)
{
	struct tg_wants wants;
	int status;

	tg_sim_start(5, &good);
	struct tg_now now = tg_clock_now();
	pid_t child = fork();
	if (child == 0) {
		(void)close(STDERR_FILENO);
		tg_wants_clear(&wants);
		(void)tg_loop_wait(&wants, &now);
		_exit(0);
	}
	TG_CHECK(waitpid(child, &status, 0) == child);
	TG_CHECK(WIFSIGNALED(status));
}
