"""One connection: the V1_0 login, then frames of queries and answers (reference 1 and 2)."""

import struct

from . import scram, spelling
from .errors import Hangup, Reql, denied, CLIENT, COMPILE, INTERNAL, LOGIC, RUNTIME
from .faults import GREETINGS, OLD_TEXT
from .query import Database, Evaluator, Function, Single, kind_of
from .streams import Stream
from .values import Edge, type_name
from . import admin, maths, reads, writes  # noqa: F401  (they register their terms)

MAGIC = 0x34C2BDC3
MAGIC_PROTOBUF = (0x3F61BA36, 0x723081E1)
HANDSHAKE_BYTES_MAX = 2048
QUERY_BYTES_MAX = 134217727
VERSION = "2.4.4-fallback"
START, CONTINUE, STOP, NOREPLY_WAIT, SERVER_INFO = 1, 2, 3, 4, 5
PROTOBUF_TEXT = b"ERROR: The PROTOBUF client protocol is no longer supported\n\0"


class Connection:
    """Runs one client from its magic number to its end."""

    def __init__(self, server, channel):
        self.server, self.world, self.channel = server, server.world, channel
        self.user = None
        self.cursors = {}  # token -> (stream, batch)

    def run(self):
        """Serves until the end; true when it may be said politely."""
        try:
            if self._magic() and self._login():
                while True:
                    self._serve_one()
        except Hangup as end:
            return not end.rude
        except OSError:
            return False
        finally:
            for token in list(self.cursors):
                self._forget(token)
        return True

    def _magic(self):
        """True when the client speaks V1_0; anything else gets the text a real server sends."""
        for kind, text in GREETINGS.items():
            if self.channel.has(kind):
                self.channel.read(4)
                self.channel.send(text)
                return False
        number = struct.unpack("<I", self.channel.read(4))[0]
        if number == MAGIC:
            return True
        self.channel.send(PROTOBUF_TEXT if number in MAGIC_PROTOBUF else OLD_TEXT)
        return False

    def _say(self, members):
        self.channel.send(spelling.encode(members) + b"\0")

    def _login(self):
        """The two rounds of SCRAM; false when the peer was refused."""
        self._say({"max_protocol_version": 0.0, "min_protocol_version": 0.0, "success": True,
                   "server_version": VERSION})
        exchange = scram.Exchange(self.world.users, self.server.nonce())
        try:
            first = exchange.first(self._hear(self._check_first))
            self._say({"authentication": first, "success": True})
            final = exchange.final(self._hear(self._check_text))
        except scram.AuthError as error:
            self._say({"error": error.text, "error_code": float(error.number), "success": False})
            return False
        if self.channel.has("signature"):
            final = "v=" + ("B" if final[2] == "A" else "A") + final[3:]
        self._say({"authentication": final, "success": True})
        self.user = exchange.user
        return True

    def _hear(self, check):
        """One message of the client, checked; the text of its `authentication`."""
        data = self.channel.read_to_nul(HANDSHAKE_BYTES_MAX)
        if data is None or len(data) >= HANDSHAKE_BYTES_MAX - 1:
            raise scram.AuthError(7, "Limited read buffer size.")
        try:
            message = spelling.decode(data)
        except spelling.BadJson as error:
            raise scram.AuthError(8, "Invalid JSON object.") from error
        if type(message) is not dict:
            raise Hangup
        check(message)
        return message["authentication"]

    @staticmethod
    def _check_first(message):
        if type(message.get("protocol_version")) is not float:
            raise scram.AuthError(1, "Expected a number for `protocol_version`.")
        if message["protocol_version"] != 0:
            raise scram.AuthError(2, "Unsupported `protocol_version`.")
        if type(message.get("authentication_method")) is not str:
            raise scram.AuthError(3, "Expected a string for `authentication_method`.")
        if message["authentication_method"] != "SCRAM-SHA-256":
            raise scram.AuthError(4, "Unsupported `authentication_method`.")
        Connection._check_text(message)

    @staticmethod
    def _check_text(message):
        if type(message.get("authentication")) is not str:
            raise scram.AuthError(5, "Expected a string for `authentication`.")

    def _serve_one(self):
        """Reads one query frame and answers it."""
        token, length = struct.unpack("<qI", self.channel.read(12))
        if length > QUERY_BYTES_MAX:
            text = f"Query size ({length}) greater than maximum ({QUERY_BYTES_MAX})."
            self.channel.send_answer(token, failure(Reql(LOGIC, text, CLIENT)))
            raise Hangup
        data = self.channel.read(length)
        self.server.counters["queries"] += 1
        if self.server.query_log is not None:
            self.server.query_log.append(data.decode("utf-8", "replace"))
        try:
            with self.world.lock:
                body = self._answer(token, data)
        except Reql as error:
            if error.kind == RUNTIME:
                self._forget(token)
            body = failure(error)
        except Exception as error:  # the simulator's own fault: said, so that a test sees it
            self._forget(token)
            body = failure(Reql(INTERNAL, f"rethinksim broke: {error!r}"))
        if body is not None:
            self.server.counters["answers"] += 1
            self.channel.send_answer(token, body)

    def _answer(self, token, data):
        """The body of the answer to one query; None for a noreply one."""
        query = self._parse(data)
        kind = int(query[0])
        if kind == START:
            return self._start(token, query)
        if kind == CONTINUE:
            return self._continue(token)
        if kind == STOP:
            self.server.counters["stops"] += 1
            self._need_cursor(token)
            self._forget(token)
            return b'{"t":2,"r":[],"n":[]}'
        if kind == NOREPLY_WAIT:
            self._need_free(token)
            return b'{"t":4,"r":[]}'
        shown = {"id": self.world.identity, "name": self.world.name, "proxy": False}
        return b'{"t":5,"r":[' + spelling.encode(shown) + b"]}"

    @staticmethod
    def _parse(data):
        try:
            query = spelling.decode(data)
        except spelling.TwiceNamed as error:
            raise Reql(LOGIC, str(error), COMPILE) from error
        except spelling.BadJson as error:
            raise Reql(LOGIC, "Client is buggy (failed to deserialize query).", CLIENT) from error
        wrong = None
        if type(query) is not list:
            wrong = f"Expected a query to be an array, but found {type_name(query)}."
        elif not 1 <= len(query) <= 3:
            wrong = (f"Expected 1 to 3 elements in the top-level query, but found {len(query)}.")
        elif query[0] not in (1, 2, 3, 4, 5):
            wrong = f"Unrecognized QueryType: {int(query[0])}."
        elif query[0] == START and len(query) < 2:
            wrong = "Expected a term in the START query."
        if wrong:
            raise Reql(LOGIC, f"Server could not parse query: {wrong}", CLIENT)
        return query

    def _need_cursor(self, token):
        if token not in self.cursors:
            raise Reql(LOGIC, f"Token {token} not in stream cache.", CLIENT)

    def _check_read(self, table):
        """Permissions are checked for every batch."""
        may = self.user.may("read", table.database, table.name)
        if table.alive and (not may or "read" in table.denied):
            raise denied(self.user.name, "read")

    def _need_free(self, token):
        if token in self.cursors:
            raise Reql(LOGIC, f"ERROR: duplicate token {token}", CLIENT)

    def _forget(self, token):
        if self.cursors.pop(token, None) is not None:
            self.server.counters["cursors"] -= 1

    def _start(self, token, query):
        self._need_free(token)
        optargs = query[2] if len(query) > 2 else {}
        if type(optargs) is not dict:
            raise Reql(LOGIC, "Expected global optional arguments as an OBJECT.", COMPILE)
        if optargs.get("noreply") is not True:
            return self._evaluate(token, query[1], optargs)
        try:
            self._evaluate(token, query[1], optargs)
        except Reql:
            pass
        self._forget(token)
        return None

    def _evaluate(self, token, node, optargs):
        """Runs the term of a START and gives its first answer."""
        evaluator = Evaluator(self.world, self.user, optargs)
        found = evaluator.eval(node, {}, ())
        if isinstance(found, Stream):
            return self._first(token, found, evaluator)
        return atom(found, evaluator)

    def _first(self, token, stream, evaluator):
        if stream.table is not None:
            evaluator.need_read(stream.table)
        if stream.is_array:
            return b'{"t":1,"r":[[' + b",".join(item.text for item in stream.items()) + b"]]}"
        self.cursors[token] = (stream, evaluator.batch())
        self.server.counters["cursors"] += 1
        return self._continue(token)

    def _continue(self, token):
        """The next batch of a cursor, and its end when nothing is left."""
        self._need_cursor(token)
        stream, batch = self.cursors[token]
        if stream.table is not None and not batch.first:
            self._check_read(stream.table)
        rows = stream.pull(batch)
        self.server.counters["rows"] += len(rows)
        batch.first = False
        kind = b'{"t":3,"r":['
        if stream.done:
            self._forget(token)
            kind = b'{"t":2,"r":['
        return kind + b",".join([row.text for row in rows]) + b'],"n":[]}'


def _unedged(found):
    """MINVAL and MAXVAL are no values that an answer could hold."""
    if type(found) is Edge:
        raise Reql(LOGIC, f"Cannot convert `r.{found.name.lower()}` to JSON.").at(())
    return found


def atom(found, evaluator):
    """The answer whose result is one value."""
    if isinstance(found, Single):
        evaluator.need_read(found.table)
        row = found.row
        return b'{"t":1,"r":[' + (row.text if row else b"null") + b"]}"
    if isinstance(found, (Database, Function)):
        kind = "DATABASE" if isinstance(found, Database) else kind_of(found)
        raise Reql(LOGIC, "Query result must be of type DATUM, GROUPED_DATA, or STREAM "
                          f"(got {kind}).").at(())
    return b'{"t":1,"r":[' + spelling.encode(_unedged(found)) + b"]}"


def failure(error):
    """The body of an error answer."""
    place = [float(part) if type(part) is int else part for part in error.path or ()]
    code = f'"e":{error.code},' if error.kind not in (CLIENT, COMPILE) else ""
    text = spelling.spell_string(error.text)
    return (f'{{"t":{error.kind},{code}"r":[{text}],"b":{spelling.spell(place)}}}').encode(
        "utf-8", "surrogatepass")
