/* What was lost, refused, addressed or cut off comes again, and nothing else does. */
#include "tests/check.h"

#include "app/outbox/store.h"
#include "tests/unit/path_world.h"

static struct tg_path_world world;

static void sends(const char *expected)
{
	tg_path_deliver(&world);
	TG_CHECK_STR(tg_path_arrived(&world), expected);
}

static struct tg_stream *stream(void)
{
	return tg_outbox_stream_at(&world.box, 0);
}

static struct tg_stream_row row_now(void)
{
	struct tg_stream_row row;

	TG_CHECK_INT(tg_outbox_stream_row(&world.box, 1, &row), 0);
	return row;
}

/* Flips one bit of the value under `key`. */
static void flip(struct tg_store_key key, size_t at)
{
	static uint8_t copy[TG_BLOCK_BYTES];
	struct tg_view value = { NULL, 0 };
	MDB_txn *txn;

	TG_CHECK_INT(tg_store_write_begin(&world.box, &txn), 0);
	TG_CHECK_INT(tg_store_get(&world.box, txn, &key, &value), 0);
	TG_CHECK(at < value.bytes && value.bytes <= sizeof(copy));
	memcpy(copy, value.at, value.bytes);
	copy[at] ^= 1;
	TG_CHECK_INT(tg_store_put(&world.box, txn, &key, tg_view_of(copy, value.bytes)), 0);
	TG_CHECK_INT(tg_store_err(mdb_txn_commit(txn)), 0);
}

/* --- damage --- */

/* One change and one delete, 4 and 5, wait to be delivered. */
static void wait_with_two(void)
{
	tg_path_start(&world);
	tg_path_pass(&world, "k1=1 k2=2 k3=3", true, 1);
	sends("k1=1 k2=2 k3=3 ");
	tg_path_pass(&world, "k1=7 k3=3", true, 1);
}

/* They cannot be, and are known as lost. */
static void lost_two(void)
{
	sends("");
	TG_CHECK(tg_forwarder_drained(&world.fwd));
	struct tg_stream_row row = row_now();
	TG_CHECK(row.flags & TG_STREAM_FULL_PASS);
	TG_CHECK_INT(row.damage_count, 1);
	TG_CHECK_INT(row.damage[0].first, 4);
	TG_CHECK_INT(row.damage[0].last, 5);
}

TG_TEST(path_sends_lost_rows_and_deletes_again)
{
	wait_with_two();
	flip(tg_key_block(1, stream()->first_block), 12);
	lost_two();
	tg_path_pass(&world, "k1=7 k3=3", true, 1);
	sends("k1=7 -k2 ");
	struct tg_stream_row row = row_now();
	TG_CHECK(!(row.flags & TG_STREAM_FULL_PASS));
	TG_CHECK_INT(row.damage_count, 0);
	tg_path_pass(&world, "k1=7 k3=3", true, 1);
	sends("");
	tg_path_stop(&world);
}

/* Takes the value under `key` away without a trace. */
static void lose(struct tg_store_key key)
{
	MDB_txn *txn;

	TG_CHECK_INT(tg_store_write_begin(&world.box, &txn), 0);
	TG_CHECK_INT(tg_store_drop(&world.box, txn, &key), 0);
	TG_CHECK_INT(tg_store_err(mdb_txn_commit(txn)), 0);
}

/* A block that is not there has no checksum that could fail. */
TG_TEST(path_sends_rows_of_a_missing_block_again)
{
	wait_with_two();
	lose(tg_key_block(1, stream()->first_block));
	lost_two();
	TG_CHECK_INT(row_now().damaged_count, 2);
	tg_path_pass(&world, "k1=7 k3=3", true, 1);
	sends("k1=7 -k2 ");
	TG_CHECK_INT(row_now().damage_count, 0);
	tg_path_stop(&world);
}

static void lose_the_first(struct tg_path_world *here)
{
	tg_outbox_lost(&here->box, stream(), 1, 1);
}

/* The pass under way has passed k1 already: it must not be the one that counts as the repair. */
TG_TEST(path_repairs_what_is_lost_behind_a_pass_with_the_next_one)
{
	tg_path_start(&world);
	tg_path_pass(&world, "k1=1 k2=2", true, 1);
	sends("k1=1 k2=2 ");
	world.midway = lose_the_first;
	tg_path_pass(&world, "k1=1 k2=2", true, 1);
	world.midway = NULL;
	sends("");
	TG_CHECK(row_now().flags & TG_STREAM_FULL_PASS);
	tg_path_pass(&world, "k1=1 k2=2", true, 1);
	sends("k1=1 ");
	TG_CHECK_INT(row_now().flags, 0);
	tg_path_stop(&world);
}

/* Whether the pass that was cut off is the one that was asked for, and may be gone on with. */
static bool begun(void)
{
	struct tg_stream_state state;
	struct tg_batch batch = { .kind = TG_BATCH_BEGIN };

	memset(batch.generation, 1, sizeof(batch.generation));
	TG_CHECK_INT(tg_intake_begin(&world.intake, &batch, tg_view_str("r/d/t"), 5000), 0);
	tg_intake_state(&world.intake, &state);
	TG_CHECK(state.full_pass_wanted);
	tg_intake_break(&world.intake);
	while (tg_intake_go(&world.intake) != 0)
		tg_path_commit(&world);
	return state.full_pass_begun;
}

TG_TEST(path_goes_on_with_a_wanted_pass_unless_more_was_lost)
{
	tg_path_start(&world);
	tg_path_pass(&world, "k1=1 k2=2 k3=3", true, 1);
	sends("k1=1 k2=2 k3=3 ");
	tg_outbox_lost(&world.box, stream(), 1, 1);
	TG_CHECK(!begun()); /* nothing was begun since */
	tg_path_pass(&world, "k1=1", false, 1);
	TG_CHECK(begun());
	tg_path_restart(&world);
	TG_CHECK(begun());
	tg_outbox_lost(&world.box, stream(), 1, 1);
	TG_CHECK(!begun()); /* it has passed that one already */
	tg_path_pass(&world, "k1=1 k2=2 k3=3", true, 1);
	sends("k1=1 ");
	TG_CHECK_INT(row_now().flags, 0);
	tg_path_stop(&world);
}

static void mark_swept(uint32_t flags)
{
	struct tg_stream_open *open;

	TG_CHECK_INT(tg_outbox_stream_open(&world.box, tg_view_str("r/d/t"), "rethinkdb", &open),
		     0);
	open->row.flags |= flags;
	tg_outbox_touch(&world.box, open);
	tg_path_commit(&world);
	tg_outbox_stream_close(&world.box, open);
}

TG_TEST(path_outlives_a_damaged_index_page_at_the_begin)
{
	tg_path_start(&world);
	tg_path_pass(&world, "k1=1 k2=2", true, 1);
	sends("k1=1 k2=2 ");
	tg_path_pass(&world, "", true, 1); /* both are flagged MISSING, neither is swept */
	mark_swept(TG_STREAM_SWEEP);
	flip(tg_key_page(1, row_now().index.root_page), 40);
	tg_path_pass(&world, "k1=1 k2=2", true, 1);
	sends("k1=1 k2=2 ");
	TG_CHECK_INT(row_now().flags, 0);
	tg_path_stop(&world);
}

/* --- sweeps --- */

/* The first pass of a table made anew forgets; its sweep is cut off; the next pass must delete. */
TG_TEST(path_deletes_again_after_a_forgetting_sweep_that_was_cut_off)
{
	tg_path_start(&world);
	tg_path_pass(&world, "k1=1 k2=2 k3=3", true, 1);
	sends("k1=1 k2=2 k3=3 ");
	mark_swept(TG_STREAM_SWEEP | TG_STREAM_FORGET | TG_STREAM_RECREATED);
	tg_path_pass(&world, "k1=1 k3=3", true, 1);
	sends("-k2 ");
	tg_path_stop(&world);
}

/* --- one sink alone --- */

TG_TEST(path_resends_to_one_sink_without_asking_the_other)
{
	struct tg_stream_open *open;
	uint32_t other;

	tg_path_start(&world);
	tg_path_pass(&world, "k1=1 k2=2 k3=3", true, 1);
	sends("k1=1 k2=2 k3=3 ");
	world.sink.ranges[0] = '\0';
	TG_CHECK_INT(tg_outbox_sink_open(&world.box, "other", "world", &other), 0);
	tg_outbox_sink_wants(&world.box, other, stream(), stream()->next_seq - 1);
	TG_CHECK_INT(tg_outbox_stream_open(&world.box, tg_view_str("r/d/t"), "rethinkdb", &open),
		     0);
	open->row.flags |= TG_STREAM_FULL_PASS | TG_STREAM_RESEND;
	open->row.resend_sink = tg_outbox_sink_row(&world.box, other)->number;
	tg_outbox_touch(&world.box, open);
	tg_path_commit(&world);
	tg_outbox_stream_close(&world.box, open);
	tg_path_pass(&world, "k1=1 k2=2 k3=3", true, 1);
	sends("");
	TG_CHECK_STR(world.sink.ranges, ""); /* not even an empty request */
	TG_CHECK(tg_forwarder_drained(&world.fwd));
	TG_CHECK_INT(stream()->next_seq, 7);
	TG_CHECK_INT(stream()->acked[other], 3);
	TG_CHECK(stream()->first_block != 0); /* the other sink holds them */
	tg_outbox_ack(&world.box, other, stream(), 6);
	tg_path_commit(&world);
	TG_CHECK_INT(stream()->first_block, 0);
	tg_path_stop(&world);
}

/* --- several streams --- */

TG_TEST(path_turns_between_streams)
{
	tg_path_start(&world);
	world.sink.limits.batch_records_max = 2;
	tg_path_restart(&world);
	tg_path_pass(&world, "a1=1 a2=2 a3=3 a4=4", true, 1);
	world.stream = "r/d/u";
	tg_path_pass(&world, "b1=1 b2=2 b3=3 b4=4", true, 1);
	sends("a1=1 a2=2 b1=1 b2=2 a3=3 a4=4 b3=3 b4=4 ");
	tg_path_stop(&world);
}

/* Nothing stands behind the refused record in its own stream: the proof comes from the other. */
TG_TEST(path_is_not_held_up_by_a_stream_of_one_refused_record)
{
	tg_path_start(&world);
	world.sink.poison = "\"v\":666";
	tg_path_pass(&world, "k1=666", true, 1);
	world.stream = "r/d/u";
	tg_path_pass(&world, "k2=2 k3=3", true, 1);
	sends("k2=2 k3=3 ");
	TG_CHECK_INT(world.fwd.set_aside_count, 1);
	TG_CHECK(tg_forwarder_drained(&world.fwd));
	tg_path_stop(&world);
}

/* --- the quarantine --- */

static void set_one_aside(struct tg_aside *item)
{
	tg_path_start(&world);
	world.sink.poison = "\"v\":666";
	tg_path_pass(&world, "k1=1 k2=666 k3=3", true, 1);
	sends("k1=1 k3=3 ");
	TG_CHECK_INT(tg_outbox_aside_next(&world.box, 0, item), 0);
	TG_CHECK_INT(tg_outbox_aside_replay(&world.box, item->id, true), 0);
	world.sink.poison = NULL;
}

TG_TEST(path_replays_a_record_that_is_still_the_newest)
{
	struct tg_aside item;

	set_one_aside(&item);
	tg_path_restart(&world);
	sends("k2=666 ");
	TG_CHECK_INT(tg_outbox_aside_next(&world.box, 0, &item), TG_ERR_MISSING);
	tg_path_restart(&world);
	sends("");
	tg_path_stop(&world);
}

TG_TEST(path_drops_a_replay_that_a_newer_version_has_overtaken)
{
	struct tg_aside item;

	set_one_aside(&item);
	tg_path_pass(&world, "k1=1 k2=5 k3=3", true, 1);
	tg_path_restart(&world);
	sends("k2=5 ");
	TG_CHECK_INT(tg_outbox_aside_next(&world.box, 0, &item), TG_ERR_MISSING);
	tg_path_stop(&world);
}

/* In a new store its sequence may be that of a newer version. */
TG_TEST(path_replays_nothing_that_was_salvaged)
{
	struct tg_aside item;

	set_one_aside(&item);
	item.salvaged = true;
	item.replay = true;
	TG_CHECK_INT(tg_outbox_aside_put(&world.box, &item, 0, NULL), 0);
	tg_path_restart(&world);
	sends("");
	TG_CHECK_INT(tg_outbox_aside_next(&world.box, 0, &item), TG_ERR_MISSING);
	tg_path_stop(&world);
}

TG_TEST(path_keeps_a_replay_whose_index_cannot_be_read)
{
	struct tg_aside item;

	set_one_aside(&item);
	flip(tg_key_page(1, row_now().index.root_page), 40);
	tg_path_restart(&world);
	sends("");
	TG_CHECK_INT(tg_outbox_aside_next(&world.box, 0, &item), 0);
	TG_CHECK(item.replay);
	tg_path_stop(&world);
}

TG_TEST(path_releases_an_oversize_row_once_it_fits)
{
	struct tg_record *row = &world.rows[0];
	struct tg_aside item;

	tg_path_start(&world);
	tg_path_pass(&world, "k1=1", true, 1);
	sends("k1=1 ");
	struct tg_batch begin = { .kind = TG_BATCH_BEGIN };
	memset(begin.generation, 1, sizeof(begin.generation));
	TG_CHECK_INT(tg_intake_begin(&world.intake, &begin, tg_view_str("r/d/t"), 5000), 0);
	TG_CHECK_INT(tg_intake_go(&world.intake), 0);
	row->flags = TG_REC_OVERSIZE;
	row->hash = 77;
	row->body = tg_view_str("\"k1\"");
	row->body_bytes = 9000000;
	struct tg_batch rows = { .kind = TG_BATCH_ROWS,
				 .flags = TG_BATCH_ORDERED | TG_BATCH_PASS_BEGIN,
				 .records = row,
				 .count = 1 };
	tg_intake_take(&world.intake, &rows, 5000);
	TG_CHECK_INT(tg_intake_go(&world.intake), 0);
	tg_intake_break(&world.intake);
	TG_CHECK_INT(tg_intake_go(&world.intake), TG_ERR_FULL);
	tg_path_commit(&world);
	TG_CHECK_INT(tg_intake_go(&world.intake), 0);
	sends("");
	TG_CHECK_INT(tg_outbox_aside_next(&world.box, 0, &item), 0);
	TG_CHECK_INT(item.kind, TG_ASIDE_OVERSIZE);
	tg_path_pass(&world, "k1=1", true, 1);
	sends("k1=1 ");
	TG_CHECK_INT(tg_outbox_aside_next(&world.box, 0, &item), TG_ERR_MISSING);
	tg_path_stop(&world);
}

/* What was refused for a sink that is gone must never be replayed to another. */
TG_TEST(path_gives_no_forgotten_sinks_number_to_another)
{
	struct tg_aside item;
	uint32_t slot;

	set_one_aside(&item);
	uint16_t number = tg_outbox_sink_row(&world.box, world.fwd.slot)->number;
	TG_CHECK_INT(item.sink, number);
	TG_CHECK_INT(tg_outbox_sink_forget(&world.box, "sink"), 0);
	TG_CHECK_INT(tg_outbox_sink_open(&world.box, "new", "world", &slot), 0);
	TG_CHECK(tg_outbox_sink_row(&world.box, slot)->number > number);
	tg_path_stop(&world);
}

static int take_receipt(void *context, uint32_t scope, struct tg_view receipt)
{
	TG_CHECK(scope == 3 && tg_view_same(receipt, tg_view_str("length 7")));
	++*(unsigned *)context;
	return 0;
}

/* A file's length must not be older than the replay that it holds: the tail would be cut off. */
TG_TEST(path_commits_a_replays_receipt_with_its_end)
{
	struct tg_aside item;
	unsigned receipts = 0;

	set_one_aside(&item);
	TG_CHECK_INT(tg_outbox_receipt(&world.box, world.fwd.slot, 3, tg_view_str("length 7")), 0);
	TG_CHECK_INT(tg_outbox_aside_drop(&world.box, item.id), 0);
	tg_path_restart(&world); /* no commit in between */
	TG_CHECK_INT(tg_outbox_receipts(&world.box, world.fwd.slot, take_receipt, &receipts), 0);
	TG_CHECK_INT(receipts, 1);
	tg_path_stop(&world);
}
