"""A relay between a RavenDB sink and a real server, which keeps what the server applied and fails
as it is told: an auditor that no lost answer can deceive.

    with Relay(server.port) as relay:
        relay.chances = {"before": 0.1, "after": 0.1, "cut": 0.1}    of each batch
        ... tidegate writes to relay.url ...
        relay.lines()        what was applied, as the auditor's lines, in order

before: the connection ends, and the server never saw the batch. after: it applied the batch, and
the connection ends without an answer. cut: in the middle of the answer. late: the batch is applied
after the connection has ended, as by a server that was slow.
"""

import http.client
import http.server
import json
import random
import socket
import sys
import threading
import time

DECODER = json.JSONDecoder()
COMMAND = '{"Type":"'
LATE_SECONDS = 0.3
LATE_SECONDS_MAX = 60


def commands_of(body):
    """(type, id, document's text or None) of each command; the text stays as it was written."""
    text, at = body.decode("utf-8"), len('{"Commands":[')
    while text[at] != "]":
        if text[at] == ",":
            at += 1
        command, end = DECODER.raw_decode(text, at)
        document = None
        if command["Type"] == "PUT":
            start = text.index('"Document":', at) + len('"Document":')
            document = text[start:DECODER.raw_decode(text, start)[1]]
        yield command, document
        at = end


def line_of(command, document, seq, marker):
    """The line that a file sink would have written for this command."""
    if command["Type"] == "PUT":
        metadata = command["Document"]["@metadata"]
        if metadata["Tidegate-Seq"] != seq:
            raise AssertionError(f"sequence {metadata['Tidegate-Seq']} stands where {seq} should")
        members = "," + document[1:document.rindex(',"@metadata":{"@collection":')] + "}"
        key = command["Document"]["id"]
        op, stamp = "upsert", metadata["Source-Modified"]
    else:
        key, op, members, stamp = command["Id"].split("/", 1)[1], "delete", "}", ""
        key = int(key) if key.lstrip("-").isdigit() else key
    envelope = {"instance": marker["instance"], "stream": marker["stream"], "op": op, "seq": seq,
                "key": key, "time": stamp}
    return '{"_tidegate":' + json.dumps(envelope, separators=(",", ":")) + members


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while True:
            line = self.rfile.readline()
            if not line:
                raise ConnectionError("the request broke off")
            part = self.rfile.read(int(line, 16) + 2)
            if len(part) == 2:
                return b"".join(parts)
            parts.append(part[:-2])

    def drop(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def do_GET(self):
        self.answer(*self.server.relay.ask("GET", self.path, None))

    def do_POST(self):
        relay = self.server.relay
        try:
            body = self.body()
        except (ConnectionError, ValueError):
            self.close_connection = True
            return
        what = relay.draw()
        if what == "before":
            self.drop()
            return
        if what == "late":
            self.apply_late(relay, body)
            return
        status, answer = relay.ask("POST", self.path, body)
        if what == "after":
            self.drop()
            return
        self.answer(status, answer, cut=what == "cut")

    def apply_late(self, relay, body):
        relay.belated(1)
        try:
            self.drop()
            time.sleep(LATE_SECONDS)
            relay.ask("POST", self.path, body)
        finally:
            relay.belated(-1)

    def answer(self, status, body, cut=False):
        try:
            self.send_response_only(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:len(body) // 2] if cut else body)
            self.wfile.flush()
            if cut:
                self.drop()
        except OSError:
            self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that went away is what these tests are about."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Relay:
    def __init__(self, port, seed=1):
        self.port, self.chances, self.random = port, {}, random.Random(seed)
        self.lock, self.applied, self.faults = threading.Lock(), [], {}
        self.late, self.late_changed = 0, threading.Condition()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.relay = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def draw(self):
        with self.lock:
            at = self.random.random()
            for what, chance in self.chances.items():
                if at < chance:
                    self.faults[what] = self.faults.get(what, 0) + 1
                    return what
                at -= chance
        return ""

    def belated(self, more):
        with self.late_changed:
            self.late += more
            self.late_changed.notify_all()

    def await_late(self):
        """Returns once no batch is left that is applied behind its connection's end."""
        with self.late_changed:
            if not self.late_changed.wait_for(lambda: self.late == 0, LATE_SECONDS_MAX):
                raise AssertionError(f"{self.late} belated batches do not end")

    def ask(self, method, path, body):
        """(status, body) of the real server. Batches go one at a time, so that the order in which
        they were applied is known."""
        with self.lock:
            server = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                server.request(method, path, body, {"Content-Type": "application/json"})
                answer = server.getresponse()
                status, text = answer.status, answer.read()
            except OSError as error:
                print(f"relay: {error}", file=sys.stderr)
                return 503, b""
            finally:
                server.close()
            if method == "POST" and status == 201:
                self.applied.append(body)
            return status, text

    def lines(self):
        """All that was applied, as lines; a batch must hold exactly what its marker says."""
        with self.lock:
            bodies = list(self.applied)
        for body in bodies:
            found = list(commands_of(body))
            if not found:
                continue
            marker = found[0][0]["Document"]
            records = [one for one in found[1:] if one[0]["Type"] in ("PUT", "DELETE", "PATCH")]
            if len(records) != marker["last"] - marker["first"] + 1:
                raise AssertionError(f"{len(records)} commands in {marker}")
            for seq, (command, document) in enumerate(records, marker["first"]):
                yield line_of(command, document, seq, marker)
