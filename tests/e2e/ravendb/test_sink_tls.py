#!/usr/bin/env python3
"""A simulated RethinkDB into a secured RavenDB: client certificates, and each refusal of one."""

import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "e2e"), str(pathlib.Path(__file__).resolve().parent)]

import audit  # noqa: E402
import raven  # noqa: E402
from servers import ravendb  # noqa: E402
from test_sink import PROGRAM, SECONDS_MAX, VERSION, Raven  # noqa: E402

DATABASE, OTHER = ravendb.own_name("plant"), ravendb.own_name("other")
SHARED = {}


def setUpModule():
    SHARED["server"] = server = ravendb.shared(VERSION, secured=True)
    SHARED["client"] = client = server.connect(decoder=audit.DECODER)
    client.create(DATABASE)
    client.create(OTHER)


def tearDownModule():
    for database in (DATABASE, OTHER):
        SHARED["client"].drop(database)
    SHARED["client"].close()
    SHARED["server"].stop()


class Secured(unittest.TestCase):
    def here(self, identity, **sink):
        here = Raven({"devices": 12}, ca_file=str(SHARED["server"].certificates.ca),
                     id="{source}/" + self.id().rsplit(".", 1)[1].lower() + "/{key}", **sink)
        self.addCleanup(here.close)
        if identity:
            here.sink["certificate_file"] = str(identity.pem)
        here.aim(SHARED["server"].url, DATABASE)
        return here

    def check(self, here, code, *texts):
        done = subprocess.run([PROGRAM, "check", "--config", here.root / "tidegate.json"],
                              capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for text in texts:
            self.assertIn(text, done.stdout)
        return done.stdout

    def delivers(self, here, count=12):
        """What is there of this test's own documents."""
        here.settle()
        found = [document for document in SHARED["client"].documents(DATABASE, "devices")
                 if f"/{self.id().rsplit('.', 1)[1].lower()}/" in document["@metadata"]["@id"]]
        self.assertEqual(len(found), count)

    def identity(self, name, **how):
        how.setdefault("permissions", {DATABASE: "ReadWrite"})
        return SHARED["server"].identity(name, **how)

    def test_each_kind_of_key(self):
        for number, key in enumerate(("p256", "rsa2048", "rsa4096"), 1):
            with self.subTest(key):
                here = self.here(self.identity(key, key=key))
                here.sink["id"] = here.sink["id"].replace("{key}", key + "/{key}")
                here.configure()
                self.check(here, 0, f'as "{key}" (ValidUser)', "days")
                self.delivers(here, 12 * number)

    def test_certificate_as_base64(self):
        here = self.here(None, certificate_base64=self.identity("base64").base64())
        self.delivers(here)

    def test_refusals(self):
        certificates = SHARED["server"].certificates
        for name, identity, text in (
                ("unknown", certificates.client("stranger"), "register it"),
                ("elsewhere", self.identity("elsewhere", permissions={OTHER: "ReadWrite"}),
                 "permission")):
            with self.subTest(name):
                here = self.here(identity)
                self.check(here, 23, text)
                done = here.sync(words=("--wait", "1"))
                self.assertEqual(done.returncode, 4, done.stderr)

    def test_no_certificate_and_an_expired_one(self):
        """Seen before the server is asked."""
        for identity, text in ((None, b"certificate_file: is missing"),
                               (self.identity("over", expired=True), b"renew it")):
            done = self.here(identity).sync()
            self.assertEqual(done.returncode, 2)
            self.assertIn(text, done.stderr)

    def test_wrong_authority(self):
        here = self.here(self.identity("good"))
        other = ravendb.Certificates(here.root / "other")
        here.sink["ca_file"] = str(other.ca)
        here.configure()
        self.check(here, 22)

    def test_registered_while_it_waits(self):
        late = SHARED["server"].certificates.client("late")
        here = self.here(late)
        self.check(here, 23)
        SHARED["client"].register(late, permissions={DATABASE: "ReadWrite"})
        self.delivers(here)


if __name__ == "__main__":
    raven.main()
