"""Stands between a RavenDB sink and its server and sees every batch that was really written.

A sink that is killed, or whose answer is lost, cannot be asked what it did; the server keeps only
the last state. The witness passes each request on whole, waits for the server's answer whatever
becomes of the client, and notes what the marker in each written batch says.

    with Witness(server.port) as witness:
        witness.lose(3)                 the next three answers to a written batch never arrive
        ... ravendb_urls: witness.url ...
        witness.judge()                 raises unless each sequence was written exactly once
"""

import http.client
import http.server
import json
import socket
import threading

ANSWER_SECONDS_MAX = 120


class Doubled(AssertionError):
    """Something was written twice, or left out."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def body(self):
        """The request's whole body, None when it has none."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def pass_on(self):
        body, witness = self.body(), self.server.witness
        headers = {name: value for name, value in self.headers.items()
                   if name.lower() not in ("transfer-encoding", "content-length")}
        upstream = http.client.HTTPConnection("127.0.0.1", witness.target,
                                              timeout=ANSWER_SECONDS_MAX)
        try:
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        written = self.path.endswith("/bulk_docs") and answer.status == 201
        if written and witness.note(body):
            self.close_connection = True
            return
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = pass_on


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that is killed is why this is here."""


class Witness:
    """`batches` holds (stream, instance, first, last) of each batch, in the order of writing."""

    def __init__(self, target):
        self.target, self.batches, self.losing = target, [], 0
        self.lock = threading.Lock()
        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.server.witness = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def lose(self, count):
        self.losing = count

    def note(self, body):
        """Keeps what the batch's marker says; true when the answer is to be lost."""
        documents = [one["Document"] for one in json.loads(body)["Commands"]
                     if one["Type"] == "PUT"]
        markers = [one for one in documents
                   if one.get("@metadata", {}).get("@collection") == "Tidegate"]
        with self.lock:
            for one in markers:
                self.batches.append((one["stream"], one["instance"], one["first"], one["last"]))
            self.losing -= 1
            return self.losing >= 0

    def judge(self):
        """{(stream, instance): last sequence}; Doubled when one was written twice or skipped."""
        last = {}
        for number, (stream, instance, first, end) in enumerate(self.batches):
            before = last.get((stream, instance), 0)
            if first != before + 1 or end < first:
                raise Doubled(f"batch {number} of {stream} is {first}-{end} behind {before}")
            last[stream, instance] = end
        return last
