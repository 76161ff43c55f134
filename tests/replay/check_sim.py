#!/usr/bin/env python3
"""Holds the simulator's answers against a real server's: check_sim.py FILE...

The simulator is loaded with what the recordings beside each FILE reveal, the recorded client's
bytes are sent again, and every answer is compared as text. Normalised: the server's nonce (the
recorded one is put into the simulator, so that the recorded proofs and signatures must hold), the
salt shown for an unknown user, UUIDs in INFO and SERVER_INFO, the order of rows where none is
promised, and where one batch ends. Files with a changefeed are counted and named, not answered.
Exit status: 0 when nothing differs, 1 when something does, 2 when there was nothing to compare.
"""

import base64
import json
import pathlib
import re
import socket
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import recording  # noqa: E402
from rethinksim import client, scram, spelling, values  # noqa: E402
from rethinksim.server import Server  # noqa: E402
from rethinksim.tables import Index, World  # noqa: E402

# The recorded server's accounts: name -> password, rounds, scopes that may be read.
ACCOUNTS = {"admin": ("", 1, []), "nobody": ("nobody", 4096, []),
            "agent": ("correct horse, battery=staple", 4096, ["seed"])}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ANSWER_SECONDS = 10
UUID_TERMS = (recording.INFO,)

# Rows that the recorded queries must leave out: without them a filter that lets all pass would
# look right.
DECOYS = {
    ("seed", "PROJECTS"): [
        {"project_id": 1.0, "modified_at": values.make_time(1772964000.124, "+02:00")},
        {"project_id": 2.0}, {"project_id": 3.0, "modified_at": None},
        {"project_id": 4.0, "modified_at": 9e9}],
    ("seed", "USERS"): [
        {"user_id": "u019", "updated_at": "2026-03-01T00:19:59.999Z"}, {"user_id": "u000"},
        {"user_id": "u001", "updated_at": values.make_time(-5.0)}],
    ("seed", "ties"): [{"id": 9.0, "updated_at": "2026-03-01T00:00:00.000Z"}, {"id": 50.0},
                       {"id": 51.0, "updated_at": None}, {"id": 52.0, "updated_at": 5.0}],
}


def primary_key_of(facts, place):
    """From INFO where it was recorded; else `id`, or the one member that every row has alone."""
    if place in facts.infos:
        return facts.infos[place]["primary_key"]
    return "id"


def build_world(facts):
    """A simulated server that holds what the recordings show."""
    world = World(seed=1, clock=lambda: 1795262400.0)
    for database, tables in facts.databases.items():
        if database not in world.databases:
            world.create_database(database)
        world.database_ids.update({database: facts.database_ids[database]}
                                  if database in facts.database_ids else {})
        for name in sorted(tables):
            _build_table(world, facts, (database, name))
    if facts.server:
        world.identity, world.name = facts.server["id"], facts.server["name"]
    return world


def _build_table(world, facts, place):
    table = world.create_table(*place, primary_key_of(facts, place))
    info = facts.infos.get(place)
    if info:
        table.identity, table.estimate = info["id"], info["doc_count_estimates"][0]
    for status in facts.statuses.get(place, []):
        index = Index(status["index"], multi=status["multi"], geo=status["geo"])
        index.recorded_status = status
        table.indexes[index.name] = index
    for name in facts.orders.get(place, set()) - {table.primary_key}:
        table.indexes.setdefault(name, Index(name))
    rows = [spelling.decode(text.encode("utf-8", "surrogatepass"))
            for text in facts.rows.get(place, {})] + DECOYS.get(place, [])
    table.load((table.key_of(row), spelling.encode(row)) for row in rows)


def add_accounts(world, events):
    """The known users, with the salts that the recording shows."""
    for name, (password, rounds, scopes) in ACCOUNTS.items():
        world.users[name] = scram.User(name, password, rounds)
        world.users[name].grants = {scope: {"read"} for scope in scopes}
    name = None
    for event in events:
        if event["kind"] != "handshake":
            continue
        message = json.loads(event["data"]).get("authentication", "")
        if message.startswith("n,,n="):
            name = message[5:message.index(",r=")]
        elif message.startswith("r=") and name in world.users:
            world.users[name].salt = salt_of(message)


def salt_of(server_first):
    """The salt inside a server's first message."""
    return base64.b64decode(server_first.split(",s=")[1].split(",i=")[0])


def recorded_nonce(events):
    """What the server appended to the client's nonce."""
    texts = [json.loads(event["data"]).get("authentication", "") for event in events
             if event["kind"] == "handshake"]
    client = next(text.split(",r=")[1] for text in texts if text.startswith("n,"))
    server = next((text[2:].split(",")[0] for text in texts if text.startswith("r=")), client)
    return server[len(client):]


class Peer(client.Peer):
    """A plain socket to the simulator."""

    def __init__(self, port):
        super().__init__(socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS))

    def ask(self, token, data):
        self.sock.sendall(struct.pack("<qI", token, len(data)) + data)


class Checker:
    """Replays one file and collects the differences."""

    def __init__(self, path, facts):
        self.path, self.differences, self.compared = path, [], 0
        self.events = recording.load(path)
        self.world = build_world(facts)
        add_accounts(self.world, self.events)

    def differ(self, what, recorded, simulated):
        self.differences.append(f"{self.path.name}: {what}\n    recorded  {recorded!r}\n"
                                f"    simulated {simulated!r}")

    def same(self, what, recorded, simulated):
        self.compared += 1
        if recorded != simulated:
            self.differ(what, recorded, simulated)

    def run(self):
        for one in recording.connections(self.events):
            server = Server(self.world).start()
            server.nonce = lambda one=one: recorded_nonce(one)
            try:
                self._replay(Peer(server.port), one)
            except (EOFError, OSError) as error:
                self.differ("the conversation ended early", "an answer", str(error))
            finally:
                server.stop()

    def _replay(self, peer, events):
        with peer.sock:
            if not self._log_in(peer, events):
                self.same("end of a refused login", True, peer.ended())
                return
            for query in recording.queries(events):
                self._ask(peer, query)

    def _log_in(self, peer, events):
        """Sends magic and handshake as recorded; true when frames follow."""
        refused = False
        for event in events:
            if event["kind"] == "magic":
                peer.sock.sendall(struct.pack("<I", event["value"]))
            elif event["kind"] == "handshake" and event["from"] == "client":
                peer.sock.sendall(event["data"] + b"\0")
            elif event["kind"] == "handshake":
                self._compare_message(events, event["data"], peer.message())
                refused = b'"success":false' in event["data"]
        return not refused

    def _compare_message(self, events, recorded, simulated):
        unknown = any(b'"error_code":17' in event.get("data", b"") for event in events)
        if unknown:
            recorded, simulated = (re.sub(rb",s=[^,]*", b",s=SALT", text)
                                   for text in (recorded, simulated))
        self.same("handshake", recorded, simulated)

    def _ask(self, peer, query):
        """Sends one query, draws its cursor dry and compares all that came."""
        peer.ask(query.token, query.data)
        answers = [self._answer(peer, query)]
        while recording.split_answer(answers[-1])[0].startswith('{"t":3'):
            peer.ask(query.token, b"[2]")
            answers.append(self._answer(peer, query))
        self._compare(query, answers)

    def _answer(self, peer, query):
        token, body = peer.receive()
        self.same("token", query.token, token)
        return body

    def _compare(self, query, answers):
        name = query.data.decode()[:100]
        recorded, simulated = (recording.split_answer(frames[-1])
                               for frames in (query.frames, answers))
        self.same(f"frame of {name}", (recorded[0], recorded[2]), (simulated[0], simulated[2]))
        wanted, found = query.rows(), [row for frame in answers
                                       for row in recording.split_answer(frame)[1]]
        if not query.is_start or query.term[1][0] in UUID_TERMS:
            wanted, found = ([UUID.sub("UUID", row) for row in rows] for rows in (wanted, found))
        if query.last()["t"] >= 16 and len(query.frames) > 1:
            # An error in mid-cursor: rows before it may lie in one batch more or less.
            shared = min(len(wanted), len(found)) - 1
            wanted, found = wanted[:shared] + wanted[-1:], found[:shared] + found[-1:]
        elif not query.ordered():
            wanted, found = sorted(wanted), sorted(found)
        self.same(f"number of rows of {name}", len(wanted), len(found))
        for number, (left, right) in enumerate(zip(wanted, found)):
            self.same(f"row {number} of {name}", left, right)


def main(arguments):
    paths = [pathlib.Path(name) for name in arguments]
    paths = paths or sorted((HERE / "rethinkdb").glob("*.jsonl"))
    facts = recording.Facts()
    beside = {near for path in paths for near in path.resolve().parent.glob("*.jsonl")}
    for path in sorted(beside):
        facts.learn(recording.load(path))
    feeds = [path for path in paths if recording.has_changes(recording.load(path))]
    checked = [path for path in paths if path not in feeds]
    compared, differences = 0, []
    for path in checked:
        checker = Checker(path, facts)
        checker.run()
        compared += checker.compared
        differences += checker.differences
    for text in differences:
        print("DIFFERS " + text)
    for path in feeds:
        print(f"not answered yet (changefeed): {path.name}")
    print(f"{len(checked)} recordings, {compared} comparisons, {len(differences)} differences, "
          f"{len(feeds)} changefeed recordings not answered yet")
    if differences:
        return 1
    return 0 if compared else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
