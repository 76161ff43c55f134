"""Logins, queries, cursors and batches over a real socket."""

import json
import pathlib
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from rethinksim import odd, plant, scram, spelling  # noqa: E402
from rethinksim.client import MAGIC, Client, Refused, row_hash  # noqa: E402
from rethinksim.server import Server  # noqa: E402

READINGS = [15, [[14, ["plant"]], "readings"]]
ODDKEYS = [15, [[14, ["plant"]], "oddkeys"]]
EVENTS = [15, [[14, ["plant"]], "events"]]
ROWS = 3000


def by_key(table, **optargs):
    return [41, [table], {"index": "id", **optargs}]


class WithServer(unittest.TestCase):
    """A server with a plant of 3,000 readings; a fresh one for each class."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server(seed=3).start()
        for name, count in (("readings", ROWS), ("oddkeys", 0), ("events", 100), ("empty", 0)):
            plant.build(cls.server.world, "plant", name, count)
        agent = scram.User("agent", "pässwörd, = secret")
        agent.grants["plant.events"] = {"read"}
        cls.server.world.users["agent"] = agent

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def setUp(self):
        self.client = Client(self.server.port)

    def tearDown(self):
        self.client.sock.close()

    def error(self, term, client=None):
        """The error that a query ends in."""
        with self.assertRaises(Refused) as caught:
            (client or self.client).rows(term)
        return caught.exception.args[0]


class Logins(WithServer):
    def test_password_in_raw_utf8(self):
        with Client(self.server.port, "agent", "pässwörd, = secret") as client:
            self.assertEqual(client.rows([59, []])[0], ["plant", "rethinkdb", "test"])

    def test_refusals(self):
        for user, password, code in (("agent", "wrong", 12), ("ghost", "", 17), ("admin", "x", 12),
                                     ("", "", 18)):
            with self.assertRaises(Refused) as caught:
                Client(self.server.port, user, password)
            self.assertEqual(caught.exception.args[0]["error_code"], code)

    def talk(self, *parts):
        """Everything a server says to these bytes, until it ends the connection."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as sock:
            sock.sendall(b"".join(parts))
            heard = b""
            while data := sock.recv(4096):
                heard += data
                if heard.count(b"\0") >= 2 or b"ERROR" in heard:
                    sock.shutdown(socket.SHUT_WR)
            return heard

    def test_other_magic_numbers(self):
        self.assertTrue(self.talk(b"GET / HTTP").startswith(b"ERROR: Received an unsupported"))
        self.assertEqual(self.talk(b"\x3e\xe8\x75\x5f")[-2:], b"\n\0")
        self.assertIn(b"PROTOBUF", self.talk(b"\x36\xba\x61\x3f"))

    def test_handshake_errors(self):
        first = ('{"protocol_version":0,"authentication_method":"SCRAM-SHA-256",'
                 '"authentication":"%s"}')
        for text, code in (
                ("{}", 1), ('{"protocol_version":1}', 2), ('{"protocol_version":0}', 3),
                ('{"protocol_version":0,"authentication_method":"X"}', 4), ("{bad", 8),
                ('{"protocol_version":0,"authentication_method":"SCRAM-SHA-256"}', 5),
                (first % "y,,n=a,r=b", 15), (first % "n,,n=a", 10), (first % "n,,n=a,r=b,m=c", 11),
                (first % "n,,n=a=2X,r=b", 18), ("x" * 3000, 7)):
            heard = self.talk(MAGIC, text.encode(), b"\0").split(b"\0")
            self.assertEqual(json.loads(heard[1])["error_code"], code, text)

    def test_an_array_closes_without_a_word(self):
        self.assertEqual(self.talk(MAGIC, b"[]\0").count(b"\0"), 1)


class Reads(WithServer):
    def test_ordered_scan_is_in_key_order_and_whole(self):
        rows = self.client.rows(by_key(READINGS))
        keys = [row["id"] for row in rows]
        self.assertEqual(keys, sorted(keys))
        self.assertEqual(len(keys), ROWS)
        down = self.client.rows([41, [READINGS], {"index": [74, ["id"]]}], {"max_batch_rows": 50})
        self.assertEqual(down, rows[::-1])

    def test_unordered_scan_gives_each_row_once_but_not_in_order(self):
        keys = [row["id"] for row in self.client.rows(READINGS, {"max_batch_rows": 100})]
        self.assertEqual(len(set(keys)), ROWS)
        self.assertNotEqual(keys, sorted(keys))

    def test_resuming_after_every_odd_key(self):
        rows = self.client.rows(by_key(ODDKEYS))
        self.assertEqual(len(rows), len(odd.keys()))
        for at, row in enumerate(rows):
            after = self.client.rows(by_key(
                [182, [ODDKEYS, self.term_of(row["id"]), [181, []]], {"left_bound": "open"}]))
            self.assertEqual(after, rows[at + 1:], row)

    @staticmethod
    def term_of(key):
        return [2, [Reads.term_of(part) for part in key]] if type(key) is list else key

    def test_between_by_index(self):
        low, high = [101, [plant.EPOCH + 10]], [101, [plant.EPOCH + 20]]
        found = self.client.rows([41, [[182, [READINGS, low, high], {"index": "updated_at"}]],
                                  {"index": "updated_at"}])
        stamps = [row["updated_at"]["epoch_time"] - plant.EPOCH for row in found]
        self.assertEqual(stamps, [10 + step / 8 for step in range(80)])
        both = [182, [READINGS, low, high],
                {"index": "updated_at", "left_bound": "open", "right_bound": "closed"}]
        self.assertEqual(self.client.rows([43, [both]]), [80])

    def test_filter_drops_rows_without_the_field(self):
        newer = [69, [[2, [1]], [22, [[170, [[10, [1]], "timestamp"]], plant.EPOCH + 90]]]]
        self.assertEqual(len(self.client.rows([39, [by_key(EVENTS), newer]])), 10)
        self.assertEqual(self.client.rows([39, [ODDKEYS, newer]]), [])

    def test_the_row_hash_is_the_client_s_too(self):
        row_text = self.client.ask([1, [71, [by_key(READINGS), 1]]])[len(b'{"t":2,"r":['):-9]
        hashed = self.client.rows([169, [[172, [[148, [READINGS], {"index": "id"}]]]]])
        self.assertEqual(len(hashed[0]), 36)
        mapped = self.client.rows([71, [[38, [by_key(READINGS), [69, [[2, [1]], [
            169, [[172, [[10, [1]]]]]]]]]], 1]])
        digest = bytes.fromhex(row_hash(row_text)[:32])
        expected = bytearray(digest)
        expected[6], expected[8] = expected[6] & 0x0F | 0x50, expected[8] & 0x3F | 0x80
        self.assertEqual(bytes.fromhex(mapped[0].replace("-", "")), bytes(expected))

    def test_index_status_is_the_simple_index_of_the_reference(self):
        status = self.client.rows([139, [READINGS]])[0][0]
        self.assertEqual(status["query"], "indexCreate('updated_at', function(_var19) { return "
                                          "_var19.getField(\"updated_at\"); })")
        self.assertTrue(status["function"]["data"].startswith("JHJlcWxfaW5kZXhfZnVuY3Rpb24k"))

    def test_permissions(self):
        with Client(self.server.port, "agent", "pässwörd, = secret") as agent:
            self.assertEqual(len(agent.rows(EVENTS)), 100)
            for term in (READINGS, [79, [READINGS]], [43, [READINGS]], by_key(READINGS)):
                self.assertEqual(self.error(term, agent)["e"], 6000000)
            self.assertEqual(self.error([174, [EVENTS]], agent)["r"],
                             ["User `agent` does not have the required `config` permission."])
            self.assertEqual(agent.rows([175, [READINGS]])[0]["name"], "readings")


class Cursors(WithServer):
    def sizes(self, term, **optargs):
        return [(answer["t"], len(answer["r"])) for answer in self.client.answers(term, optargs)]

    def test_first_batch_is_smaller_and_no_partial_is_empty(self):
        sizes = self.sizes(READINGS, max_batch_rows=50)
        self.assertEqual(sizes[0], (3, 72))
        self.assertEqual(sizes[1], (3, 312))
        self.assertEqual(sizes[-1][0], 2)
        self.assertTrue(all(count > 0 for kind, count in sizes if kind == 3))
        self.assertEqual(sum(count for _, count in sizes), ROWS)

    def test_byte_limit(self):
        few = self.sizes(by_key(READINGS), max_batch_bytes=10000)
        many = self.sizes(by_key(READINGS), max_batch_bytes=100000)
        self.assertGreater(len(few), 5 * len(many))
        self.assertEqual(self.sizes(by_key([15, [[14, ["plant"]], "empty"]])), [(2, 0)])

    def test_a_selective_filter_sends_nothing_before_its_match(self):
        last = self.client.rows([41, [READINGS], {"index": [74, ["id"]]}])[0]["id"]
        only = [69, [[2, [1]], [17, [[170, [[10, [1]], "id"]], last]]]]
        self.assertEqual(self.sizes([39, [by_key(READINGS), only]], max_batch_rows=5), [(2, 1)])

    def test_stop_and_token_errors(self):
        token = self.client.send([1, READINGS, {"max_batch_rows": 5}])
        self.assertEqual(self.client.receive()[1][:6], b'{"t":3')
        self.client.send([1, 5], token)
        self.assertIn(b"duplicate token", self.client.receive()[1])
        self.client.send([3], token)
        self.assertEqual(self.client.receive(), (token, b'{"t":2,"r":[],"n":[]}'))
        self.client.send([2], token)
        self.assertIn(f"Token {token} not in stream cache.".encode(), self.client.receive()[1])
        self.assertEqual(self.server.counters["cursors"], 0)

    def test_two_cursors_on_one_connection(self):
        one = self.client.send([1, by_key(READINGS), {"max_batch_rows": 5}])
        two = self.client.send([1, by_key(READINGS), {"max_batch_rows": 5}], 99)
        self.assertEqual([self.client.receive()[0] for _ in range(2)], [one, two])
        self.client.send([2], one)
        self.client.send([2], two)
        first, second = self.client.receive(), self.client.receive()
        self.assertEqual(first[1], second[1])

    def test_bad_queries_leave_the_connection_usable(self):
        for query, kind in ((b"{bad", 16), (b"[]", 16), (b"[9]", 16), (b"[1,[99999,[]]]", 17),
                            (b'[1,{"a":1,"a":2}]', 17), (b"[1,[59,[]],{\"x\":1}]", 17)):
            self.assertEqual(json.loads(self.client.ask(query))["t"], kind, query)
        self.assertEqual(json.loads(self.client.ask([4])), {"t": 4, "r": []})

    def test_noreply_is_never_answered(self):
        for term in (READINGS, [12, ["boom"]], [59, []]):
            self.client.send([1, term, {"noreply": True}])
        token = self.client.send([4])
        self.assertEqual(self.client.receive(), (token, b'{"t":4,"r":[]}'))
        self.assertEqual(self.server.counters["cursors"], 0)

    def test_a_row_inserted_behind_an_ordered_cursor_is_seen(self):
        token = self.client.send([1, by_key(EVENTS), {"max_batch_rows": 1}])
        self.client.receive()
        with Client(self.server.port) as other:
            other.rows([56, [EVENTS, {"id": "zzz"}]])
        seen = b""
        while b'{"t":2' not in seen:
            self.client.send([2], token)
            seen += self.client.receive()[1]
        self.assertIn(b'{"id":"zzz"}', seen)


class Writes(WithServer):
    def test_insert_update_delete(self):
        table = [15, [[14, ["plant"]], "empty"]]
        got = self.client.rows([56, [table, [2, [{"id": "a", "v": 1}, {"v": 2}, {"id": "a"}]]]])[0]
        self.assertEqual((got["inserted"], got["errors"], len(got["generated_keys"])), (2, 1, 1))
        self.client.rows([53, [[16, [table, "a"]], {"w": [24, [1, 2]]}]])
        self.assertEqual(self.client.rows([16, [table, "a"]]), [{"id": "a", "v": 1, "w": 3}])
        self.assertEqual(self.client.rows([54, [table]])[0]["deleted"], 2)

    def test_keys_that_the_server_refuses(self):
        for key in (None, {"a": 1}, "x" * 128, "a\0b", [2, [None]]):
            got = self.client.rows([56, [[15, [[14, ["plant"]], "empty"]], {"id": key}]])[0]
            self.assertEqual(got["errors"], 1, key)

    def test_indexes_follow_writes(self):
        table = self.server.world.table("plant", "readings")
        self.client.rows([148, [READINGS], {"index": "updated_at"}])
        changed = plant.change(self.server.world, table, 5)
        newest = self.client.rows([71, [[41, [READINGS], {"index": [74, ["updated_at"]]}], 5]])
        self.assertEqual(changed, sum("changed" in row for row in newest))
        self.assertEqual(table.rows[table.keys[0]].text,
                         spelling.encode(table.rows[table.keys[0]].value))

    def test_a_new_table_has_a_new_uuid(self):
        place = [[14, ["plant"]], "fresh"]
        seen = set()
        for _ in range(2):
            self.client.rows([60, place])
            seen.add(self.client.rows([79, [[15, place]]])[0]["id"])
            self.client.rows([61, place])
        self.assertEqual(len(seen), 2)


if __name__ == "__main__":
    unittest.main()
