"""An HTTP relay that keeps what passes: each request's line, and the bodies of bulk_docs.

    with Recorder(server_port) as relay: sync(port=relay.port); relay.requests, relay.bodies
"""

import http.client
import http.server
import re
import threading

CONDITION = re.compile(rb'"ChangeVector":"[^"]*"')


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def relay(self):
        body = self.read_body()
        path = self.path
        self.server.requests.append(f"{self.command} {path}")
        if "/bulk_docs" in path:
            self.server.bodies.append(body)
        headers = {name: value for name, value in self.headers.items()
                   if name.lower() not in ("transfer-encoding", "content-length", "expect")}
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.target)
        upstream.request(self.command, path, body or None, headers)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length"):
                self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = relay


class Recorder:
    """Listens on `port` of 127.0.0.1 until the block ends."""

    def __init__(self, target):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.target = target
        self.server.requests, self.server.bodies = [], []
        self.port = self.server.server_port

    @property
    def requests(self):
        return self.server.requests

    def save(self, path):
        """Writes the bodies, each behind its length in 8 bytes, and returns how many there are.

        The marker's change vector, which holds for one database's history only, is left out."""
        with open(path, "wb") as out:
            for body in self.server.bodies:
                body = CONDITION.sub(b'"ChangeVector":null', body)
                out.write(len(body).to_bytes(8, "little") + body)
        return len(self.server.bodies)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
