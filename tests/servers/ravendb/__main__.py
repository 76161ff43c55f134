"""python3 tests/servers/ravendb fetch|start|stop: see the package's docstring."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent))

from servers import ravendb  # noqa: E402


def clients_of(server, database):
    """One certificate of each kind that tests want, as paths."""
    everything = {database: "ReadWrite"}
    made = {
        "admin": server.identity("admin", "ClusterAdmin"),
        "operator": server.identity("operator", "Operator"),
        "p256": server.identity("p256", permissions=everything),
        "rsa2048": server.identity("rsa2048", permissions=everything, key="rsa2048"),
        "rsa4096": server.identity("rsa4096", permissions=everything, key="rsa4096"),
        "nothing": server.identity("nothing"),
        "expired": server.identity("expired", permissions=everything, expired=True),
        "unknown": server.certificates.client("unknown"),
    }
    return {name: {"certificate": str(one.certificate), "key": str(one.key), "pem": str(one.pem)}
            for name, one in made.items()}


def start(words):
    server = ravendb.Server(words.version, words.data, words.secured, orphan=True)
    said = {"version": words.version, "url": server.url, "pid": server.process.pid,
            "folder": str(server.folder)}
    if words.database:
        with server.connect() as client:
            if words.database not in client.databases():
                client.create(words.database)
    if words.secured:
        said["ca"] = str(server.certificates.ca)
        said["clients"] = clients_of(server, words.database or "test")
    print(json.dumps(said, indent=1), flush=True)
    if words.detach:
        return
    try:
        while server.process.poll() is None:
            time.sleep(0.2)
    except KeyboardInterrupt:
        pass
    server.stop()


def stop(words):
    """Only a process that is one of our servers: its folder has its number."""
    for path in pathlib.Path(tempfile.gettempdir()).glob(ravendb.server.PREFIX + "*/pid"):
        if path.read_text() == str(words.pid):
            break
    else:
        sys.exit(f"{words.pid} is not a RavenDB that was left running here")
    process = pathlib.Path(f"/proc/{words.pid}")
    if process.exists() and b"Raven.Server" in (process / "cmdline").read_bytes():
        os.kill(words.pid, signal.SIGTERM)
        while process.exists():
            time.sleep(0.1)
    shutil.rmtree(path.parent)


def keep(words):
    ravendb.keep(words.version, words.secured)


def main():
    parser = argparse.ArgumentParser(prog="tests/servers/ravendb", description=ravendb.__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("fetch", help="puts versions together, all without arguments")
    verb.add_argument("versions", nargs="*", default=list(ravendb.VERSIONS))
    verb = verbs.add_parser("start", help="starts one and prints how to reach it, as JSON")
    verb.add_argument("version", choices=ravendb.VERSIONS)
    verb.add_argument("--data", help="folder that is kept; without it all is in memory")
    verb.add_argument("--secured", action="store_true")
    verb.add_argument("--database", help="is made if it is not there")
    verb.add_argument("--detach", action="store_true", help="leaves it running; end it by stop PID")
    verb = verbs.add_parser("stop", help="ends one that was left running")
    verb.add_argument("pid", type=int)
    verb = verbs.add_parser("keep", help="keeps one for test programs, until none uses it")
    verb.add_argument("version", choices=ravendb.VERSIONS)
    verb.add_argument("--secured", action="store_true")
    words = parser.parse_args()
    try:
        if words.verb == "fetch":
            for version in words.versions:
                print(ravendb.find(version))
        else:
            {"start": start, "stop": stop, "keep": keep}[words.verb](words)
    except ravendb.Unavailable as why:
        print(f"SKIP: no RavenDB: {why}")
        sys.exit(77)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
