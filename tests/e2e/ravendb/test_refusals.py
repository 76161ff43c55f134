#!/usr/bin/env python3
"""A secured server: every way in which it refuses us or we refuse it, with exit code and sentence,
by `check` and by `sync`, as a source and as a sink."""

import sys

import raven
from servers import ravendb

sys.path.insert(0, str(raven.TESTS / "e2e"))

from rethinksim import plant  # noqa: E402
from rethinksim.server import Server  # noqa: E402

ROWS = 20
WAIT_SECONDS = "2"
KEYS = ("p256", "rsa2048", "rsa4096")
SHARED = {}


def setUpModule():
    SHARED["server"] = server = ravendb.shared(raven.VERSION, secured=True)
    SHARED["identities"] = {key: server.identity(key, key=key) for key in KEYS}
    SHARED["identities"]["expired"] = server.identity("expired", expired=True)
    SHARED["identities"]["unknown"] = server.certificates.client("unknown", own=True)


def tearDownModule():
    SHARED["server"].stop()


class SecuredCase(raven.Case):
    """`peer` is the part of the configuration that speaks to RavenDB. Only a source ends a sync
    with its own code: what a sink does not take waits in the store (4)."""

    @classmethod
    def setUpClass(cls):
        cls.server, cls.identities = SHARED["server"], SHARED["identities"]

    def setUp(self):
        super().setUp()
        for name in (*KEYS, "expired"):
            self.client.permit(self.identities[name], {self.database: "ReadWrite"})
        self.make_peer()
        self.peer["ca_file"] = str(self.server.certificates.ca)
        self.use("p256")

    def use(self, name):
        self.peer["certificate_file"] = str(self.identities[name].pem)


class Refusals:
    """What is the same for a source and a sink. CODES: refusal -> exit code of `check`."""

    def refused(self, what, *sentences):
        code = self.CODES[what]
        for said in (self.run_check(code), self.refused_sync(code)):
            for sentence in sentences:
                self.assertIn(sentence, said)

    def refused_sync(self, code):
        self.sync(code if code == 2 else self.SYNC or code, "--wait", WAIT_SECONDS)
        return self.said

    def test_each_kind_of_key(self):
        for name in KEYS:
            self.use(name)
            self.run_check(0)
            self.sync()
        self.check_arrived()

    def test_certificate_in_base64(self):
        del self.peer["certificate_file"]
        self.peer["certificate_base64"] = self.identities["rsa4096"].base64()
        self.assertRegex(self.run_check(0), r"36\d\d days")
        self.sync()
        self.check_arrived()

    def test_no_certificate(self):
        del self.peer["certificate_file"]
        self.refused("config", "certificate_file: is missing")

    def test_unknown_certificate(self):
        self.use("unknown")
        self.refused("unknown", "register it there")

    def test_expired_certificate(self):
        self.use("expired")
        self.refused("config", "expired on", "renew it")

    def test_not_permitted(self):
        self.client.permit(self.identities["p256"], {"another": "ReadWrite"})
        self.refused("forbidden", "permission", self.database)

    def test_no_such_database(self):
        """To one who may see all databases; another one hears that he has no permission."""
        self.client.permit(self.identities["p256"], {}, "Operator")
        self.peer["database_name"] = "nosuch"
        self.refused("missing", "nosuch", "no such database")

    def test_another_authority(self):
        self.peer["ca_file"] = str(self.server.certificates.authority("other"))
        self.refused("tls", "other.crt")

    def test_another_name(self):
        self.peer["server_name"] = "gateway.example"
        self.refused("tls", "gateway.example")

    def test_address_and_name_differ(self):
        self.peer["server_name"] = "localhost"
        self.peer["ravendb_urls"] = f"https://127.0.0.1:{self.server.port}"
        self.run_check(0)
        self.sync()
        self.check_arrived()

    def test_key_of_another(self):
        both = self.folder / "both.pem"
        both.write_text(self.identities["p256"].certificate.read_text()
                        + self.identities["unknown"].key.read_text())
        self.peer["certificate_file"] = str(both)
        self.refused("config", "does not belong to the certificate")

    def test_no_key(self):
        self.peer["certificate_file"] = str(self.identities["p256"].certificate)
        self.refused("config", "holds no private key")

    def test_pfx(self):
        self.peer["certificate_file"] = str(self.server.certificates.pfx)
        self.refused("config", "openssl pkcs12")

    def test_plain_http(self):
        self.peer["ravendb_urls"] = f"http://127.0.0.1:{self.server.port}"
        for name in ("ca_file", "certificate_file"):
            del self.peer[name]
        self.refused("plain")


class SourceTest(Refusals, SecuredCase):
    CODES = {"unknown": 17, "forbidden": 18, "missing": 2, "tls": 12,
             "config": 2, "plain": 10}
    SYNC = None

    def make_peer(self):
        self.client.fill(self.database, "Orders", raven.orders(ROWS))
        self.peer = self.source

    def check_arrived(self):
        self.check()


class SinkTest(Refusals, SecuredCase):
    CODES = {"unknown": 23, "forbidden": 23, "missing": 24, "tls": 22,
             "config": 2, "plain": 20}
    SYNC = 4

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rethink = Server(seed=5).start()
        cls.addClassCleanup(cls.rethink.stop)
        cls.rethink.world.create_database("plant")
        plant.build(cls.rethink.world, "plant", "sites", ROWS)

    def make_peer(self):
        self.peer = self.raven_sink(self.database)
        self.sinks = [self.peer]

    def config(self, sources=None):
        return super().config([{"name": "rethinkdb", "type": "rethinkdb", "host": "127.0.0.1",
                                "port": self.rethink.port, "database": "plant"}])

    def check_arrived(self):
        self.assertEqual(len(self.documents("sites")), ROWS)


if __name__ == "__main__":
    raven.main()
