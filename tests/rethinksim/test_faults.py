"""The faults that tests may ask for, and the control port that sets them."""

import json
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from rethinksim.client import MAGIC, Client, Refused, client_context  # noqa: E402
from rethinksim.launch import Simulator  # noqa: E402

READINGS = [15, [[14, ["plant"]], "readings"]]
ALARMS = [15, [[14, ["plant"]], "alarms"]]
ORDERED = [41, [READINGS], {"index": "id"}]
ROWS = 2000
SHORT_SECONDS = 0.5  # a silence is believed after this


class WithSimulator(unittest.TestCase):
    """One simulator program for the class; faults are cleared between tests."""

    @classmethod
    def setUpClass(cls):
        cls.sim = Simulator("--tables", f"readings:{ROWS},alarms:50,oddkeys", "--user", "agent=pw",
                            "--grant", "agent=plant.alarms")

    @classmethod
    def tearDownClass(cls):
        cls.sim.close()

    def setUp(self):
        self.sim.do("clear")

    def client(self, **options):
        found = Client(self.sim.port, **options)
        self.addCleanup(found.sock.close)
        return found

    def error(self, term, client=None):
        with self.assertRaises(Refused) as caught:
            (client or self.client()).rows(term)
        return caught.exception.args[0]


class OnTheWire(WithSimulator):
    def received(self, seconds=20):
        """How many bytes arrive when the table is scanned, and how the conversation ends."""
        client, count = self.client(seconds=seconds), 0
        token = client.send([1, ORDERED, {"max_batch_bytes": 20000}])
        try:
            while True:
                data = client.sock.recv(1 << 16)
                count += len(data)
                if not data:
                    return count, "end"
                client.send([2], token)
        except TimeoutError:
            return count, "silence"
        except ConnectionResetError:
            return count, "reset"

    def test_cut_behind_a_byte(self):
        for at in (500, 5000, 100000):
            self.sim.do("fault", kind="cut", bytes=at, times=1)
            count, end = self.received()
            self.assertEqual(end, "end")
            self.assertLess(count, at)
            self.assertGreater(count, at - 500)  # the rest was the login

    def test_cut_with_a_reset(self):
        self.sim.do("fault", kind="cut", bytes=3000, reset=True, times=1)
        self.assertEqual(self.received()[1], "reset")

    def test_cut_at_every_byte_of_the_login(self):
        for at in range(0, 280, 7):
            self.sim.do("fault", kind="cut", bytes=at, times=1)
            with self.assertRaises((EOFError, ConnectionResetError)):
                self.client()

    def test_stall(self):
        self.sim.do("fault", kind="stall", bytes=2000, times=1)
        count, end = self.received(seconds=SHORT_SECONDS)
        self.assertEqual(end, "silence")
        self.assertGreater(count, 1000)

    def test_silence_in_the_login(self):
        self.sim.do("fault", kind="silence", times=1)
        with self.assertRaises(TimeoutError):
            self.client(seconds=SHORT_SECONDS)
        self.client()

    def test_one_byte_at_a_time(self):
        whole = self.client().rows(ALARMS)
        self.sim.do("fault", kind="drip", times=1)
        self.assertEqual(self.client().rows(ALARMS), whole)

    def test_wrong_signature(self):
        self.sim.do("fault", kind="signature", times=1)
        with self.assertRaisesRegex(Refused, "signature"):
            self.client()

    def test_other_ports(self):
        for kind, start in (("old", b"ERROR: Received"), ("http", b"HTTP/"),
                            ("cluster", b"RethinkDB cluster\n"), ("garbage", b"\x01\x02")):
            self.sim.do("fault", kind=kind, times=1)
            with socket.create_connection(("127.0.0.1", self.sim.port), timeout=10) as sock:
                sock.sendall(MAGIC)
                self.assertTrue(sock.recv(100).startswith(start), kind)

    def test_delay(self):
        client = self.client()
        self.sim.do("fault", kind="delay", ms=300, times=1)
        slow = self.client()
        for found, least in ((client, 0), (slow, 0.3)):
            start = time.monotonic()
            found.ask([5])
            self.assertGreaterEqual(time.monotonic() - start, least)

    def test_lies_in_the_frame(self):
        self.sim.do("fault", kind="length", by=5, answer=1, times=1)
        client = self.client(seconds=SHORT_SECONDS)
        client.ask([5])
        with self.assertRaises(TimeoutError):
            client.ask([5])
        self.sim.do("fault", kind="token", answer=0, times=1)
        client = self.client()
        token = client.send([5])
        self.assertNotEqual(client.receive()[0], token)
        self.sim.do("fault", kind="corrupt", at=1, byte=0, times=1)
        self.assertEqual(self.client().ask([5])[:3], b'{\0t')

    def test_skip_spares_the_first_connections(self):
        self.sim.do("fault", kind="http", skip=1, times=1)
        self.client()
        with self.assertRaises((json.JSONDecodeError, EOFError)):
            self.client()
        self.client()


class InTables(WithSimulator):
    def test_error_in_mid_cursor(self):
        self.sim.do("table_fault", table="plant.readings", error_after=777, code=4100000,
                    text="Cannot perform read: lost contact with primary replica")
        answers = list(self.client().answers(ORDERED, {"max_batch_rows": 50}))
        self.assertEqual(sum(len(answer["r"]) for answer in answers[:-1]), 777)
        self.assertEqual((answers[-1]["t"], answers[-1]["e"]), (18, 4100000))

    def test_a_fault_behind_the_end_is_never_met(self):
        self.sim.do("table_fault", table="plant.readings", error_after=ROWS + 1)
        self.assertEqual(len(self.client().rows(ORDERED)), ROWS)

    def test_error_behind_the_last_row(self):
        self.sim.do("table_fault", table="plant.readings", error_after=ROWS)
        answers = list(self.client().answers(ORDERED))
        self.assertEqual(sum(len(answer["r"]) for answer in answers[:-1]), ROWS)
        self.assertEqual(answers[-1]["t"], 18)

    def test_table_dropped_in_mid_read(self):
        made = self.sim.do("create", table="plant.doomed", kind="readings", count=3000)
        doomed = [15, [[14, ["plant"]], "doomed"]]
        self.sim.do("table_fault", table="plant.doomed", drop_after=1000)
        answers = list(self.client().answers([41, [doomed], {"index": "id"}]))
        self.assertEqual(sum(len(answer["r"]) for answer in answers[:-1]), 1000)
        self.assertEqual(answers[-1]["e"], 4100000)
        self.assertEqual(self.error(doomed)["r"], ["Table `plant.doomed` does not exist."])
        again = self.sim.do("create", table="plant.doomed")
        self.assertNotEqual(made["id"], again["id"])

    def test_permission_taken_from_one_table(self):
        self.sim.do("table_fault", table="plant.alarms", deny=["info"])
        client = self.client()
        self.assertEqual(self.error([79, [ALARMS]], client)["e"], 6000000)
        self.assertEqual(len(client.rows(ALARMS)), 50)
        self.sim.do("table_fault", table="plant.alarms", deny=["read"])
        self.assertEqual(self.error(ALARMS, client)["e"], 6000000)
        self.assertEqual(len(client.rows(READINGS)), ROWS)

    def test_grants_of_the_command_line(self):
        agent = self.client(user="agent", password="pw")
        self.assertEqual(len(agent.rows(ALARMS)), 50)
        self.assertEqual(self.error(READINGS, agent)["e"], 6000000)

    def test_table_that_is_not_ready(self):
        self.sim.do("table_fault", table="plant.alarms", unready_seconds=SHORT_SECONDS)
        client = self.client()
        self.assertIn("primary replica", self.error(ALARMS, client)["r"][0])
        self.assertFalse(client.rows([175, [ALARMS]])[0]["status"]["ready_for_reads"])
        ready = client.rows([177, [ALARMS], {"wait_for": "ready_for_reads", "timeout": 10}])
        self.assertEqual(ready, [{"ready": 1}])
        self.assertEqual(len(client.rows(ALARMS)), 50)

    def test_rows_that_no_server_would_send(self):
        for text in ('{"id":-7,', "", '{"id":-7,"v":01}'):
            self.sim.do("raw", table="plant.alarms", key=-7, text=text or " ")
            body = self.client().ask([1, [41, [ALARMS], {"index": "id"}]])
            self.assertTrue(body.startswith(b'{"t":2,"r":[' + (text.encode() or b" ")))
        self.sim.do("raw", table="plant.alarms", key=-7, base64="/w==")
        self.assertIn(b"\xff", self.client().ask([1, ALARMS]))
        self.sim.do("delete", table="plant.alarms", keys=[-7])

    def test_a_deeply_nested_document(self):
        depth = 5000
        text = '{"id":-2,"v":' + '{"a":' * depth + "1" + "}" * (depth + 1)
        client = self.client()
        answer = client.ask(b'[1,[56,[[15,[[14,["plant"]],"alarms"]],[1,' + text.encode() + b"]]]]")
        self.assertIn(b'"inserted":1', answer)
        self.assertEqual(client.ask([1, [16, [ALARMS, -2]]]), f'{{"t":1,"r":[{text}]}}'.encode())
        self.sim.do("delete", table="plant.alarms", keys=[-2])

    def test_oversized_document(self):
        self.sim.do("oversize", table="plant.alarms", key=-1, bytes=3000000)
        text = self.client().ask([1, [16, [ALARMS, -1]]])[len(b'{"t":1,"r":['):-2]
        self.assertEqual(len(text), 3000000)
        self.assertEqual(json.loads(text)["id"], -1)
        self.sim.do("delete", table="plant.alarms", keys=[-1])


class Control(WithSimulator):
    def test_change_grow_delete_and_dump(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "dump.ndjson"
        self.sim.do("create", table="plant.work", kind="readings", count=500)
        before = self.sim.rows("plant.work", path)
        self.sim.do("change", table="plant.work", count=20, start=100)
        after = self.sim.rows("plant.work", path)
        changed = [at for at in range(500) if before[at] != after[at]]
        self.assertEqual(changed, list(range(100, 120)))
        self.assertEqual(self.sim.do("grow", table="plant.work", count=100)["rows"], 600)
        self.assertEqual(self.sim.do("delete", table="plant.work", count=50)["deleted"], 50)
        wire = self.client().ask([1, [41, [[15, [[14, ["plant"]], "work"]]], {"index": "id"}],
                                  {"first_batch_scaledown_factor": 1}])
        rows = b",".join(self.sim.rows("plant.work", path))
        self.assertEqual(wire, b'{"t":2,"r":[' + rows + b'],"n":[]}')

    def test_same_seed_same_bytes(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with Simulator("--tables", f"readings:{ROWS},oddkeys") as twin:
            for table in ("plant.readings", "plant.oddkeys"):
                path = pathlib.Path(folder.name) / "dump"
                self.assertEqual(self.sim.rows(table, path), twin.rows(table, path))

    def test_insert_counters_and_clock(self):
        self.sim.do("insert", table="plant.alarms",
                    rows=[{"id": 1000, "t": {"$reql_type$": "TIME", "epoch_time": 1.0005}}])
        client = self.client()
        row = client.rows([16, [ALARMS, 1000]])[0]
        self.assertEqual(row["t"]["timezone"], "+00:00")
        self.sim.do("delete", table="plant.alarms", keys=[1000])
        self.sim.do("clock", now=2000000000)
        self.assertAlmostEqual(client.rows([103])[0]["epoch_time"], 2e9, delta=5)
        before = self.sim.do("counters")
        client.send([1, READINGS, {"max_batch_rows": 1}])
        client.receive()
        self.assertEqual(self.sim.do("counters")["cursors"], before["cursors"] + 1)
        client.send([3], client._token)
        client.receive()
        after = self.sim.do("counters")
        self.assertEqual(after["cursors"], before["cursors"])
        self.assertEqual(after["stops"], before["stops"] + 1)

    def test_unknown_commands_are_refused(self):
        for command in ({"do": "nonsense"}, {"do": "fault", "kind": "nonsense"},
                        {"do": "drop"}, {"do": "change", "table": "no.table", "count": 1}):
            with self.assertRaises(RuntimeError):
                self.sim.do(command.pop("do"), **command)

    def test_refused_connections_and_hang_up(self):
        client = self.client()
        self.sim.do("stop_listening")
        self.sim.do("hang_up")
        with self.assertRaises((EOFError, OSError)):
            client.ask([5])
        with self.assertRaises(OSError):
            self.client(seconds=SHORT_SECONDS)
        self.sim.do("listen_again")
        self.client()

    def test_the_log_of_queries(self):
        self.sim.do("log")
        self.client().rows(ALARMS)
        self.assertEqual(self.sim.do("queries")["queries"],
                         ['[1, [15, [[14, ["plant"]], "alarms"]]]'])


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.base = pathlib.Path(cls.folder.name)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=rethinksim", "-addext",
             "subjectAltName=IP:127.0.0.1", "-keyout", cls.base / "key.pem",
             "-out", cls.base / "cert.pem"], check=True, capture_output=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def simulator(self, *more):
        made = Simulator("--tables", "alarms:10", "--tls-cert", self.base / "cert.pem",
                         "--tls-key", self.base / "key.pem", *more)
        self.addCleanup(made.close)
        return made

    def test_login_over_tls(self):
        sim = self.simulator()
        with Client(sim.port, context=client_context(self.base / "cert.pem")) as client:
            self.assertEqual(len(client.rows(ALARMS)), 10)

    def test_plain_bytes_end_the_connection(self):
        sim = self.simulator()
        with socket.create_connection(("127.0.0.1", sim.port), timeout=10) as sock:
            sock.sendall(MAGIC + b'{"protocol_version":0}\0')
            self.assertNotIn(b"{", sock.recv(100))

    def test_client_certificates(self):
        sim = self.simulator("--tls-ca", self.base / "cert.pem")
        with self.assertRaises((ssl.SSLError, OSError, EOFError)):
            with Client(sim.port, context=client_context(self.base / "cert.pem")) as client:
                client.ask([5])
        context = client_context(self.base / "cert.pem", self.base / "cert.pem",
                                 self.base / "key.pem")
        with Client(sim.port, context=context) as client:
            self.assertEqual(client.ask([5])[:6], b'{"t":5')


if __name__ == "__main__":
    unittest.main()
