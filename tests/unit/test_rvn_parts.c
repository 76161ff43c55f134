/* The small pieces of the source: calls as paths, RQL, tombstones, nodes and the bookmark. */
#include "drivers/raven/cursor.h"
#include "drivers/raven/node.h"
#include "drivers/raven/path.h"
#include "drivers/raven/rql.h"
#include "drivers/raven/tombs.h"
#include "tests/check.h"

static char text[8192];

static struct tg_out fresh(void)
{
	memset(text, 0, sizeof(text));
	return (struct tg_out){ .at = (uint8_t *)text, .cap = sizeof(text) - 1 };
}

static const char *path(struct tg_raven_call call)
{
	struct tg_out out = fresh();

	tg_raven_path(&call, &out);
	return text;
}

TG_TEST(calls_as_paths)
{
	TG_CHECK_STR(path((struct tg_raven_call){ .kind = TG_RAVEN_DOCS,
						  .database = "seed",
						  .etag = UINT64_C(9223372036854775807),
						  .rows = 1000 }),
		     "/databases/seed/docs?etag=9223372036854775807&pageSize=1000");
	TG_CHECK_STR(path((struct tg_raven_call){ .kind = TG_RAVEN_KEYS,
						  .database = "s\xc3\xa4 d",
						  .text = tg_view_str("a+b/\xc3\xb6 &?#%-._~"),
						  .rows = 5 }),
		     "/databases/s%C3%A4%20d/docs?startsWith=&startAfter="
		     "a%2Bb%2F%C3%B6%20%26%3F%23%25-._~&metadataOnly=true&pageSize=5");
	TG_CHECK_STR(path((struct tg_raven_call){ .kind = TG_RAVEN_TOPOLOGY, .database = "a b" }),
		     "/topology?name=a%20b");
	TG_CHECK_STR(path((struct tg_raven_call){ .kind = TG_RAVEN_WHOAMI, .database = "x" }),
		     "/certificates/whoami");
	TG_CHECK_STR(path((struct tg_raven_call){ .kind = TG_RAVEN_STATS, .database = "x" }),
		     "/databases/x/stats");
	TG_CHECK_STR(path((struct tg_raven_call){ .kind = TG_RAVEN_COLLECTIONS, .database = "x" }),
		     "/databases/x/collections/stats");
	TG_CHECK_STR(path((struct tg_raven_call){ .kind = TG_RAVEN_TOMBSTONES, .database = "x" }),
		     "/databases/x/replication/tombstones");
	TG_CHECK_STR(path((struct tg_raven_call){ .kind = TG_RAVEN_QUERY,
						  .database = "x",
						  .text = tg_view_str("from 'O'"),
						  .parameters = tg_view_str("{}"),
						  .wait_ms = 15000 }),
		     "/databases/x/queries?query=from%20%27O%27&parameters=%7B%7D"
		     "&waitForNonStaleResults=true&waitForNonStaleResultsTimeoutInMs=15000");
}

TG_TEST(queries_never_quote_metadata)
{
	char also[512] = "";
	struct tg_out out = fresh(),
		      parameters = { .at = (uint8_t *)also, .cap = sizeof(also) - 1 };
	struct tg_raven_rql rql = { .collection = tg_view_str("Orders"),
				    .since = tg_view_str("2026-11-21T10:00:00.0000000Z"),
				    .rows = 500 };

	TG_CHECK_INT(tg_raven_rql(&rql, &out, &parameters), TG_OK);
	TG_CHECK_STR(text, "from 'Orders' where @metadata.@last-modified >= $x "
			   "order by @metadata.@last-modified limit 0, 500");
	TG_CHECK_STR(also, "{\"x\":\"2026-11-21T10:00:00.0000000Z\"}");
	TG_CHECK(strstr(text, "'@metadata") == NULL && strstr(text, "\"@metadata") == NULL);

	out = fresh();
	parameters.total = 0;
	memset(also, 0, sizeof(also));
	rql.collection = tg_view_str("a'b");
	rql.round = true;
	TG_CHECK_INT(tg_raven_rql(&rql, &out, &parameters), TG_OK);
	TG_CHECK_STR(text, "from \"a'b\" where @metadata.@last-modified >= $x "
			   "and @metadata.@collection = $c "
			   "order by @metadata.@last-modified limit 0, 500");
	TG_CHECK_STR(also, "{\"x\":\"2026-11-21T10:00:00.0000000Z\",\"c\":\"a'b\"}");
	rql.collection = tg_view_str("a'b\"c");
	TG_CHECK_INT(tg_raven_rql(&rql, &out, &parameters), TG_ERR_CONFIG);
	rql.collection = tg_view_str("a\\");
	TG_CHECK_INT(tg_raven_rql(&rql, &out, &parameters), TG_ERR_CONFIG);
}

TG_TEST(an_index_of_a_wrongly_quoted_query)
{
	TG_CHECK(tg_raven_index_spoilt("Auto/Orders/By'@metadata.@last-modified'"));
	TG_CHECK(!tg_raven_index_spoilt("Auto/Orders/By@metadata.@last-modified"));
	TG_CHECK(!tg_raven_index_spoilt("collection/Orders"));
}

TG_TEST(moments_have_seven_decimals)
{
	char moment[TG_RAVEN_MOMENT_BYTES + 1] = "";

	tg_raven_moment(0, moment);
	TG_CHECK_STR(moment, "1970-01-01T00:00:00.0000000Z");
	tg_raven_moment(1700000000123, moment);
	TG_CHECK_STR(moment, "2023-11-14T22:13:20.1230000Z");
	tg_raven_moment(INT64_MIN, moment);
	TG_CHECK_STR(moment, "0001-01-01T00:00:00.0000000Z");
	tg_raven_moment(INT64_MAX, moment);
	TG_CHECK_STR(moment, "9999-12-31T23:59:59.9990000Z");
}

TG_TEST(tombstones)
{
	struct tg_raven_tomb tomb;

	TG_CHECK_INT(tg_raven_tomb_read(tg_view_str("{\"Id\":\"orders/5\",\"Etag\":34,"
						    "\"DeletedEtag\":5,\"Type\":\"Document\","
						    "\"LastModified\":"
						    "\"2026-11-21T10:01:44.2186397Z\","
						    "\"Collection\":\"Orders\"}"),
					&tomb),
		     TG_OK);
	TG_CHECK(tomb.document && tg_view_same(tomb.id, tg_view_str("\"orders/5\"")));
	TG_CHECK(tg_view_same(tomb.collection, tg_view_str("\"Orders\"")));
	TG_CHECK_INT(tomb.etag, 34);
	TG_CHECK_INT(tomb.time_ms, 1795255304218);
	TG_CHECK_INT(tg_raven_tomb_read(tg_view_str("{\"Id\":\"k/1\\u001Ed\\u001E\",\"Etag\":9,"
						    "\"Type\":\"Attachment\"}"),
					&tomb),
		     TG_OK);
	TG_CHECK(!tomb.document && tomb.time_ms == INT64_MIN);
	TG_CHECK_INT(tg_raven_tomb_read(tg_view_str("{\"Id\":5,\"Etag\":9,"
						    "\"Type\":\"Document\"}"),
					&tomb),
		     TG_ERR_PROTOCOL);
	TG_CHECK_INT(tg_raven_tomb_read(tg_view_str("{\"Id\":\"a\",\"Type\":\"Document\"}"), &tomb),
		     TG_ERR_PROTOCOL);
	TG_CHECK_INT(tg_raven_tomb_read(tg_view_str("[1]"), &tomb), TG_ERR_PROTOCOL);
}

/* --- nodes --- */

static struct tg_raven_nodes nodes;

static void start_nodes(void)
{
	static struct tg_raven_link link;

	memset(&link, 0, sizeof(link));
	link.tls = true;
	link.url_count = 2;
	link.urls[0] = (struct tg_raven_url){ .host = "a.x", .port = 443 };
	link.urls[1] = (struct tg_raven_url){ .host = "b.x", .port = 443 };
	tg_raven_nodes_init(&nodes, &link);
}

static const char *tried(void)
{
	static char list[256];

	list[0] = '\0';
	while (tg_raven_nodes_next(&nodes)) {
		struct tg_raven_node *node = &nodes.items[nodes.at];
		size_t used = strlen(list);
		snprintf(list + used, sizeof(list) - used, "%s ", node->url.host);
		node->tried = true;
	}
	return list;
}

TG_TEST(nodes_are_tried_in_their_order_once)
{
	start_nodes();
	TG_CHECK_STR(tried(), "a.x b.x ");
	TG_CHECK(!tg_raven_nodes_next(&nodes));
	TG_CHECK_INT(nodes.at, 1);
	tg_raven_nodes_renew(&nodes);
	TG_CHECK_STR(tried(), "a.x b.x ");
}

TG_TEST(the_topology_adds_nodes_and_puts_what_is_in_repair_last)
{
	start_nodes();
	TG_CHECK(tg_raven_nodes_learn(
		&nodes,
		tg_view_str(
			"{\"Promotables\":[],\"Nodes\":["
			"{\"Url\":\"https://"
			"a.x:443\",\"ClusterTag\":\"A\",\"ServerRole\":\"Rehab\"},"
			"{\"Url\":\"https://B.x\",\"ClusterTag\":\"B\",\"ServerRole\":\"Member\"},"
			"{\"Url\":\"https://c.x\",\"ClusterTag\":\"C\",\"ServerRole\":\"Member\"},"
			"{\"Url\":\"http://d.x\",\"ClusterTag\":\"D\",\"ServerRole\":\"Member\"},"
			"{\"Url\":\"nonsense\"}],\"Etag\":7}")));
	TG_CHECK_INT(nodes.count, 3);
	TG_CHECK_STR(nodes.items[1].tag, "B");
	TG_CHECK_STR(tried(), "b.x c.x a.x ");
	TG_CHECK(!tg_raven_nodes_learn(&nodes, tg_view_str("{\"Nodes\":null}")));
	TG_CHECK(!tg_raven_nodes_learn(&nodes, tg_view_str("[]")));
}

TG_TEST(one_node_under_two_addresses_is_one)
{
	start_nodes();
	TG_CHECK(tg_raven_nodes_learn(
		&nodes, tg_view_str("{\"Nodes\":[{\"Url\":\"https://a.x\",\"ClusterTag\":\"A\","
				    "\"ServerRole\":\"Member\"},{\"Url\":\"https://10.0.0.1\","
				    "\"ClusterTag\":\"A\",\"ServerRole\":\"Member\"}]}")));
	TG_CHECK_STR(tried(), "a.x b.x ");
}

TG_TEST(nodes_beyond_the_room_are_left_out)
{
	static char many[8192] = "{\"Nodes\":[";

	for (unsigned i = 0; i < 2 * TG_RAVEN_NODES_MAX; i++) {
		size_t used = strlen(many);
		snprintf(many + used, sizeof(many) - used, "%s{\"Url\":\"https://n%u.x\"}",
			 i > 0 ? "," : "", i);
	}
	strcat(many, "]}");
	start_nodes();
	TG_CHECK(tg_raven_nodes_learn(&nodes, tg_view_str(many)));
	TG_CHECK_INT(nodes.count, TG_RAVEN_NODES_MAX);
}

/* --- the bookmark --- */

static const uint8_t id_a[TG_RAVEN_ID_BYTES] = { 1, 2, 3 }, id_b[TG_RAVEN_ID_BYTES] = { 4, 5, 6 };
static struct tg_raven_cursor cursor, back;
static uint8_t bytes[TG_RAVEN_CURSOR_BYTES_MAX];

#define VECTOR "A:36-KK0S5cF510GX3wl4Evn2Bw"

static void fill_cursor(void)
{
	tg_raven_cursor_clear(&cursor);
	tg_raven_cursor_at(&cursor, "A", id_a)->next = 37;
	tg_raven_cursor_at(&cursor, "B", id_b)->next = UINT64_MAX;
	cursor.places[0].told = 12;
	cursor.phase = TG_RAVEN_COMPARING;
	cursor.settings = 7;
	cursor.proved = true;
	cursor.skipped = 3;
	cursor.since_ms = -5;
	tg_raven_cursor_caught(&cursor, tg_view_str(VECTOR));
	memcpy(cursor.after, "orders/7", 8);
	cursor.after_bytes = 8;
	cursor.set = 77;
}

TG_TEST(a_bookmark_comes_back_as_it_was)
{
	fill_cursor();
	TG_CHECK_INT(tg_raven_cursor_read(tg_raven_cursor_write(&cursor, bytes), &back), TG_OK);
	TG_CHECK(memcmp(&cursor, &back, sizeof(back)) == 0);
}

/* Version 1 had no set: what there was then is not known. */
TG_TEST(an_older_bookmark_is_read)
{
	enum { SET_AT = 1 + 1 + 1 + 4 + 8 + 8, SET_BYTES = 8 };

	fill_cursor();
	struct tg_view now = tg_raven_cursor_write(&cursor, bytes);
	memmove(bytes + SET_AT, bytes + SET_AT + SET_BYTES, now.bytes - SET_AT - SET_BYTES);
	bytes[0] = 1;
	TG_CHECK_INT(tg_raven_cursor_read(tg_view_of(bytes, now.bytes - SET_BYTES), &back), TG_OK);
	cursor.set = 0;
	TG_CHECK(memcmp(&cursor, &back, sizeof(back)) == 0);
}

TG_TEST(the_longest_bookmark_fits)
{
	fill_cursor();
	tg_raven_cursor_at(&cursor, "CCCCCCCCCCC", id_a);
	tg_raven_cursor_at(&cursor, "DDDDDDDDDDD", id_a);
	cursor.vector_bytes = sizeof(cursor.vector);
	cursor.after_bytes = sizeof(cursor.after);
	struct tg_view written = tg_raven_cursor_write(&cursor, bytes);
	TG_CHECK(written.bytes <= TG_BOOKMARK_BYTES_MAX);
	TG_CHECK_INT(tg_raven_cursor_read(written, &back), TG_OK);
}

TG_TEST(a_cut_or_strange_bookmark_is_cleared)
{
	struct tg_raven_cursor none;

	tg_raven_cursor_clear(&none);
	fill_cursor();
	struct tg_view whole = tg_raven_cursor_write(&cursor, bytes);
	for (size_t cut = 0; cut < whole.bytes; cut++) {
		TG_CHECK_INT(tg_raven_cursor_read(tg_view_of(bytes, cut), &back), TG_ERR_DAMAGED);
		TG_CHECK(memcmp(&back, &none, sizeof(back)) == 0);
	}
	bytes[0] = 9;
	TG_CHECK_INT(tg_raven_cursor_read(whole, &back), TG_ERR_NEWER);
}

TG_TEST(places_are_kept_apart_and_the_oldest_makes_room)
{
	tg_raven_cursor_clear(&cursor);
	tg_raven_cursor_at(&cursor, "A", id_a)->next = 5;
	TG_CHECK_INT(tg_raven_cursor_at(&cursor, "A", id_b)->next, 0);
	TG_CHECK_INT(tg_raven_cursor_at(&cursor, "B", id_a)->next, 0);
	TG_CHECK_INT(tg_raven_cursor_at(&cursor, "A", id_a)->next, 5);
	TG_CHECK_INT(cursor.place_count, 3);
	tg_raven_cursor_at(&cursor, "C", id_a)->next = 6;
	tg_raven_cursor_at(&cursor, "D", id_a)->next = 7;
	TG_CHECK_INT(cursor.place_count, TG_RAVEN_NODES_KEPT);
	TG_CHECK_INT(tg_raven_cursor_at(&cursor, "A", id_a)->next, 5);
	TG_CHECK_INT(tg_raven_cursor_at(&cursor, "A", id_b)->next, 0);
}

TG_TEST(what_a_state_covers)
{
	tg_raven_cursor_clear(&cursor);
	TG_CHECK(!tg_raven_cursor_covers(&cursor, tg_view_str(VECTOR)));
	tg_raven_cursor_caught(&cursor, tg_view_str("B:7-AAAAAAAAAAAAAAAAAAAAAA, " VECTOR));
	TG_CHECK(tg_raven_cursor_covers(&cursor, tg_view_str(VECTOR)));
	TG_CHECK(!tg_raven_cursor_covers(&cursor, tg_view_str("A:37-KK0S5cF510GX3wl4Evn2Bw")));
	TG_CHECK(!tg_raven_cursor_covers(&cursor, tg_view_str("")));
	static char long_vector[2000];
	memset(long_vector, 'x', sizeof(long_vector) - 1);
	tg_raven_cursor_caught(&cursor, tg_view_str(long_vector));
	TG_CHECK(!tg_raven_cursor_covers(&cursor, tg_view_str(VECTOR)));
}
