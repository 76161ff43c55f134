/* A RavenDB sink against a double: each batch exactly once, whatever becomes of its answer. */
#include "drivers/raven/marker.h"
#include "tests/unit/raven_rig.h"

TG_TEST(sink_writes_batches_behind_their_marker)
{
	static const char head[] =
		"{\"Commands\":[{\"Type\":\"PUT\",\"Id\":\"Tidegate/plant-7-0123456789abcdef/~up/"
		"3\","
		"\"ChangeVector\":\"\",\"Document\":{\"instance\":\"plant-7-0123456789abcdef\","
		"\"stream\":\"rethinkdb/plant/readings\",\"first\":1,\"last\":3,\"replayed\":0,"
		"\"time\":\"2023-11-14T22:13:20.123Z\",\"@metadata\":{\"@collection\":\"Tidegate\","
		"\"Tidegate-Instance\":\"plant-7-0123456789abcdef\",\"Tidegate-Stream\":"
		"\"rethinkdb/plant/readings\"}}},{\"_tidegate\"";

	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	TG_CHECK_INT(raven.looks, 1);
	TG_CHECK_BYTES(raven.body, sizeof(head) - 1, head, sizeof(head) - 1);
	TG_CHECK(strcmp(raven.body + raven.body_bytes - 3, "}]}") == 0);
	TG_CHECK(strstr(server.kept[0],
			"GET /databases/d_b/docs?id=Tidegate%2Fplant-7-"
			"0123456789abcdef%2F~up%2F3 HTTP/1.1\r\nHost: 127.0.0.1:") != NULL);
	TG_CHECK(strstr(server.kept[1], "POST /databases/d_b/bulk_docs HTTP/1.1\r\n") != NULL);
	TG_CHECK(strstr(server.kept[1], "Content-Type: application/json\r\n") != NULL);
	TG_CHECK_INT(deliver(4, 6), 0);
	TG_CHECK_INT(deliver(7, 7), 0);
	TG_CHECK_INT(raven.applied, 3);
	TG_CHECK_INT(raven.looks, 1); /* none between batches that were answered */
	TG_CHECK_INT(raven.conflicts, 0);
	TG_CHECK_INT(server.connections, 1);
	end();
}

TG_TEST(sink_sends_large_batches_in_chunks)
{
	begin("");
	prepare(1, 400);
	rig.body.pad_bytes = 1500;
	TG_CHECK_INT(go(), 0);
	TG_CHECK(raven.body_bytes > 400 * 1500);
	end();
}

/* Taken, and the answer never came: the marker says it is in. */
TG_TEST(sink_asks_the_marker_after_a_lost_answer)
{
	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	server_reply((struct server_reply){ .text = NULL, .when = WHEN_WHOLE, .reset = true });
	prepare(4, 6);
	/* The double sees the request all the same. */
	TG_CHECK_INT(tg_raven_sink_ops.deliver(rig.state, &rig.delivery, &rig.now, &rig.why), 0);
	for (unsigned i = 0; i < 200 && server.fd >= 0; i++) {
		server_turn();
		TG_CHECK_INT(tg_raven_sink_ops.step(rig.state, &rig.now, &rig.outcome, &rig.why),
			     TG_ERR_AGAIN);
		if (server.replies > 0 && server.next == server.replies)
			break;
	}
	(void)double_batch(server.kept[server.next - 1]);
	TG_CHECK_INT(raven.applied, 2);
	TG_CHECK_INT(finish(), 0); /* the kept connection broke: sent again, 409, looked */
	TG_CHECK_INT(raven.applied, 2);
	TG_CHECK_INT(raven.conflicts, 1);
	TG_CHECK_INT(deliver(7, 9), 0);
	TG_CHECK_INT(raven.applied, 3);
	end();
}

/* A new start finds the batch that was under way in the database, or not. */
TG_TEST(sink_asks_the_marker_after_a_start)
{
	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	restart("", "");
	TG_CHECK_INT(deliver(1, 3), 0);
	TG_CHECK_INT(raven.applied, 1);
	restart("", "");
	TG_CHECK_INT(deliver(4, 6), 0);
	TG_CHECK_INT(raven.applied, 2);
	TG_CHECK_INT(raven.looks, 3);
	end();
}

/* The commit of the acknowledgement failed: the same delivery comes again, in the same run. */
TG_TEST(sink_takes_no_batch_twice_in_one_run)
{
	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	TG_CHECK_INT(deliver(1, 3), 0);
	TG_CHECK_INT(raven.applied, 1);
	end();
}

/* A larger batch went in, its answer was lost, and it was halved meanwhile: both halves are in. */
TG_TEST(sink_knows_the_halves_of_a_batch_that_is_in)
{
	begin("");
	TG_CHECK_INT(deliver(1, 8), 0);
	restart("", "");
	TG_CHECK_INT(deliver(1, 4), 0);
	TG_CHECK_INT(deliver(5, 8), 0);
	TG_CHECK_INT(raven.applied, 1);
	end();
}

TG_TEST(sink_replays_one_record_once)
{
	begin("");
	TG_CHECK_INT(deliver(1, 9), 0);
	TG_CHECK_INT(replay(4), 0);
	TG_CHECK_INT(raven.applied, 2);
	TG_CHECK(strstr(raven.marker, "\"first\":1,\"last\":9,\"replayed\":4") != NULL);
	restart("", "");
	TG_CHECK_INT(replay(4), 0);
	TG_CHECK_INT(raven.applied, 2);
	TG_CHECK_INT(deliver(10, 12), 0);
	TG_CHECK(strstr(raven.marker, "\"first\":10,\"last\":12,\"replayed\":4") != NULL);
	TG_CHECK_INT(replay(5), 0);
	TG_CHECK_INT(raven.applied, 4);
	end();
}

/* --- markers that are not as expected --- */

TG_TEST(sink_goes_on_behind_a_marker_that_was_deleted)
{
	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	raven.vector[0] = '\0';
	TG_CHECK_INT(deliver(4, 6), 0);
	TG_CHECK_INT(raven.conflicts, 1);
	TG_CHECK_INT(raven.applied, 2);
	TG_CHECK_INT(deliver(7, 9), 0);
	end();
}

TG_TEST(sink_goes_on_behind_a_database_that_was_restored)
{
	char marker[sizeof(raven.marker)], vector[sizeof(raven.vector)];

	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	memcpy(marker, raven.marker, sizeof(marker));
	memcpy(vector, raven.vector, sizeof(vector));
	TG_CHECK_INT(deliver(4, 6), 0);
	memcpy(raven.marker, marker, sizeof(marker));
	memcpy(raven.vector, vector, sizeof(vector));
	restart("", ""); /* one address: it is no lag */
	TG_CHECK_INT(deliver(7, 9), 0);
	TG_CHECK_INT(raven.applied, 3);
	end();
}

TG_TEST(sink_waits_for_a_node_that_lags)
{
	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	raven.vector[0] = '\0';
	restart("", ",http://127.0.0.1:1");
	TG_CHECK_INT(deliver(4, 6), TG_ERR_NOT_READY);
	TG_CHECK(strstr(rig.why.text, "lags behind") != NULL);
	TG_CHECK_INT(deliver(4, 6), TG_ERR_CONNECT); /* the other address */
	TG_CHECK_INT(deliver(4, 6), TG_ERR_NOT_READY);
	TG_CHECK_INT(deliver(4, 6), TG_ERR_CONNECT);
	rig.now.mono_ms += (CONFIG_TG_RAVEN_LAG_SECONDS + 1) * 1000u;
	TG_CHECK_INT(deliver(4, 6), 0);
	TG_CHECK_INT(raven.applied, 2);
	end();
}

/* A copied store begins under a new instance: it has no marker yet, and that is no restore. */
TG_TEST(sink_begins_anew_with_a_new_instance)
{
	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	raven.vector[0] = '\0'; /* the new instance's own marker */
	restart("", ",http://127.0.0.1:1");
	prepare(4, 6);
	rig.delivery.instance = tg_view_str("plant-7-fedcba9876543210");
	TG_CHECK_INT(go(), 0);
	TG_CHECK_INT(raven.applied, 2);
	end();
}

/* Another stream's marker under this number (the store was made anew): not ours to believe. */
TG_TEST(sink_believes_its_own_marker_only)
{
	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	memcpy(strstr(raven.marker, "readings"), "writings", 8);
	kept.bytes = 0;
	restart("", "");
	TG_CHECK_INT(deliver(1, 3), 0);
	TG_CHECK_INT(raven.applied, 2);
	end();
}

/* Five nodes, or databases restored that often: read again for each batch, and checked like any. */
TG_TEST(sink_checks_a_long_vector)
{
	begin("");
	raven.others = 4;
	TG_CHECK_INT(deliver(1, 3), 0);
	TG_CHECK(strlen(raven.vector) > TG_MARKER_VECTOR_BYTES_MAX);
	TG_CHECK_INT(deliver(4, 6), 0);
	TG_CHECK_INT(raven.looks, 2);
	TG_CHECK(strstr(raven.body, "\"ChangeVector\":\"A:1-r/Jh5unACUG/3qmitO9bAQ, B:1000-") !=
		 NULL);
	restart("", "");
	TG_CHECK_INT(deliver(4, 6), 0);
	TG_CHECK_INT(raven.applied, 2);
	raven.others = 0;
	TG_CHECK_INT(deliver(7, 9), 0);
	TG_CHECK_INT(deliver(10, 12), 0);
	TG_CHECK_INT(raven.looks, 4);
	end();
}

TG_TEST(sink_writes_over_a_vector_without_end)
{
	begin("");
	raven.others = CONFIG_TG_RAVEN_VECTOR_BYTES_MAX / 30;
	TG_CHECK_INT(deliver(1, 3), 0);
	TG_CHECK(strlen(raven.vector) >= CONFIG_TG_RAVEN_VECTOR_BYTES_MAX);
	TG_CHECK_INT(deliver(4, 6), 0);
	TG_CHECK(strstr(raven.body, "\"ChangeVector\":null") != NULL);
	TG_CHECK_INT(raven.applied, 2);
	end();
}

/* A proxy gives the last batch's answer once more: it names the version that was written over. */
TG_TEST(sink_takes_no_earlier_answer_for_its_own)
{
	char answer[sizeof(raven.answer)];

	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	memcpy(answer, raven.answer, sizeof(answer));
	server_reply((struct server_reply){ .text = answer });
	TG_CHECK_INT(deliver(4, 6), 0);
	TG_CHECK_INT(raven.applied, 2);
	TG_CHECK_INT(raven.looks, 2);
	TG_CHECK_INT(deliver(7, 9), 0);
	TG_CHECK_INT(raven.applied, 3);
	end();
}

TG_TEST(sink_refuses_a_receipt_that_is_damaged)
{
	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	for (size_t i = 0; i < kept.bytes; i++) {
		kept.at[i] ^= 0x40;
		TG_CHECK_INT(tg_raven_sink_ops.restore(rig.state, 3,
						       tg_view_of(kept.at, kept.bytes), &rig.why),
			     TG_ERR_DAMAGED);
		kept.at[i] ^= 0x40;
	}
	end();
}

/* --- several addresses --- */

/* The first node took the batch, its answer was lost, and it cannot be reached any more: here both
 * addresses are the double's, which stands for the second one. */
static char lost[8192];

static void lose_the_answer(void)
{
	char second[64];

	begin("");
	TG_CHECK_INT(deliver(1, 3), 0);
	snprintf(second, sizeof(second), ",http://127.1:%u", server.port);
	tg_raven_sink_ops.stop(rig.state);
	start("", second, ",\"allow_plain\":true");
	/* It is looked for, sent, and sent once more over a fresh connection. */
	server_reply((struct server_reply){ .text = double_look() });
	server_reply((struct server_reply){ .text = NULL, .when = WHEN_WHOLE, .reset = true });
	server_reply((struct server_reply){ .text = NULL, .when = WHEN_WHOLE, .reset = true });
	TG_CHECK(deliver(4, 6) < 0);
	snprintf(lost, sizeof(lost), "%.8000s", server.kept[server.next - 1]);
	TG_CHECK_INT(raven.applied, 1);
}

TG_TEST(sink_waits_for_a_batch_that_may_come_over)
{
	lose_the_answer();
	TG_CHECK_INT(deliver(4, 6), TG_ERR_NOT_READY);
	TG_CHECK(strstr(rig.why.text, "another node may have taken") != NULL);
	TG_CHECK_INT(raven.applied, 1);
	(void)double_batch(lost); /* there it is */
	TG_CHECK_INT(raven.applied, 2);
	TG_CHECK_INT(deliver(4, 6), 0);
	TG_CHECK_INT(raven.applied, 2);
	end();
}

TG_TEST(sink_sends_a_batch_that_did_not_come_over)
{
	lose_the_answer();
	TG_CHECK_INT(deliver(4, 6), TG_ERR_NOT_READY);
	rig.now.mono_ms += (uint64_t)CONFIG_TG_RAVEN_UNSURE_SECONDS * 1000;
	TG_CHECK_INT(deliver(4, 6), 0);
	TG_CHECK_INT(raven.applied, 2);
	TG_CHECK_INT(deliver(7, 9), 0);
	end();
}
