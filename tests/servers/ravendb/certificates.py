"""Certificates for a secured server and its clients, made with the openssl command.

    made = Certificates(folder)                   an own CA and the server's RSA certificate
    made.client("gateway", key="p256")            a client certificate: also rsa2048, rsa4096
    made.client("old", expired=True)              one that was valid until yesterday
    made.client("stray", own=True)                signed by itself, not by the CA
"""

import base64
import dataclasses
import pathlib
import subprocess

KEYS = {"p256": ("EC", "ec_paramgen_curve:P-256"), "rsa2048": ("RSA", "rsa_keygen_bits:2048"),
        "rsa4096": ("RSA", "rsa_keygen_bits:4096")}
DAYS = 3650
# RavenDB is its own client as well, so that its certificate must be good for both.
SERVER = ("keyUsage=digitalSignature,keyEncipherment", "extendedKeyUsage=serverAuth,clientAuth")
CLIENT = ("keyUsage=digitalSignature", "extendedKeyUsage=clientAuth")


@dataclasses.dataclass(frozen=True)
class Identity:
    """A certificate with its key; `pem` is one file with both."""

    name: str
    certificate: pathlib.Path
    key: pathlib.Path
    pem: pathlib.Path

    def base64(self):
        """The whole PEM on one line, as the setting certificate_base64 takes it."""
        return base64.b64encode(self.pem.read_bytes()).decode()

    def der_base64(self):
        """The certificate alone, as PUT /admin/certificates takes it."""
        lines = self.certificate.read_text().splitlines()
        begin = lines.index("-----BEGIN CERTIFICATE-----")
        return "".join(lines[begin + 1:lines.index("-----END CERTIFICATE-----")])

    def thumbprint(self):
        found = openssl("x509", "-in", self.certificate, "-noout", "-fingerprint", "-sha1")
        return found.strip().rpartition("=")[2].replace(":", "")


def openssl(*words, standard_input=None):
    done = subprocess.run(["openssl", *map(str, words)], input=standard_input, text=True,
                          capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout


class Certificates:
    """A folder of certificates. `host` is the name that the server's carries, beside 127.0.0.1.
    With `made` the folder is such a one already."""

    def __init__(self, folder, host="localhost", expired=False, made=False):
        self.folder = pathlib.Path(folder)
        if made:
            self.ca, self.pfx = self.path("ca", "crt"), self.path("server", "pfx")
            self.server = self.identity("server")
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca = self.authority("ca")
        names = f"subjectAltName=DNS:{host},IP:127.0.0.1"
        self.server = self.issue("server", "rsa2048", (*SERVER, names), expired=expired)
        self.pfx = self.path("server", "pfx")
        openssl("pkcs12", "-export", "-passout", "pass:", "-inkey", self.server.key,
                "-in", self.server.certificate, "-out", self.pfx)

    def path(self, name, kind):
        return self.folder / f"{name}.{kind}"

    def make_key(self, name, key):
        algorithm, option = KEYS[key]
        openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option,
                "-out", self.path(name, "key"))

    def authority(self, name):
        """A CA of its own; the path of its certificate."""
        self.make_key(name, "p256")
        openssl("req", "-x509", "-new", "-key", self.path(name, "key"), "-days", DAYS,
                "-subj", f"/CN=tidegate test {name}", "-out", self.path(name, "crt"))
        return self.path(name, "crt")

    def issue(self, name, key, extensions, expired=False, own=False):
        self.make_key(name, key)
        request = openssl("req", "-new", "-key", self.path(name, "key"), "-subj", f"/CN={name}")
        path = self.path(name, "extensions")
        path.write_text("\n".join(extensions) + "\n")
        signer = ["-signkey", self.path(name, "key")] if own else \
            ["-CA", self.ca, "-CAkey", self.path("ca", "key"), "-CAcreateserial"]
        openssl("x509", "-req", "-days", -1 if expired else DAYS, "-extfile", path, *signer,
                "-out", self.path(name, "crt"), standard_input=request)
        both = self.path(name, "crt").read_text() + self.path(name, "key").read_text()
        self.path(name, "pem").write_text(both)
        return self.identity(name)

    def identity(self, name):
        return Identity(name, *(self.path(name, kind) for kind in ("crt", "key", "pem")))

    def client(self, name, key="p256", expired=False, own=False):
        """A client's certificate. A server knows it only after Server.register()."""
        return self.issue(name, key, CLIENT, expired, own)
