"""A tiny ReQL client for tests: standard library only, numbers kept as their characters.

    with reql.Connection("127.0.0.1", 28015) as server:
        server.run([59, []])                                 a term as JSON (reference section 3)
        for row in server.rows("plant", "readings"): ...     whole rows, pseudo-types raw

Blocking, one query at a time. Errors raise `Failed` with the server's own text.
"""

import base64
import hashlib
import hmac
import json
import os
import socket
import struct

MAGIC = b"\xc3\xbd\xc2\x34"
ATOM, SEQUENCE, PARTIAL = 1, 2, 3
RAW = {"time_format": "raw", "binary_format": "raw"}
SECONDS_MAX = 60
INSERT_ROWS = 1000


def number(text):
    return ("#", text)


class Failed(Exception):
    """The server said no, or hung up."""


def database_term(database):
    return [14, [database]]


def table_term(database, table):
    return [15, [database_term(database), table]]


class Connection:
    """One logged-in connection."""

    def __init__(self, host, port, user="admin", password=""):
        self._sock = socket.create_connection((host, port), SECONDS_MAX)
        self._lines = self._sock.makefile("rb")
        self._token = 0
        self._log_in(user, password)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._lines.close()
        self._sock.close()

    # --- login (reference 1.2, 1.3) ---

    def _message(self):
        text = b""
        while not text.endswith(b"\0"):
            byte = self._lines.read(1)
            if not byte:
                raise Failed(f"the server hung up during the login: {text[:200]!r}")
            text += byte
        found = json.loads(text[:-1])
        if not found.get("success"):
            raise Failed(found.get("error", "login failed"))
        return found

    def _say(self, message):
        self._sock.sendall(json.dumps(message).encode() + b"\0")

    def _log_in(self, user, password):
        nonce = base64.b64encode(os.urandom(18)).decode()
        name = user.replace("=", "=3D").replace(",", "=2C")
        first = f"n={name},r={nonce}"
        self._sock.sendall(MAGIC)
        self._message()
        self._say({"protocol_version": 0, "authentication_method": "SCRAM-SHA-256",
                   "authentication": "n,," + first})
        challenge = self._message()["authentication"]
        parts = dict(part.split("=", 1) for part in challenge.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(parts["s"]),
                                     int(parts["i"]))
        last = f"c=biws,r={parts['r']}"
        signed = ",".join((first, challenge, last)).encode()

        def mac(key, text):
            return hmac.new(key, text, "sha256").digest()
        client = mac(salted, b"Client Key")
        proof = bytes(a ^ b for a, b in
                      zip(client, mac(hashlib.sha256(client).digest(), signed)))
        self._say({"authentication": f"{last},p={base64.b64encode(proof).decode()}"})
        wanted = base64.b64encode(mac(mac(salted, b"Server Key"), signed)).decode()
        if self._message()["authentication"] != "v=" + wanted:
            raise Failed("the server's signature is wrong")

    # --- queries (reference 2) ---

    def _ask(self, query):
        """Sends a query: JSON, or its bytes as they are."""
        body = query if isinstance(query, bytes) else json.dumps(query).encode()
        self._sock.sendall(struct.pack("<qI", self._token, len(body)) + body)

    def _answer(self):
        head = self._lines.read(12)
        if len(head) < 12:
            raise Failed("the server hung up")
        length = struct.unpack("<qI", head)[1]
        body = self._lines.read(length)
        if len(body) < length:
            raise Failed("the server hung up")
        found = json.loads(body.decode("utf-8", "surrogatepass"), parse_int=number,
                           parse_float=number)
        kind = int(found["t"][1])
        if kind not in (ATOM, SEQUENCE, PARTIAL):
            raise Failed(found["r"][0])
        return kind, found["r"]

    def stream(self, term, **options):
        """Yields the results of a term (JSON or its bytes), one after another."""
        self._token += 1
        text = term if isinstance(term, bytes) else json.dumps(term).encode()
        self._ask(b"[1,%b,%b]" % (text, json.dumps({**RAW, **options}).encode()))
        kind, results = self._answer()
        while True:
            yield from results
            if kind != PARTIAL:
                return
            self._ask([2])
            kind, results = self._answer()

    def run(self, term, **options):
        """The one result of a term; a list when it is a sequence."""
        found = list(self.stream(term, **options))
        return found[0] if len(found) == 1 else found

    # --- what the auditor reads ---

    def tables(self, database):
        return self.run([62, [database_term(database)]])

    def primary_key(self, database, table):
        return self.run([79, [table_term(database, table)]])["primary_key"]

    def rows(self, database, table):
        return self.stream(table_term(database, table))

    def insert(self, database, table, texts, conflict="replace"):
        """Inserts rows given as JSON bytes, 1,000 at a time; all must be taken."""
        texts, place = list(texts), json.dumps(table_term(database, table)).encode()
        options = json.dumps({"durability": "soft", "conflict": conflict}).encode()
        for at in range(0, len(texts), INSERT_ROWS):
            part = b",".join(b"[1,%b]" % text for text in texts[at:at + INSERT_ROWS])
            found = self.run(b"[56,[%b,[2,[%b]]],%b]" % (place, part, options))
            if found["errors"] != number("0"):
                raise Failed(found["first_error"])
