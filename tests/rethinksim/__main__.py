"""Runs the simulator: python3 tests/rethinksim --seed 1 --tables devices:1000,readings:50000

Prints `listening 127.0.0.1:PORT`, then `control 127.0.0.1:PORT` when asked for one. Loopback only.
Stops on SIGTERM, on SIGINT, or when its standard input ends with --until-stdin-closes.
"""

import argparse
import pathlib
import signal
import sys
import threading

if __package__ in (None, ""):
    sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)
    __package__ = "rethinksim"

from rethinksim import control, plant, scram  # noqa: E402
from rethinksim.server import Clock, Server, tls_context  # noqa: E402

THREAD_STACK_BYTES = 256 << 20  # address space only: a document may be nested thousands deep
NESTING_MAX = 30000


def arguments():
    parser = argparse.ArgumentParser(prog="rethinksim", description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="driver port; 0 takes a free one")
    parser.add_argument("--control-port", type=int,
                        help="control port for tests; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=1, help="what all data is made from")
    parser.add_argument("--database", default="plant", help="database of the tables")
    parser.add_argument("--tables", default="", metavar="NAME[=KIND][:ROWS],...",
                        help=f"kinds: {', '.join([*plant.MAKERS, *plant.FIXED])}; "
                             "default: a small plant")
    parser.add_argument("--user", action="append", default=[], metavar="NAME=PASSWORD",
                        help="an account that may read everything unless --grant says otherwise")
    parser.add_argument("--grant", action="append", default=[], metavar="NAME=DB[.TABLE]",
                        help="limits an account to reading this")
    parser.add_argument("--admin-password", default="", help="empty as in a new server")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--tls-ca", help="demands client certificates signed by this authority")
    parser.add_argument("--clock", default="fixed", metavar="fixed|real|EPOCH",
                        help="what now() says; fixed starts at 2026-11-21T12:00:00Z and ticks")
    parser.add_argument("--until-stdin-closes", action="store_true")
    return parser.parse_args()


def fill(world, options):
    """Makes the tables asked for, or a small plant with the odd tables."""
    asked = options.tables or ",".join(f"{name}:{rows}" for name, rows in plant.SIZES.items()) + (
        ",oddkeys,oddrows,empty")
    world.create_database(options.database)
    for part in asked.split(","):
        name, _, rows = part.partition(":")
        name, _, kind = name.partition("=")
        plant.build(world, options.database, name, int(rows or 100), kind or None)


def add_users(world, options):
    for text in options.user:
        name, _, password = text.partition("=")
        world.users[name] = scram.User(name, password)
        world.users[name].grants[""] = {"read"}
    for text in options.grant:
        name, _, scope = text.partition("=")
        grants = world.users[name].grants
        grants.pop("", None)
        grants[scope] = {"read"}
    if options.admin_password:
        world.users["admin"] = scram.User("admin", options.admin_password)


def wait_for_end(options):
    """Returns when a signal comes or standard input ends."""
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    if options.until_stdin_closes:
        def read_to_end():
            while sys.stdin.buffer.read(4096):
                pass
            end.set()
        threading.Thread(target=read_to_end, daemon=True).start()
    end.wait()


def main():
    options = arguments()
    sys.setrecursionlimit(NESTING_MAX)
    threading.stack_size(THREAD_STACK_BYTES)
    tls = None
    if options.tls_cert:
        tls = tls_context(options.tls_cert, options.tls_key, options.tls_ca)
    server = Server(seed=options.seed, tls=tls)
    if options.clock != "fixed":
        server.clock = Clock(None if options.clock == "real" else float(options.clock))
        server.world.clock = server.clock
    fill(server.world, options)
    add_users(server.world, options)
    server.start(options.port)
    print(f"listening 127.0.0.1:{server.port}", flush=True)
    if options.control_port is not None:
        print(f"control 127.0.0.1:{control.listen(server, options.control_port)}", flush=True)
    wait_for_end(options)
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
