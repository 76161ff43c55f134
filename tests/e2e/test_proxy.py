"""The whole program through an HTTP proxy, to an endpoint with TLS and client certificates."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import world  # noqa: E402
import proxy  # noqa: E402
import receiver  # noqa: E402

TABLES = {"devices": 60, "readings": 400}
ROWS = 460
MAKING = r"""
set -e
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -days 30 \
    -subj '/CN=Plant CA' -out ca.pem
make() {
    openssl req -new -newkey $2 -nodes -keyout $1.key -subj /CN=$1 -out $1.csr
    printf '%s\n' "$3" > $1.ext
    openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
        -extfile $1.ext -out $1.pem
}
make server 'ec -pkeyopt ec_paramgen_curve:P-256' subjectAltName=DNS:upstream.example,IP:127.0.0.1
make plant rsa:4096 extendedKeyUsage=clientAuth
cat plant.pem plant.key | base64 -w0 > plant.b64
"""


class Proxied(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """An RSA key of 4096 bits takes seconds, so all tests have the same certificates."""
        holder = tempfile.TemporaryDirectory(prefix="tidegate-")
        cls.addClassCleanup(holder.cleanup)
        cls.made = pathlib.Path(holder.name)
        subprocess.run(["sh", "-c", MAKING], cwd=cls.made, capture_output=True, timeout=120,
                       check=True)

    def here(self, **sink):
        """A world whose endpoint speaks TLS, reached through `self.way`."""
        here = world.World("https", TABLES)
        self.addCleanup(here.close)
        shutil.copytree(self.made, here.root, dirs_exist_ok=True)
        here.receiver.__exit__()
        folder = here.root
        here.receiver = receiver.Receiver(
            str(folder / "received"), cert=folder / "server.pem", key=folder / "server.key",
            client_ca=folder / "ca.pem").__enter__()
        self.way = proxy.Proxy(login="plant:s3cr3t").__enter__()
        self.addCleanup(self.way.__exit__)
        here.sink = {"ca_file": str(folder / "ca.pem"), "proxy": self.way.url,
                     "certificate_base64": {"$file": str(folder / "plant.b64")},
                     "proxy_username": "plant", "proxy_password": "s3cr3t", "batch_records": 50,
                     **sink}
        here.configure()
        return here

    def check(self, here):
        done = subprocess.run([world.program(), "check", "--config",
                               str(here.root / "tidegate.json")], capture_output=True, timeout=60,
                              check=False)
        said = (done.stdout + done.stderr).decode()
        self.assertNotIn("s3cr3t", said)
        return done.returncode, said

    def test_everything_goes_through_the_proxy(self):
        here = self.here(server_name="upstream.example")
        done = here.sync()
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-2000:])
        here.check()
        self.assertEqual(here.receiver.stats()["lines"], ROWS)
        self.assertEqual(set(self.way.asked), {f"127.0.0.1:{here.receiver.port}"})
        self.assertNotIn(b"temperature", bytes(self.way.seen))
        code, said = self.check(here)
        self.assertEqual(code, 0, said)
        self.assertRegex(said, r"our certificate expires in (29|30) days")

    def test_connections_that_break_are_made_again(self):
        here = self.here()
        here.receiver.set(close="after", times=3)
        done = here.sync()
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-2000:])
        here.check()
        self.assertEqual(here.receiver.stats()["repeats"], 3)
        self.assertGreaterEqual(len(self.way.asked), 4)

    def test_plain_targets_go_through_it_too(self):
        here = world.World("https", TABLES)
        self.addCleanup(here.close)
        with proxy.Proxy() as way:
            here.sink = {"proxy": way.url}
            here.configure()
            self.assertEqual(here.sync().returncode, 0)
            self.assertEqual(way.asked, [f"127.0.0.1:{here.receiver.port}"])
        here.check()

    def test_what_the_proxy_refuses(self):
        here = self.here(connect_seconds=2)
        cases = ((b"HTTP/1.1 407 x\r\n\r\n", 23, "does not accept proxy_username"),
                 (b"HTTP/1.1 403 x\r\n\r\n", 23, "does not let us go to 127.0.0.1"),
                 (b"HTTP/1.1 502 x\r\n\r\n", 20, "does not reach 127.0.0.1"),
                 (b"220 mail ready\r\n", 29, "is it an HTTP proxy?"))
        for answer, code, part in cases:
            with self.subTest(answer=answer):
                self.way.answer = answer
                got, said = self.check(here)
                self.assertEqual(got, code, said)
                self.assertIn(part, said)
        self.way.silent = True
        got, said = self.check(here)
        self.assertEqual(got, 21, said)
        self.assertIn("did not say within 2000 ms", said)

    def test_nothing_is_lost_while_the_proxy_refuses(self):
        here = self.here()
        for answer in (b"HTTP/1.1 407 x\r\n\r\n", b"HTTP/1.1 502 x\r\n\r\n"):
            self.way.answer = answer
            done = here.sync(words=("--wait", "1", "--log-level", "debug"))
            self.assertEqual(done.returncode, 4, done.stderr.decode()[-2000:])
            self.assertNotIn(b"s3cr3t", done.stdout + done.stderr)
        self.way.answer = None
        self.assertEqual(here.sync().returncode, 0)
        here.check()

    def test_a_login_that_is_missing(self):
        here = self.here()
        del here.sink["proxy_username"], here.sink["proxy_password"]
        here.configure()
        code, said = self.check(here)
        self.assertEqual(code, 23, said)
        self.assertIn("wants a user (407)", said)

    def test_the_certificates_name_counts_not_the_proxys(self):
        here = self.here(server_name="other.example")
        code, said = self.check(here)
        self.assertEqual(code, 22, said)
        self.assertIn("not for other.example", said)

    def test_a_pfx_is_refused_with_the_command(self):
        here = self.here()
        subprocess.run(["sh", "-c", "openssl pkcs12 -export -in plant.pem -inkey plant.key "
                        "-passout pass: | base64 -w0 > pfx.b64"], cwd=here.root, check=True,
                       timeout=60)
        here.sink["certificate_base64"] = {"$file": str(here.root / "pfx.b64")}
        here.configure()
        code, said = self.check(here)
        self.assertEqual(code, 2, said)
        self.assertIn("openssl pkcs12 -in", said)


class Source(unittest.TestCase):
    """A refusal of the proxy is the source's as a whole, not a table's: never code 3."""

    def run_it(self, folder, word, **source):
        (folder / "c.json").write_text(json.dumps({
            "name": "gateway", "store": {"path": str(folder / "store"), "bytes_max": 1 << 26},
            "sources": [{"name": "db", "type": "ravendb", "ravendb_urls": "http://192.0.2.1:8080",
                         "allow_plain": True, "database_name": "d", **source}],
            "sinks": [{"name": "out", "type": "file", "path": str(folder / "out")}]}))
        done = subprocess.run([world.program(), word, "--config", str(folder / "c.json")],
                              capture_output=True, timeout=60, check=False)
        said = (done.stdout + done.stderr).decode()
        self.assertNotIn("s3cr3t", said)
        return done.returncode, said

    def test_what_the_proxy_refuses(self):
        login = {"proxy_username": "plant", "proxy_password": "s3cr3t"}
        cases = ((b"HTTP/1.1 403 x\r\n\r\n", {}, 18, "does not let us go to 192.0.2.1"),
                 (b"HTTP/1.1 407 x\r\n\r\n", login, 18, "does not accept proxy_username"),
                 (b"HTTP/1.1 407 x\r\n\r\n", {}, 19, "wants a user (407)"),
                 (b"HTTP/1.1 502 x\r\n\r\n", {}, 10, "does not reach 192.0.2.1"),
                 (b"220 mail ready\r\n", {}, 15, "is it an HTTP proxy?"))
        for answer, more, code, part in cases:
            for word in ("check", "sync"):
                with self.subTest(answer=answer, word=word), proxy.Proxy() as way, \
                        tempfile.TemporaryDirectory() as folder:
                    way.answer = answer
                    got, said = self.run_it(pathlib.Path(folder), word, proxy=way.url, **more)
                    self.assertEqual(got, code, said)
                    self.assertIn(part, said)


if __name__ == "__main__":
    world.program()
    unittest.main()
