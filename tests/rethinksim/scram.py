"""SCRAM-SHA-256 as the server does it (RFC 5802, RFC 7677, reference 1.3), and its users."""

import base64
import functools
import hashlib
import hmac


class User:
    """One account. `grants` maps "" (everything), "db" or "db.table" to a set of permissions."""

    def __init__(self, name, password="", iterations=4096, salt=None):
        self.name, self.password, self.iterations = name, password, iterations
        self.salt = salt or hashlib.sha256(b"salt" + name.encode()).digest()[:16]
        self.grants = {}

    def may(self, permission, database, table):
        """Table before database before global; the system database inherits nothing."""
        if self.name == "admin":
            return True
        scopes = [f"{database}.{table}", database]
        if database != "rethinkdb":
            scopes.append("")
        for scope in scopes:
            if scope in self.grants:
                return permission in self.grants[scope]
        return False


class AuthError(Exception):
    """A refused login: RethinkDB's error number and text."""

    def __init__(self, number, text):
        super().__init__(text)
        self.number, self.text = number, text


@functools.lru_cache(maxsize=64)
def salted_password(password, salt, iterations):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)


def _sign(key, text):
    return hmac.digest(key, text.encode(), "sha256")


def proof(password, salt, iterations, auth_message):
    """The client's proof, as base64 text."""
    client_key = _sign(salted_password(password, salt, iterations), "Client Key")
    signature = _sign(hashlib.sha256(client_key).digest(), auth_message)
    mixed = bytes(left ^ right for left, right in zip(client_key, signature))
    return base64.b64encode(mixed).decode()


def signature(password, salt, iterations, auth_message):
    """The server's signature, as base64 text."""
    server_key = _sign(salted_password(password, salt, iterations), "Server Key")
    return base64.b64encode(_sign(server_key, auth_message)).decode()


def attributes(message):
    """`a=..,b=..` as a dict, with the server's own strictness."""
    found = {}
    for part in message.split(",") if message else []:
        if part[1:2] != "=" or part[0] in found:
            raise AuthError(10, "Invalid encoding")
        found[part[0]] = part[2:]
    return found


def decode_name(text):
    """Undoes =2C and =3D, and swallows the character behind each as 2.4.4 does."""
    name, at = "", 0
    while at < len(text):
        if text[at] != "=":
            name += text[at]
            at += 1
            continue
        code = text[at + 1:at + 3]
        if code not in ("2C", "3D"):
            raise AuthError(18, "Invalid username encoding")
        name += "," if code == "2C" else "="
        at += 4
    return name


class Exchange:
    """One login: first() answers the client's first message, final() its proof."""

    def __init__(self, users, nonce):
        self._users, self._nonce = users, nonce
        self.user = None
        self._bare = self._first = ""

    def first(self, message):
        if not message.startswith("n,"):
            raise AuthError(15, "Channel binding is not supported")
        if "," not in message[2:]:
            raise AuthError(10, "Invalid encoding")
        self._bare = message.split(",", 2)[2]
        found = attributes(self._bare)
        if "m" in found:
            raise AuthError(11, "Extensions not supported")
        if set(found) != {"n", "r"}:
            raise AuthError(10, "Invalid encoding")
        name = decode_name(found["n"])
        if not name:
            raise AuthError(18, "Empty username")
        self.user = self._users.get(name)
        shown = self.user or User(name + "?")
        self._nonce = found["r"] + self._nonce
        salt = base64.b64encode(shown.salt).decode()
        self._first = f"r={self._nonce},s={salt},i={shown.iterations}"
        return self._first

    def final(self, message):
        if self.user is None:
            raise AuthError(17, "Unknown user")
        found = attributes(message)
        account = (self.user.password, self.user.salt, self.user.iterations)
        whole = ",".join((self._bare, self._first, message.split(",p=")[0]))
        for letter in sorted(found):
            if letter == "c" and found["c"] != "biws" or letter not in "cmpr":
                raise AuthError(10, "Invalid encoding")
            if letter == "m":
                raise AuthError(11, "Extensions not supported")
            if letter == "p" and found["p"] != proof(*account, whole):
                raise AuthError(12, "Wrong password")
            if letter == "r" and found["r"] != self._nonce:
                raise AuthError(20, "Other error")
        if set(found) != {"c", "p", "r"}:
            raise AuthError(10, "Invalid encoding")
        return "v=" + signature(*account, whole)
