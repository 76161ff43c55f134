"""The listening side: one thread a connection, TLS, counters, and a world to serve."""

import base64
import hashlib
import itertools
import socket
import ssl
import threading
import time

from . import faults, scram, wire
from .tables import World

CLOCK_START = 1795262400.0  # 2026-11-21T12:00:00Z, so that ages in the plant do not depend on today
ACCEPT_SECONDS = 0.2
LINGER_SECONDS = 1.0
TLS_HEADER_BYTES, TLS_HELLO = 5, b"\x16"  # a real server waits for five bytes before it decides


class Clock:
    """Seconds since 1970: from a fixed moment on, ticking; or set by a test; or the real one."""

    def __init__(self, start=CLOCK_START):
        self._offset = start - time.monotonic() if start is not None else None

    def __call__(self):
        return time.time() if self._offset is None else time.monotonic() + self._offset

    def set(self, now):
        self._offset = now - time.monotonic()


class Server:
    """A simulated server on loopback: `port` is where it listens once start() has returned."""

    def __init__(self, world=None, seed=1, tls=None):
        self.clock = Clock()
        self.world = world or World(seed, self.clock)
        self.world.clock = self.world.clock or self.clock
        self.world.users.setdefault("admin", scram.User("admin", "", 1))
        self.faults, self.query_log = [], None
        self.counters = {"connections": 0, "open": 0, "queries": 0, "answers": 0, "stops": 0,
                         "cursors": 0, "rows": 0}
        self.port = 0
        self._tls, self._serial = tls, itertools.count()
        self._stopping = threading.Event()
        self._listener, self._open = None, set()

    def start(self, port=0):
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self._listener.settimeout(ACCEPT_SECONDS)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def stop(self):
        """Closes the listener and every client's socket at once, as a dying server does."""
        self._stopping.set()
        self.hang_up()
        if self._listener:
            self._listener.close()

    def stop_listening(self):
        """New connections are refused from now on; open ones go on."""
        self._listener.close()

    def listen_again(self):
        """Takes connections on the same port again."""
        self.start(self.port)

    def hang_up(self):
        """Ends every open connection."""
        for sock in list(self._open):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def nonce(self):
        """The server's part of a login's nonce: 20 characters that depend on seed and serial."""
        text = f"{self.world.seed}/{next(self._serial)}"
        return base64.b64encode(hashlib.sha256(text.encode()).digest()[:15]).decode()

    def _accept(self, listener):
        while not self._stopping.is_set():
            try:
                sock, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            found = [fault for fault in self.faults if fault.take()]
            threading.Thread(target=self._serve, args=(sock, found), daemon=True).start()

    def _serve(self, sock, found):
        """One client, from TLS to its last byte."""
        self.counters["connections"] += 1
        self.counters["open"] += 1
        self._open.add(sock)
        raw = sock
        try:
            sock.settimeout(None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                flags = socket.MSG_PEEK | socket.MSG_WAITALL
                if sock.recv(TLS_HEADER_BYTES, flags)[:1] != TLS_HELLO:
                    self._linger(sock)
                    return
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._open.add(sock)
            if wire.Connection(self, faults.Channel(sock, found)).run():
                self._linger(sock)
        except (OSError, ssl.SSLError):
            pass
        finally:
            self.counters["open"] -= 1
            self._open.difference_update((raw, sock))
            sock.close()

    @staticmethod
    def _linger(sock):
        """Says the end and drops what still comes: a reset would swallow a last error text."""
        sock.settimeout(LINGER_SECONDS)
        if isinstance(sock, ssl.SSLSocket):
            sock.unwrap()
            return
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass


def tls_context(certificate, key, authority=None):
    """The server's TLS settings (reference 8): 1.2 at least, P-256, ECDHE with AES-GCM."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_ciphers("EECDH+AESGCM")
    context.set_ecdh_curve("prime256v1")
    if authority:
        context.load_verify_locations(authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
