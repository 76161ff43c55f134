"""A name server for tests, in a thread: names that end in .test have the addresses of TABLE.

    silent*.test is never answered, down.test is answered with the server's own failure, all others
    that are not in the table do not exist.
"""

import ipaddress
import socket
import struct
import threading

PORT = 53
A, AAAA = 1, 28
SERVER_FAILURE, NO_SUCH_NAME = 2, 3
TABLE = {"local.test": ("127.0.0.1",), "late.test": ("127.0.0.1",),
         "six.test": ("fd77::1",), "both.test": ("fd77::99", "127.0.0.1")}


def question(packet):
    """The name and the type asked for, and where the question ends."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii").lower())
        at += 1 + packet[at]
    return ".".join(labels), struct.unpack_from(">H", packet, at + 1)[0], at + 5


def answer(packet):
    """What is sent back, or None for silence."""
    name, kind, end = question(packet)
    if name.startswith("silent"):
        return None
    found = [ipaddress.ip_address(one).packed for one in TABLE.get(name, ())]
    found = [one for one in found if len(one) == (4 if kind == A else 16)]
    code = SERVER_FAILURE if name == "down.test" else 0 if name in TABLE else NO_SUCH_NAME
    head = packet[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(found), 0, 0)
    rows = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(one)) + one
                    for one in found)
    return head + packet[12:end] + rows


def serve(address):
    """Answers until the process ends."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((address, PORT))

    def loop():
        while True:
            packet, peer = listener.recvfrom(512)
            reply = answer(packet)
            if reply:
                listener.sendto(reply, peer)
    threading.Thread(target=loop, daemon=True).start()
