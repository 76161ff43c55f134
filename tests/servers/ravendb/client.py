"""What tests ask of a server: databases, documents, deletes, certificates, upkeep.

Answers are read with the JSON decoder that is given, so that an auditor may keep each number as its
characters. A Client is one connection and belongs to one thread.
"""

import http.client
import json
import ssl
import urllib.parse

ANSWER_SECONDS_MAX = 120
PAGE = 2000
HELD_TOMBSTONES = {"Tombstones.CleanupIntervalInMin": "2147483647"}


class Refused(Exception):
    """An answer with a status of 400 and above."""

    def __init__(self, status, body):
        self.status, self.body = status, body
        super().__init__(f"{status}: {body[:300].decode('utf-8', 'replace')}")


def dump(value):
    """JSON as RavenDB wants it: raw UTF-8, because it destroys escaped surrogate pairs."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def put(key, document, collection=None):
    """One command of bulk(); `document` gains the collection's metadata when one is named."""
    if collection:
        document = {**document, "@metadata": {"@collection": collection}}
    return {"Type": "PUT", "Id": key, "ChangeVector": None, "Document": document}


def remove(key):
    return {"Type": "DELETE", "Id": key, "ChangeVector": None}


class Client:
    """One connection to `url`, as `identity` (certificates.Identity) when it is secured."""

    def __init__(self, url, ca=None, identity=None, decoder=json.JSONDecoder()):
        parts = urllib.parse.urlsplit(url)
        self.decoder = decoder
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca)
            if identity:
                context.load_cert_chain(identity.certificate, identity.key)
            self.connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=ANSWER_SECONDS_MAX, context=context)
        else:
            self.connection = http.client.HTTPConnection(parts.hostname, parts.port,
                                                         timeout=ANSWER_SECONDS_MAX)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    def ask(self, method, path, body=None, headers=None, **query):
        """(status, headers, body bytes), whatever the status. `body` is bytes or becomes JSON."""
        if query:
            path += "?" + urllib.parse.urlencode(query, doseq=True, quote_via=urllib.parse.quote)
        if body is not None and not isinstance(body, bytes):
            body = dump(body)
        headers = {"Content-Type": "application/json", **(headers or {})}
        for last in (False, True):
            try:
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                return answer.status, answer.headers, answer.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # Kept connections end without a word: after 130 s, or with a server killed.
                self.connection.close()
                if last:
                    raise
        raise AssertionError("unreachable")

    def call(self, method, path, body=None, **query):
        """The answer's JSON, None for an empty one; Refused for an error."""
        status, _, text = self.ask(method, path, body, **query)
        if status >= 400:
            raise Refused(status, text)
        return self.decoder.decode(text.decode("utf-8", "surrogatepass").strip()) if text else None

    def at(self, database, path):
        return f"/databases/{urllib.parse.quote(database)}/{path}"

    # --- databases -------------------------------------------------------------------------------

    def create(self, database, settings=None):
        """Makes a database whose tombstones stay, unless `settings` (a dict) says otherwise."""
        record = {"DatabaseName": database, "Disabled": False, "Encrypted": False,
                  "Settings": HELD_TOMBSTONES if settings is None else settings}
        return self.call("PUT", "/admin/databases", record, name=database, replicationFactor=1)

    def drop(self, database):
        return self.call("DELETE", "/admin/databases",
                         {"DatabaseNames": [database], "HardDelete": True,
                          "TimeToWaitForConfirmation": "00:00:30"})

    def disable(self, database):
        return self.call("POST", "/admin/databases/disable", {"DatabaseNames": [database]})

    def enable(self, database):
        return self.call("POST", "/admin/databases/enable", {"DatabaseNames": [database]})

    def databases(self):
        return self.call("GET", "/databases", namesOnly="true")["Databases"]

    def stats(self, database):
        return self.call("GET", self.at(database, "stats"))

    def collections(self, database):
        """{collection: number of documents}"""
        return self.call("GET", self.at(database, "collections/stats"))["Collections"]

    # --- documents -------------------------------------------------------------------------------

    def put(self, database, key, document, collection=None):
        if collection:
            document = {**document, "@metadata": {"@collection": collection}}
        return self.call("PUT", self.at(database, "docs"), document, id=key)

    def get(self, database, key):
        """The document, or None."""
        status, _, text = self.ask("GET", self.at(database, "docs"), id=key)
        if status == 404:
            return None
        if status >= 400:
            raise Refused(status, text)
        return self.decoder.decode(text.decode("utf-8", "surrogatepass"))["Results"][0]

    def remove(self, database, key):
        return self.call("DELETE", self.at(database, "docs"), id=key)

    def bulk(self, database, commands):
        """One transaction of put() and remove() commands; bytes are the whole body as it is."""
        if not isinstance(commands, bytes):
            commands = {"Commands": list(commands)}
        return self.call("POST", self.at(database, "bulk_docs"), commands)["Results"]

    def fill(self, database, collection, rows, batch=500):
        """Stores (key, document) pairs in transactions of `batch`; how many there were."""
        count, commands = 0, []
        for key, document in rows:
            commands.append(put(key, document, collection))
            count += 1
            if len(commands) == batch:
                self.bulk(database, commands)
                commands = []
        if commands:
            self.bulk(database, commands)
        return count

    def documents(self, database, collection=None):
        """Yields all documents in the order of ids, or those of a collection, as decoded."""
        after = ""
        while True:
            page = self.call("GET", self.at(database, "docs"), startsWith="", startAfter=after,
                             pageSize=PAGE)["Results"]
            for document in page:
                spelled = document["@metadata"].get("@collection", "@empty")
                if collection is None or spelled.lower() == collection.lower():
                    yield document
            if len(page) < PAGE:
                return
            after = page[-1]["@metadata"]["@id"]

    def tombstones(self, database):
        found = self.call("GET", self.at(database, "replication/tombstones"))
        return found["Tombstones"] if "Tombstones" in found else found["Results"]

    def clean_tombstones(self, database):
        """Wipes them now, as the five-minute cleaner does; how many went."""
        return self.call("POST", self.at(database, "admin/tombstones/cleanup"))["Value"]

    # --- certificates ----------------------------------------------------------------------------

    def register(self, identity, clearance="ValidUser", permissions=None):
        """Makes a client certificate known; `permissions`: {database: "ReadWrite" or "Admin"}."""
        return self.call("PUT", "/admin/certificates",
                         {"Name": identity.name, "Certificate": identity.der_base64(),
                          "Password": None, "SecurityClearance": clearance,
                          "Permissions": permissions or {}})

    def permit(self, identity, permissions, clearance="ValidUser"):
        """Other permissions for a registered certificate; open connections keep the old ones."""
        return self.call("POST", "/admin/certificates/edit",
                         {"Name": identity.name, "Thumbprint": identity.thumbprint(),
                          "SecurityClearance": clearance, "Permissions": permissions})

    def forget(self, identity):
        return self.call("DELETE", "/admin/certificates", thumbprint=identity.thumbprint())

    def whoami(self):
        """What the server knows of this client's certificate; None when it knows none."""
        return self.call("GET", "/certificates/whoami")
