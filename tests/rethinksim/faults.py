"""Faults of the connection, set by a test: what goes wrong between the query and the peer.

    kind         means, on each connection it applies to
    cut          the connection ends (FIN; `reset`: RST) after `bytes` bytes were sent
    stall        nothing more is sent after `bytes` bytes; the connection stays open
    drip         every byte is sent alone
    delay        `ms` milliseconds pass before each answer
    silence      the login is never answered; with `bytes`: bytes sent before the silence
    signature    the server's signature is wrong
    old          the magic number is answered as an old server does
    http, cluster, garbage    the magic number is answered as such a port does
    length       the frame of answer number `answer` (from 0) claims `by` bytes more than it has
    token        answer number `answer` carries a token nobody asked with
    corrupt      answer number `answer` has its byte at `at` replaced by `byte`

`times` says for how many connections it holds (0: until cleared), `skip` how many are spared
before.
"""

import dataclasses
import socket
import struct
import time

from .errors import Hangup

OLD_TEXT = (b"ERROR: Received an unsupported protocol version. This port is for RethinkDB queries. "
            b"Does your client driver version not match the server?\n\0")
GREETINGS = {
    "old": OLD_TEXT,
    "http": b"HTTP/ 400 Bad Request\r\n\r\n",
    "cluster": b"RethinkDB cluster\n2.4.4\0\0\0\1release\0",
    "garbage": bytes(range(1, 200)),
}
KINDS = {"cut", "stall", "drip", "delay", "silence", "signature", "length", "token", "corrupt",
         *GREETINGS}


@dataclasses.dataclass
class Fault:
    """One fault as set by a test; see the table above."""

    kind: str
    bytes: int = 0
    ms: int = 0
    by: int = 1
    at: int = 0
    byte: int = 0
    answer: int = 0
    reset: bool = False
    times: int = 0
    skip: int = 0
    used: int = 0

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"no fault called {self.kind}; there are {sorted(KINDS)}")

    def take(self):
        """Whether it holds for the connection that opens now."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times and self.used >= self.times:
            return False
        self.used += 1
        return True


class Channel:
    """A socket with this connection's faults between the server and the wire."""

    def __init__(self, sock, found):
        self.sock = sock
        self.faults = {fault.kind: fault for fault in found}
        self.sent = 0
        self.answers = 0
        self._in = b""

    def has(self, kind):
        return self.faults.get(kind)

    def send(self, data):
        """Sends the bytes, or as many of them as the faults let through."""
        for kind in ("silence", "stall", "cut"):
            fault = self.faults.get(kind)
            if fault and self.sent + len(data) >= fault.bytes:
                self._send(data[:fault.bytes - self.sent])
                self._end(fault)
        self._send(data)

    def _send(self, data):
        self.sent += len(data)
        if not self.has("drip"):
            self.sock.sendall(data)
            return
        for at in range(len(data)):
            self.sock.send(data[at:at + 1])

    def _end(self, fault):
        """Cuts the line, or waits in silence until the peer gives up."""
        if fault.kind == "cut":
            if fault.reset:
                linger = struct.pack("ii", 1, 0)
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            raise Hangup(rude=fault.reset)
        while self.sock.recv(65536):
            pass
        raise Hangup

    def send_answer(self, token, body):
        """Frames one answer and sends it, with the lies a test asked for."""
        delay = self.has("delay")
        if delay:
            time.sleep(delay.ms / 1000)
        length = len(body)
        for kind in ("length", "token", "corrupt"):
            fault = self.has(kind)
            if fault and fault.answer == self.answers:
                if kind == "length":
                    length += fault.by
                elif kind == "token":
                    token += 1000003
                else:
                    body = body[:fault.at] + bytes([fault.byte]) + body[fault.at + 1:]
        self.answers += 1
        self.send(struct.pack("<qI", token, max(0, length)) + body)

    def read(self, count):
        """Exactly `count` bytes from the peer; Hangup when it is gone."""
        while len(self._in) < count:
            self._fill(max(count - len(self._in), 65536))
        found, self._in = self._in[:count], self._in[count:]
        return found

    def read_to_nul(self, count_max):
        """Bytes up to a NUL, which is taken off; None when `count_max` bytes hold none."""
        while b"\0" not in self._in[:count_max]:
            if len(self._in) >= count_max:
                return None
            self._fill(4096)
        found, self._in = self._in.split(b"\0", 1)
        return found

    def _fill(self, count):
        data = self.sock.recv(count)
        if not data:
            raise Hangup
        self._in += data
