#!/usr/bin/env python3
"""An HTTPS endpoint for tests: keeps each line once, drops keys it has seen, fails on request.

    receiver.py --folder DIR [--port 0] [--cert PEM --key PEM [--client-ca PEM]]
                [--fault NAME=VALUE ...]

prints `listening PORT` and serves until its standard input ends or it is terminated. From Python:

    with Receiver(folder) as receiver:
        receiver.set(status=500, times=3)
        ... receiver.url, receiver.lines(), receiver.stats()

What it keeps in DIR: `lines.ndjson`, each line of each batch it took, in order; `keys.ndjson`, a
line for each key with the SHA-256 of the body as it was sent and as it reads decompressed. Both
survive a restart.

Faults, set by `--fault`, by POST /__set with a JSON object, or by Receiver.set():

    status=N             answer N and keep nothing                  (counted by `times`)
    page=1               answer 200 with a web page                 (counted by `times`)
    close=before         close without an answer, keep nothing      (counted by `times`)
    close=after          keep, then close without an answer         (counted by `times`)
    close=early          reset after the first 1000 bytes           (counted by `times`)
    slow=S               wait S seconds before the answer           (counted by `times`)
    times=N              how often; -1: always (default)
    retry_after=TEXT     with a failing status; `date+N` becomes a date in N seconds
    bytes_max=N          413 for larger bodies
    poison=REGEX         422 when a line matches
    bad=REGEX            400 when a line matches
    refuse=REGEX         take the batch but name matching lines as refused
    bearer=TOKEN         401 without it
    location=URL         for 3xx
GET /__stats answers with counters.
"""
import argparse
import email.utils
import gzip
import hashlib
import http.server
import json
import os
import re
import socket
import ssl
import sys
import threading
import time

PAGE = b"<html><body>Please log in to use the network.</body></html>"


class Store:
    """What was taken, in memory and on disk."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.lock = threading.Lock()
        self.keys = {}
        self.lines_path = os.path.join(folder, "lines.ndjson")
        self.keys_path = os.path.join(folder, "keys.ndjson")
        if os.path.exists(self.keys_path):
            with open(self.keys_path, encoding="utf-8") as file:
                self.keys = {row["key"]: row for row in map(json.loads, file)}
        self.lines_file = open(self.lines_path, "ab")
        self.keys_file = open(self.keys_path, "a", encoding="utf-8")
        counted = ("requests", "taken", "repeats", "unequal", "unequal_raw", "lines", "refused",
                   "connections", "heads")
        self.stats = {"statuses": {}, **dict.fromkeys(counted, 0)}

    def take(self, key, raw, plain, lines):
        """True when the batch is new. A repeat must be the same bytes."""
        row = {"key": key, "raw": hashlib.sha256(raw).hexdigest(),
               "plain": hashlib.sha256(plain).hexdigest(), "lines": len(lines)}
        with self.lock:
            seen = self.keys.get(key)
            if seen is not None:
                self.stats["repeats"] += 1
                self.stats["unequal"] += seen["plain"] != row["plain"]
                self.stats["unequal_raw"] += seen["raw"] != row["raw"]
                return False
            self.lines_file.write(b"".join(line + b"\n" for line in lines))
            self.lines_file.flush()
            self.keys_file.write(json.dumps(row) + "\n")
            self.keys_file.flush()
            self.keys[key] = row
            self.stats["taken"] += 1
            self.stats["lines"] += len(lines)
            return True

    def compare(self, key, raw, plain, attempts):
        """Also refused attempts of one key must be equal to each other."""
        now = (hashlib.sha256(raw).hexdigest(), hashlib.sha256(plain).hexdigest())
        with self.lock:
            first = attempts.setdefault(key, now)
            self.stats["unequal_raw"] += first[0] != now[0]
            self.stats["unequal"] += first[1] != now[1]

    def close(self):
        self.lines_file.close()
        self.keys_file.close()


def split_lines(body, content_type):
    """The lines of a batch. An array's elements are cut out as they stand: no number is parsed."""
    if content_type.startswith("application/x-ndjson"):
        if not body.endswith(b"\n"):
            raise ValueError("the last line has no end")
        return body[:-1].split(b"\n")
    json.loads(body)
    if not (body.startswith(b"[") and body.endswith(b"]")):
        raise ValueError("not an array")
    decoder = json.JSONDecoder(parse_float=str, parse_int=str)
    text, at, lines = body.decode(), 1, []
    while at < len(text) - 1:
        _, end = decoder.raw_decode(text, at)
        lines.append(text[at:end].encode())
        at = end + 1
    return lines


def check_line(line):
    """A line is one object whose first member is the envelope."""
    if not line.startswith(b'{"_tidegate":{'):
        raise ValueError("a line does not begin with its envelope")
    return json.loads(line)["_tidegate"]["seq"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "receiver"

    def log_message(self, *args):
        pass

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.store.stats["connections"] += 1

    def answer(self, status, body=b"", content_type="application/json", headers=()):
        stats = self.server.store.stats["statuses"]
        stats[str(status)] = stats.get(str(status), 0) + 1
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def drop(self):
        """A reset, not an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def locked_out(self, fault):
        bearer = fault.get("bearer")
        return bearer and self.headers.get("Authorization") != "Bearer " + bearer

    def do_GET(self):
        if self.path == "/__stats":
            self.answer(200, json.dumps(self.server.store.stats).encode())
        else:
            self.answer(404)

    def do_HEAD(self):
        self.server.store.stats["heads"] += 1
        faults = self.server.faults
        if self.locked_out(faults):
            self.answer(401)
        else:
            self.answer(faults.get("head_status", 405))

    def do_OPTIONS(self):
        self.answer(204, headers=[("Allow", "POST, OPTIONS")])

    def do_POST(self):
        length = self.headers.get("Content-Length")
        if length is None:
            return self.answer(411)
        if self.path == "/__set":
            self.server.set(**json.loads(self.rfile.read(int(length))))
            return self.answer(204)
        self.server.store.stats["requests"] += 1
        if self.path != "/ingest":
            self.rfile.read(int(length))
            return self.answer(404)
        return self.batch(int(length))

    def batch(self, length):
        fault = self.server.next_fault()
        if fault.get("close") == "early":
            self.rfile.read(min(length, 1000))
            return self.drop()
        if fault.get("bytes_max") is not None and length > fault["bytes_max"]:
            self.close_connection = True  # the body is not even read
            return self.answer(413, headers=[("Connection", "close")])
        raw = self.rfile.read(length)
        if len(raw) != length:
            self.close_connection = True
            return None
        return self.judge(raw, fault)

    def judge(self, raw, fault):
        plain = gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw
        key = self.headers.get("Idempotency-Key", "")
        self.server.store.compare(key, raw, plain, self.server.attempts)
        if fault.get("slow"):
            time.sleep(fault["slow"])
        if fault.get("close") == "before":
            return self.drop()
        if fault.get("status"):
            return self.fail(fault)
        if fault.get("page"):
            return self.answer(200, PAGE, "text/html; charset=utf-8")
        if self.locked_out(fault):
            return self.answer(401)
        return self.keep(raw, plain, key, fault)

    def fail(self, fault):
        headers = []
        after = str(fault.get("retry_after", ""))
        if after.startswith("date+"):
            after = email.utils.formatdate(time.time() + float(after[5:]), usegmt=True)
        if after:
            headers.append(("Retry-After", after))
        if fault.get("location"):
            headers.append(("Location", fault["location"]))
        self.answer(fault["status"], PAGE, "text/html", headers)

    def keep(self, raw, plain, key, fault):
        if not re.fullmatch(r'"[ -!#-\[\]-~]+"', key):
            return self.answer(400, b'{"error":"no Idempotency-Key"}')
        try:
            lines = split_lines(plain, self.headers.get("Content-Type", ""))
            seqs = [check_line(line) for line in lines]
        except (ValueError, KeyError) as error:
            return self.answer(400, json.dumps({"error": str(error)}).encode())
        for name, status in (("poison", 422), ("bad", 400)):
            if fault.get(name) and any(re.search(fault[name].encode(), line) for line in lines):
                return self.answer(status, b"{}")
        refused = []
        if fault.get("refuse"):
            pairs = list(zip(seqs, lines))
            refused = [seq for seq, line in pairs if re.search(fault["refuse"].encode(), line)]
            lines = [line for seq, line in pairs if seq not in refused]
        if self.server.store.take(key, raw, plain, lines):
            self.server.store.stats["refused"] += len(refused)
        if fault.get("close") == "after":
            return self.drop()
        return self.answer(200, json.dumps({"refused": refused}).encode())


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    tls = None

    def __init__(self, address, store):
        super().__init__(address, Handler)
        self.store = store
        self.faults = {"times": -1}
        self.attempts = {}
        self.lock = threading.Lock()

    def set(self, **faults):
        """Replaces all faults; set() heals."""
        with self.lock:
            self.faults = {"times": -1, **faults}

    def next_fault(self):
        """Faults of one request; what is counted is used up."""
        counted = ("status", "page", "close", "slow")
        with self.lock:
            fault = dict(self.faults)
            if not any(name in fault for name in counted):
                return fault
            if self.faults["times"] == 0:
                return {name: value for name, value in fault.items() if name not in counted}
            self.faults["times"] -= 1
            return fault

    def finish_request(self, request, client_address):
        """The handshake belongs to the connection's own thread: a peer that stalls stops nobody."""
        if self.tls is not None:
            try:
                request.settimeout(30)
                request = self.tls.wrap_socket(request, server_side=True)
                request.settimeout(None)
            except (ssl.SSLError, OSError):
                request.close()
                return
        try:
            super().finish_request(request, client_address)
        except (ssl.SSLError, OSError):
            pass
        finally:
            if self.tls is not None:
                try:
                    request.unwrap()
                except (ssl.SSLError, OSError, ValueError):
                    pass
                request.close()

    def handle_error(self, request, client_address):
        pass


class Receiver:
    """The server in a thread of this process."""

    def __init__(self, folder, port=0, cert=None, key=None, client_ca=None):
        self.folder = folder
        self.store = Store(folder)
        self.server = Server(("127.0.0.1", port), self.store)
        self.port = self.server.server_address[1]
        self.scheme = "https" if cert else "http"
        if cert:
            self.server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.server.tls.load_cert_chain(cert, key)
            if client_ca:
                self.server.tls.verify_mode = ssl.CERT_REQUIRED
                self.server.tls.load_verify_locations(client_ca)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}/ingest"

    def set(self, **faults):
        self.server.set(**faults)

    def stats(self):
        return json.loads(json.dumps(self.store.stats))

    def lines(self):
        with open(self.store.lines_path, "rb") as file:
            return file.read().splitlines()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
        self.store.close()


def fault_of(text):
    name, _, value = text.partition("=")
    for read in (int, float):
        try:
            return name, read(value)
        except ValueError:
            continue
    return name, value


def main():
    parser = argparse.ArgumentParser(description="An HTTPS endpoint for tests.")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--client-ca")
    parser.add_argument("--fault", action="append", default=[])
    args = parser.parse_args()
    with Receiver(args.folder, args.port, args.cert, args.key, args.client_ca) as receiver:
        receiver.set(**dict(map(fault_of, args.fault)))
        print("listening", receiver.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
