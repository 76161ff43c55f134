"""An HTTP proxy for tests, in a thread of this process: it takes CONNECT and nothing else.

    with proxy.Proxy(login="user:secret") as way:
        ... way.url, way.asked ("HOST:PORT" of each CONNECT), way.seen (bytes that went through)
        way.answer = b"HTTP/1.1 502 Bad Gateway\\r\\n\\r\\n"      instead of going there
        way.silent = True                                      takes the connection, says nothing
"""

import base64
import socket
import socketserver
import threading

HEAD_BYTES_MAX = 65536


def move(source, target, seen):
    """Bytes from one socket to the other, until either ends."""
    try:
        while data := source.recv(65536):
            seen.extend(data)
            target.sendall(data)
    except OSError:
        pass
    for each in (source, target):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Handler(socketserver.BaseRequestHandler):
    def head(self):
        """The lines of one request's head; none when the client went away."""
        data = b""
        while b"\r\n\r\n" not in data and len(data) < HEAD_BYTES_MAX:
            piece = self.request.recv(4096)
            if not piece:
                return []
            data += piece
        return data.decode("latin-1").split("\r\n")

    def handle(self):
        way = self.server.way
        if way.silent:
            way.released.wait(60)
            return
        lines = self.head()
        if not lines:
            return
        method, where, _ = lines[0].split(" ")
        if method != "CONNECT":
            self.request.sendall(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
            return
        way.asked.append(where)
        if way.answer is not None:
            self.request.sendall(way.answer)
            return
        if way.login is not None and f"Proxy-Authorization: Basic {way.login}" not in lines:
            self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                                 b"Proxy-Authenticate: Basic realm=x\r\n\r\n")
            return
        self.tunnel(where)

    def tunnel(self, where):
        host, port = where.rsplit(":", 1)
        try:
            target = socket.create_connection((host.strip("[]"), int(port)), timeout=10)
        except OSError:
            self.request.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            return
        target.settimeout(None)
        self.request.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
        back = threading.Thread(target=move, args=(target, self.request, bytearray()), daemon=True)
        back.start()
        move(self.request, target, self.server.way.seen)
        back.join()
        target.close()


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class Proxy:
    def __init__(self, login=None):
        self.login = base64.b64encode(login.encode()).decode() if login else None
        self.answer, self.silent, self.released = None, False, threading.Event()
        self.asked, self.seen = [], bytearray()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.way = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
