"""Every command against a simulated plant: what it prints, what it leaves, how it ends."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import unittest

from cli import PROGRAM, Case, run, skip_without_program

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from rethinksim import control, plant  # noqa: E402
from rethinksim.server import Server, tls_context  # noqa: E402

TABLES = {"devices": 20, "readings": 300, "alarms": 30}
ROWS = sum(TABLES.values())


class Plant(Case):
    """A small plant, served from this process."""

    def setUp(self):
        super().setUp()
        self.server = Server(seed=7).start()
        self.addCleanup(self.server.stop)
        self.server.world.create_database("plant")
        for name, rows in TABLES.items():
            plant.build(self.server.world, "plant", name, rows)

    def do(self, what, **settings):
        answer = control.run(self.server, {"do": what, **settings})
        self.assertTrue(answer["ok"], answer)
        return answer

    def flat(self, **changes):
        return self.write("configuration.json", {
            "host": "127.0.0.1", "port": str(self.server.port), "database": "plant",
            "username": "", "password": "", "use_ssl": "false", **changes})

    def ours(self, sink=None, **source):
        config = self.config()
        config["sources"][0].update({"port": self.server.port, **source})
        if sink:
            config["sinks"] = [sink]
        return self.write("tidegate.json", config)

    def sync(self, path, *words, code=0):
        """One sync by our configuration; its summary."""
        done = run("sync", "--config", path, "--json", "--wait", "5", "--log-level", "error",
                   *words)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def look(self, *words, code=0):
        done = run(*words, "--store", self.folder / "store")
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def lines(self):
        """Every delivered line, in the order of the files' names."""
        files = sorted((self.folder / "out").glob("*.ndjson"))
        return [json.loads(line) for file in files
                for line in file.read_text(encoding="utf-8").split("\n")[:-1]]


class Sync(Plant):
    def test_the_seeds_file_unchanged_into_a_folder(self):
        out = self.folder / "out"
        words = ("sync", "--rethinkdb", self.flat(), "--to", out, "--json")
        first = run(*words)
        self.assertEqual(first.returncode, 0, first.stderr)
        summary = json.loads(first.stdout)
        self.assertEqual(summary["records_read"], ROWS)
        self.assertEqual(summary["records_delivered"], ROWS)
        self.assertEqual({stream["stream"]: stream["records_read"]
                          for stream in summary["streams"]},
                         {f"rethinkdb/plant/{name}": rows for name, rows in TABLES.items()})
        self.assertFalse(summary["partial"] or summary["undelivered"])
        self.assertGreater(summary["bytes_read"], 0)
        self.assertEqual(len(self.lines()), ROWS)
        self.assertTrue((out / ".tidegate").is_dir())
        again = json.loads(run(*words).stdout)
        self.assertEqual((again["records_read"], again["records_delivered"]), (ROWS, 0))
        self.do("change", table="plant.readings", count=100)
        self.do("delete", table="plant.alarms", count=3)
        changed = json.loads(run(*words).stdout)
        self.assertEqual((changed["records_delivered"], changed["deleted"]), (103, 3))

    def test_rows_to_standard_output_and_the_summary_beside_them(self):
        words = ("sync", "--rethinkdb", self.flat(), "--to", "-", "--store", self.folder / "store",
                 "--json", "--log-level", "error")
        done = run(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
        self.assertEqual(len(lines), ROWS)
        self.assertTrue(all("_tidegate" in line for line in lines))
        self.assertEqual(json.loads(done.stderr)["records_delivered"], ROWS)
        path = self.ours({"name": "stdout", "type": "file", "path": "-"})
        done = run("sync", "--config", path, "--json", "--log-level", "error", "--store",
                   self.folder / "other")
        self.assertEqual(json.loads(done.stderr)["records_delivered"], ROWS)

    def test_columns_are_left_out_chosen_and_masked(self):
        rules = {"*": {"mask": ["device", "nothing"]},
                 "*/readings": {"only": ["id", "device", "value"]},
                 "*/alarms": {"leave_out": ["text", "trail"]}}
        self.sync(self.ours({"name": "files", "type": "file", "columns": rules,
                             "path": str(self.folder / "out")}))
        for line in self.lines():
            table = line["_tidegate"]["stream"].rsplit("/", 1)[1]
            if table == "readings":
                self.assertLessEqual(set(line), {"_tidegate", "id", "device", "value"})
                self.assertEqual(line["device"], "***")
            elif table == "alarms":
                self.assertFalse({"text", "trail"} & set(line))
                self.assertEqual(line["device"], "***")
            else:
                self.assertIn("name", line)

    def test_streams_of_a_sink_are_chosen_by_pattern(self):
        self.sync(self.ours({"name": "files", "type": "file", "path": str(self.folder / "out"),
                             "streams": ["*", "!*/readings"]}))
        self.assertEqual(len(self.lines()), ROWS - TABLES["readings"])

    def test_a_row_too_large_is_partial_and_listed(self):
        self.do("oversize", table="plant.alarms", key=7000001, bytes=3 << 20)
        summary = self.sync(self.ours(), code=3)
        self.assertEqual((summary["set_aside"], summary["partial"]), (1, True))
        listed = json.loads(self.look("quarantine", "list", "--json"))["items"]
        self.assertEqual([(item["kind"], item["stream"], item["key"]) for item in listed],
                         [("oversize", "rethinkdb/plant/alarms", "7000001")])
        self.assertIn("7000001", self.look("quarantine", "list"))
        item = str(listed[0]["id"])
        self.assertIn("1 will be tried again", self.look("quarantine", "replay", item))
        self.assertIn("to be tried again", self.look("quarantine", "list"))
        self.look("quarantine", "discard", "99", code=2)
        self.look("quarantine", "discard", "x", code=2)
        self.assertIn("1 discarded", self.look("quarantine", "discard", "--all"))
        self.assertIn("nothing is set aside", self.look("quarantine", "list"))

    def test_a_broken_table_is_partial_and_named(self):
        self.do("table_fault", table="plant.alarms", error_after=10, code=18, text="broken")
        summary = self.sync(self.ours(), code=3)
        failed = [stream for stream in summary["streams"] if not stream["complete"]]
        self.assertEqual([stream["stream"] for stream in failed], ["rethinkdb/plant/alarms"])
        self.assertTrue(failed[0]["error"])

    def test_a_server_that_falls_silent_is_waited_for_as_long_as_it_may(self):
        self.do("fault", kind="stall", bytes=20000, times=1)
        path = self.ours(answer_seconds=3)
        self.assertEqual(self.sync(path, "--wait", "1")["records_delivered"], ROWS)
        self.do("fault", kind="stall", bytes=20000, times=1)
        self.do("fault", kind="silence", skip=1)  # then no connection gets anywhere
        self.do("change", table="plant.readings", count=TABLES["readings"])
        summary = self.sync(path, "--wait", "1", code=11)
        self.assertTrue(summary["partial"])
        self.assertFalse(summary["undelivered"])
        self.assertGreater(summary["records_delivered"], 0)

    def test_a_terminal_sees_progress_and_no_log(self):
        import pty
        leader, follower = pty.openpty()
        child = subprocess.Popen([PROGRAM, "sync", "--config", str(self.ours())], stderr=follower,
                                 stdout=subprocess.DEVNULL)
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(leader)
        self.assertEqual(child.wait(60), 0)
        self.assertIn(b"rethinkdb/plant/readings  300 rows, 300 changed, 0 deleted", shown)
        self.assertIn(b"350 delivered", shown)
        self.assertNotIn(b"INF", shown)


class Store(Plant):
    def away(self):
        """A configuration whose sink refuses connections."""
        return self.ours({"name": "upstream", "type": "https", "url": "http://127.0.0.1:1/in"})

    def test_a_sink_that_is_away_holds_the_store(self):
        path = self.away()
        done = run("sync", "--config", path, "--json", "--wait", "1", "--log-level", "error")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertTrue(json.loads(done.stdout)["undelivered"])
        status = json.loads(self.look("status", "--json"))
        pending = {stream["stream"]: stream["sinks"]["upstream"]["pending"]
                   for stream in status["streams"]}
        self.assertEqual(sum(pending.values()), ROWS)
        self.assertEqual(status["sinks"][0]["name"], "upstream")
        self.assertTrue(status["sinks"][0]["last_error"])
        self.assertIn("300 to go", self.look("status"))
        self.assertIn("used", self.look("outbox", "stat"))
        self.assertGreater(json.loads(self.look("outbox", "stat", "--json"))["bytes_used"], 0)
        self.assertIn(f"{ROWS} records", self.look("outbox", "verify"))

    def test_stored_records_are_listed_and_shown(self):
        run("sync", "--config", self.away(), "--wait", "1", "--log-level", "error")
        listed = self.look("outbox", "list", "rethinkdb/plant/readings").splitlines()
        self.assertEqual(len(listed), 301)
        self.assertTrue(listed[1].startswith("1  upsert  "), listed[1])
        self.assertEqual(len(self.look("outbox", "list", "--all").splitlines()), ROWS + 3)
        row = json.loads(self.look("outbox", "show", "rethinkdb/plant/readings:1"))
        self.assertIn(row["id"], listed[1])
        self.look("outbox", "show", "rethinkdb/plant/readings:301", code=2)
        self.look("outbox", "show", "rethinkdb/plant/readings", code=2)
        self.look("outbox", "list", "rethinkdb/plant/none", code=2)

    def test_a_forgotten_sink_holds_nothing(self):
        run("sync", "--config", self.away(), "--wait", "1", "--log-level", "error")
        self.look("sink", "forget", "other", code=2)
        self.assertIn("upstream is forgotten", self.look("sink", "forget", "upstream"))
        self.assertEqual(json.loads(self.look("status", "--json"))["sinks"], [])
        self.assertEqual(self.look("outbox", "list", "--all"), "")

    def test_resync_sends_a_stream_again(self):
        path = self.ours()
        self.sync(path)
        self.look("resync", "rethinkdb/plant/none", code=2)
        self.look("resync", "rethinkdb/plant/alarms", "--sink", "none", code=2)
        self.assertIn("read", self.look("resync", "rethinkdb/plant/alarms"))
        self.assertIn("the next one is a full one", self.look("status"))
        self.assertEqual(self.sync(path)["records_delivered"], TABLES["alarms"])
        self.look("resync", "rethinkdb/plant/alarms", "--sink", "files")
        self.assertEqual(self.sync(path)["records_delivered"], TABLES["alarms"])
        self.assertEqual(self.sync(path)["records_delivered"], 0)

    def test_looking_beside_a_sync_and_a_second_sync_is_refused(self):
        self.do("fault", kind="stall", bytes=20000)
        path = self.ours()
        child = subprocess.Popen([PROGRAM, "sync", "--config", str(path), "--log-level", "info"],
                                 stderr=subprocess.PIPE, text=True)
        try:
            line = child.stderr.readline()
            self.assertTrue(line)
            second = run("sync", "--config", path)
            self.refused(second, 5, f"process {child.pid}")
            self.assertIn(f"held by process {child.pid}", self.look("status"))
        finally:
            child.terminate()
            child.communicate(timeout=60)
            self.assertEqual(child.returncode, 3)


class Discover(Plant):
    def test_types_keys_and_modes(self):
        found = run("discover", "--rethinkdb", self.flat(), "--json")
        self.assertEqual(found.returncode, 0, found.stderr)
        streams = {stream["stream"]: stream for stream in json.loads(found.stdout)["streams"]}
        self.assertEqual(set(streams), {f"rethinkdb/plant/{name}" for name in TABLES})
        readings = streams["rethinkdb/plant/readings"]
        types = {column["name"]: column["type"] for column in readings["columns"]}
        self.assertEqual((readings["key"], readings["mode"], types["id"], types["updated_at"]),
                         ("id", "snapshot", "STRING", "UTC_DATETIME"))
        text = run("discover", "--rethinkdb", self.flat()).stdout
        self.assertIn("UTC_DATETIME  updated_at", text)

    def test_what_a_mode_misses_is_said(self):
        path = self.ours(mode="timestamp")
        streams = json.loads(run("discover", "--config", path, "--json").stdout)["streams"]
        self.assertTrue(any(stream["mode"] == "timestamp" and stream["misses"]
                            for stream in streams), streams)


class Check(Plant):
    def check(self, path, code, *sentences):
        done = run("check", "--config", path)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for sentence in sentences:
            self.assertIn(sentence, done.stdout)

    def test_everything_is_well(self):
        self.check(self.ours(), 0, "ok     configuration", "ok     clock", "ok     store",
                   "ok     rethinkdb: login", "ok     files")

    def test_each_fault_of_the_source_has_its_code(self):
        self.do("user", name="reader", password="right", read=["plant"])
        self.check(self.ours(username="nobody", password="x"), 17, "FAILED")
        self.check(self.ours(username="reader", password="wrong"), 18, "FAILED")
        self.check(self.ours(username="reader"), 19, "FAILED")
        self.check(self.ours(database="none"), 2, "FAILED")
        self.check(self.ours(use_ssl=True), 13, "FAILED")
        for kind, code in (("http", 15), ("cluster", 15), ("old", 16), ("signature", 18)):
            self.do("fault", kind=kind)
            self.check(self.ours(), code, "FAILED")
            self.do("clear")
        self.do("fault", kind="silence")
        self.check(self.ours(connect_seconds=1, answer_seconds=1), 11, "FAILED")
        self.check(self.ours(port=1), 10, "FAILED")

    @unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificates")
    def test_tls_is_checked_and_its_absence_told(self):
        for name in ("server", "other"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                            "-days", "2", "-subj", "/CN=plant",
                            "-addext", "subjectAltName=IP:127.0.0.1",
                            "-keyout", f"{name}.key", "-out", f"{name}.pem"],
                           cwd=self.folder, check=True, capture_output=True)
        pem = str(self.folder / "server.pem")
        tls = Server(world=self.server.world,
                     tls=tls_context(pem, str(self.folder / "server.key"), None)).start()
        self.addCleanup(tls.stop)
        self.check(self.ours(port=tls.port, use_ssl=True, ca_file=pem), 0, "rethinkdb: tls")
        self.check(self.ours(port=tls.port, use_ssl=True, ca_file=str(self.folder / "other.pem")),
                   12, "FAILED")
        self.check(self.ours(port=tls.port, connect_seconds=2), 14, "FAILED")

    def test_faults_of_the_sink_have_their_codes(self):
        sink = {"name": "upstream", "type": "https", "url": "http://127.0.0.1:1/in",
                "connect_seconds": 1, "answer_seconds": 1}
        self.check(self.ours(sink), 20, "FAILED upstream")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            sink["url"] = f"http://127.0.0.1:{silent.getsockname()[1]}/in"
            self.check(self.ours(sink), 21, "FAILED upstream")
        for status, code in (("401 Unauthorized", 23), ("404 Not Found", 24),
                             ("302 Found\r\nLocation: /x", 24), ("503 Busy", 25)):
            with answering(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n") as port:
                sink["url"] = f"http://127.0.0.1:{port}/in"
                self.check(self.ours(sink), code, "FAILED upstream")
        with answering("220 mail.example ESMTP\r\n") as port:
            sink["url"] = f"http://127.0.0.1:{port}/in"
            self.check(self.ours(sink), 29, "FAILED upstream")

    def test_a_store_that_cannot_be_made_is_told(self):
        self.write("store", "a file where the folder should be")
        self.check(self.ours(), 6, "FAILED store")


    def test_a_store_of_a_newer_format_is_refused_and_left_alone(self):
        path, store = self.ours(), self.folder / "store"
        self.sync(path)
        make_newer(store / "data.mdb")
        before = kept(store)
        for words in (("sync", "--config", path), ("status", "--store", store),
                      ("outbox", "verify", "--store", store)):
            self.refused(run(*words), 5, f"the store {store} has format 3, this tidegate knows "
                         "formats up to 2: install the newer tidegate again")
        self.assertEqual(before, kept(store))


def kept(store):
    """What the store's files hold, but for the list of those who look."""
    return {file.name: file.read_bytes() for file in store.iterdir() if file.name != "lock.mdb"}


def crc32c(content):
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def make_newer(path):
    """Gives each copy of the store's meta row (checksum, format, instance, machine) format 3."""
    pages, found = bytearray(path.read_bytes()), 0
    for name in re.finditer(rb"plant-7-[0-9a-f]{16}", pages):
        row = slice(name.start() - 6, name.end() + 17)
        stored = int.from_bytes(pages[row.start - 4:row.start], "little")
        if stored == crc32c(b"M" + pages[row]):
            pages[row.start] = 3
            pages[row.start - 4:row.start] = crc32c(b"M" + pages[row]).to_bytes(4, "little")
            found += 1
    assert found, "no meta row was found"
    path.write_bytes(pages)


class answering:
    """A port that answers every connection with the same text."""

    def __init__(self, text):
        self.text = text.encode()
        self.listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self.listener.getsockname()[1]

    def __exit__(self, *_):
        self.listener.close()

    def serve(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            with peer:
                peer.recv(65536)
                peer.sendall(self.text)


if __name__ == "__main__":
    skip_without_program()
    unittest.main()
