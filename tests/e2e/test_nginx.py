"""tidegate through nginx: TLS with a client certificate, a proxy's limits, kept connections."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import world  # noqa: E402

TABLES = {"devices": 60, "readings": 400}
ROWS = 460
START_SECONDS_MAX = 20

CONFIG = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 4;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.key;
        ssl_client_certificate {folder}/ca.pem;
        ssl_verify_client on;
        client_max_body_size {body};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_request_buffering {buffering};
        }}
        location /login {{ return 302 https://127.0.0.1:{port}/page; }}
        location /page {{ default_type text/html; return 200 "<html>log in</html>"; }}
        location /status {{ default_type text/plain; return 200 "up"; }}
    }}
}}
"""


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_certificates(folder):
    """A CA, the server's certificate for 127.0.0.1 and a client's; another CA that signed none."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "stranger"):
        openssl(folder, "req", "-x509", *key, "-days", "2", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.pem")
    for name, extra in (("server", "subjectAltName=IP:127.0.0.1"),
                        ("client", "extendedKeyUsage=clientAuth")):
        (folder / "extra").write_text(extra + "\n", encoding="utf-8")
        openssl(folder, "req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                "-out", f"{name}.csr")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-days", "2", "-extfile", "extra", "-out", f"{name}.pem")


def free_port():
    with world.receiver.socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """nginx in the foreground, before one receiver."""

    def __init__(self, upstream, body="10m", buffering="on"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-nginx-"))
        os.chmod(self.folder, 0o755)  # its worker is another user
        make_certificates(self.folder)
        self.port = free_port()
        text = CONFIG.format(folder=self.folder, port=self.port, upstream=upstream, body=body,
                             buffering=buffering)
        (self.folder / "nginx.conf").write_text(text, encoding="utf-8")
        self.process = subprocess.Popen(
            ["nginx", "-p", str(self.folder), "-e", f"{self.folder}/error.log", "-c",
             f"{self.folder}/nginx.conf", "-g", "daemon off;"], stderr=subprocess.DEVNULL)
        self.await_start()

    def await_start(self):
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end:
            try:
                with world.receiver.socket.create_connection(("127.0.0.1", self.port), 1):
                    return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)
        raise RuntimeError((self.folder / "error.log").read_text())

    def url(self, path="/ingest"):
        return f"https://127.0.0.1:{self.port}{path}"

    def file(self, name):
        return str(self.folder / name)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class ThroughNginx(unittest.TestCase):
    def rig(self, **options):
        """A world whose sink goes through nginx with all certificates right."""
        here = world.World("https", TABLES, batch_records=50)
        self.addCleanup(here.close)
        nginx = Nginx(here.receiver.port, **options)
        self.addCleanup(nginx.stop)
        self.aim(here, nginx)
        return here, nginx

    def aim(self, here, nginx, path="/ingest", **sink):
        here.sink = {"batch_records": 50, "url": nginx.url(path), "ca_file": nginx.file("ca.pem"),
                     "client_certificate": nginx.file("client.pem"),
                     "client_key": nginx.file("client.key"), **sink}
        here.sink = {name: value for name, value in here.sink.items() if value is not None}
        here.configure()

    def run_command(self, here, *words):
        config = str(here.root / "tidegate.json")
        return subprocess.run([world.program(), *words, "--config", config], capture_output=True,
                              text=True, timeout=60, check=False)

    def delivers(self, here):
        done = here.sync()
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-2000:])
        here.check()
        stats = here.receiver.stats()
        self.assertEqual((stats["lines"], stats["unequal_raw"]), (ROWS, 0))
        return stats

    def test_client_certificate_and_kept_connections(self):
        """nginx closes each connection after four requests: none of the batches suffers."""
        here, nginx = self.rig()
        self.delivers(here)
        log = (nginx.folder / "access.log").read_text()
        self.assertEqual(log.count('"POST /ingest HTTP/1.1" 200'), 10)

    def test_unbuffered_and_gzip(self):
        here, nginx = self.rig(buffering="off")
        self.aim(here, nginx, gzip=True, framing="array")
        self.delivers(here)

    def test_limit_of_the_proxy_halves(self):
        here, nginx = self.rig(body="12k")
        self.delivers(here)
        log = (nginx.folder / "access.log").read_text()
        self.assertGreater(log.count('" 413 '), 0)

    def test_endpoint_behind_it_goes_away(self):
        here, _ = self.rig()
        here.receiver.set(close="before", times=3)  # 502 from nginx
        self.delivers(here)

    def test_wrong_certificates_are_named(self):
        here, nginx = self.rig()
        stranger = {"client_certificate": nginx.file("stranger.pem"),
                    "client_key": nginx.file("stranger.key")}
        cases = (({"client_certificate": None, "client_key": None}, 23, "certificate"),
                 (stranger, 23, "certificate"),
                 ({"ca_file": nginx.file("stranger.pem")}, 22, "ca_file"),
                 ({"server_name": "plant.example"}, 22, "127.0.0.1"))
        for change, code, says in cases:
            with self.subTest(change=change):
                self.aim(here, nginx, **change)
                done = self.run_command(here, "check")
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertIn(says, done.stdout + done.stderr)

    def test_redirects_and_pages_are_no_endpoint(self):
        here, nginx = self.rig()
        for path, says in (("/login", "redirects"), ("/page", "web page")):
            with self.subTest(path=path):
                self.aim(here, nginx, path)
                done = self.run_command(here, "check")
                self.assertEqual(done.returncode, 24, done.stdout + done.stderr)
                self.assertIn(says, done.stdout + done.stderr)
        done = here.sync(words=("--wait", "1"))
        self.assertEqual(done.returncode, 4)
        self.assertEqual(here.receiver.stats()["requests"], 0)
        self.aim(here, nginx)
        self.delivers(here)

    def test_plain_http_to_the_tls_port(self):
        here, nginx = self.rig()
        self.aim(here, nginx, url=nginx.url().replace("https:", "http:"), ca_file=None,
                 client_certificate=None, client_key=None)
        done = self.run_command(here, "check")
        self.assertEqual(done.returncode, 22, done.stdout + done.stderr)
        self.assertIn("https://", done.stdout + done.stderr)


if __name__ == "__main__":
    world.program()
    for needed in ("nginx", "openssl"):
        if shutil.which(needed) is None and not os.path.exists(f"/usr/sbin/{needed}"):
            print(f"SKIP: {needed} is not installed")
            sys.exit(77)
    os.environ["PATH"] += ":/usr/sbin"
    unittest.main()
