"""A relay in front of a server, which keeps what is asked, counts the bytes of the answers and does
something in the middle of them.

    with Tap(server.port) as tap:
        tap.after(200000, server.kill)     once so many bytes of answers have passed
        run_tidegate(port=tap.port)        what was sent until then still arrives
        tap.requests()                     "GET /databases/..." of each, in order
"""

import re
import selectors
import socket
import threading

BLOCK_BYTES = 16384
WINDOW_BYTES = 65536
WAKE_SECONDS = 0.2
REQUEST = re.compile(rb"^([A-Z]+ /\S*) HTTP/1\.1\r$", re.MULTILINE)
STATUS = b"HTTP/1.1 "


class Tap:
    """Relays from `port` of 127.0.0.1 to `target`; one thread for all connections."""

    def __init__(self, target):
        self.target, self.answered_bytes, self.connections = target, 0, 0
        self.asked, self.statuses = b"", []
        self.mark, self.action, self.done = None, None, threading.Event()
        self.ending = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending = True
        self.thread.join()

    def requests(self):
        return [line.decode() for line in REQUEST.findall(self.asked)]

    def after(self, answered_bytes, action):
        """Calls `action` once, from the relay's thread, when so many more bytes were answered."""
        self.done.clear()
        self.action = action
        self.mark = self.answered_bytes + answered_bytes

    def run(self):
        while not self.ending:
            for key, _ in self.selector.select(WAKE_SECONDS):
                if key.data is None:
                    self.accept()
                elif key.fileobj.fileno() >= 0:
                    self.pass_on(key.fileobj, *key.data)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()
        self.listener.close()

    def accept(self):
        client, _ = self.listener.accept()
        try:
            # A small window: the middle of an answer must not be when all of it is on its way.
            server = socket.socket()
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
            server.connect(("127.0.0.1", self.target))
        except OSError:
            server.close()
            client.close()
            return
        self.connections += 1
        self.selector.register(client, selectors.EVENT_READ, (server, False))
        self.selector.register(server, selectors.EVENT_READ, (client, True))

    def pass_on(self, source, target, is_answer):
        try:
            block = source.recv(BLOCK_BYTES)
            target.sendall(block)
        except OSError:
            block = b""
        if not block:
            for end in (source, target):
                self.selector.unregister(end)
                end.close()
            return
        if is_answer:
            self.answered_bytes += len(block)
            if block.startswith(STATUS):  # true of each answer that was waited for alone
                self.statuses.append(int(block[len(STATUS):len(STATUS) + 3]))
            self.act()
        else:
            self.asked += block

    def act(self):
        if self.mark is not None and self.answered_bytes >= self.mark:
            self.mark = None
            self.action()
            self.done.set()
