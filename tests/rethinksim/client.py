"""A small driver for tests: logs in, asks, follows cursors. Answers stay text unless parsed."""

import base64
import hashlib
import json
import os
import socket
import ssl
import struct

from . import scram

MAGIC = b"\xc3\xbd\xc2\x34"


def query_bytes(query):
    """A query as JSON bytes; a lone surrogate goes as three bytes, since its escape is refused."""
    return json.dumps(query, ensure_ascii=False).encode("utf-8", "surrogatepass")


class Refused(Exception):
    """The server's refusal of a login: its whole message."""


class Peer:
    """What comes over a connection: messages of the handshake, then frames."""

    def __init__(self, sock):
        self.sock, self._in = sock, b""

    def _fill(self):
        data = self.sock.recv(1 << 20)
        if not data:
            raise EOFError("the server closed the connection")
        self._in += data

    def message(self):
        """One message of the handshake, without its NUL."""
        while b"\0" not in self._in:
            self._fill()
        found, self._in = self._in.split(b"\0", 1)
        return found

    def receive(self):
        """The next answer: token and body."""
        while len(self._in) < 12:
            self._fill()
        token, length = struct.unpack("<qI", self._in[:12])
        while len(self._in) < 12 + length:
            self._fill()
        body, self._in = self._in[12:12 + length], self._in[12 + length:]
        return token, body

    def ended(self):
        """Whether the other side is done sending."""
        return self._in == b"" and self.sock.recv(1) == b""


class Client(Peer):
    """One connection. `context` makes it TLS, `name` is the host name that TLS checks."""

    def __init__(self, port, user="admin", password="", host="127.0.0.1", context=None, seconds=20):
        super().__init__(socket.create_connection((host, port), timeout=seconds))
        if context:
            self.sock = context.wrap_socket(self.sock, server_hostname=host)
        self._token = 0
        try:
            self._log_in(user, password)
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def _hear(self):
        message = json.loads(self.message())
        if not message["success"]:
            raise Refused(message)
        return message

    def _say(self, message):
        self.sock.sendall(json.dumps(message).encode() + b"\0")

    def _log_in(self, user, password):
        nonce = base64.b64encode(os.urandom(18)).decode()
        name = user.replace("=", "=3D").replace(",", "=2C")
        self.sock.sendall(MAGIC)
        self._say({"protocol_version": 0, "authentication_method": "SCRAM-SHA-256",
                   "authentication": f"n,,n={name},r={nonce}"})
        self._hear()
        first = self._hear()["authentication"]
        parts = dict(part.split("=", 1) for part in first.split(","))
        account = (password, base64.b64decode(parts["s"]), int(parts["i"]))
        final = f"c=biws,r={parts['r']}"
        whole = f"n={name},r={nonce},{first},{final}"
        self._say({"authentication": f"{final},p={scram.proof(*account, whole)}"})
        if self._hear()["authentication"] != "v=" + scram.signature(*account, whole):
            raise Refused("the server's signature is wrong")

    def send(self, query, token=None):
        """Sends one query, bytes or JSON; returns its token."""
        if token is None:
            self._token += 1
            token = self._token
        data = query if type(query) is bytes else query_bytes(query)
        self.sock.sendall(struct.pack("<qI", token, len(data)) + data)
        return token

    def ask(self, query):
        """Sends one query and gives the body of its answer."""
        self.send(query)
        return self.receive()[1]

    def answers(self, term, optargs=None):
        """Every answer of one START, parsed; CONTINUE is sent as long as it takes."""
        token = self.send([1, term] + ([optargs] if optargs else []))
        while True:
            answer = json.loads(self.receive()[1])
            yield answer
            if answer["t"] != 3:
                return
            self.send([2], token)

    def rows(self, term, optargs=None):
        """All rows of a query; an error answer is raised."""
        found = []
        for answer in self.answers(term, optargs):
            if answer["t"] >= 16:
                raise Refused(answer)
            found += answer["r"]
        return found


def client_context(authority, certificate=None, key=None):
    """A TLS context that trusts one authority."""
    context = ssl.create_default_context(cafile=authority)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def row_hash(data):
    """The server's r.uuid(row.toJsonString()) over a row's bytes, as hexadecimal digits."""
    space = bytes.fromhex("91461c99f89d49d2af96d8e2e14e9b58")
    return hashlib.sha1(space + data).hexdigest()
