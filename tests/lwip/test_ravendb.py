#!/usr/bin/env python3
"""A secured RavenDB over lwIP: read with a client certificate, written to files and to another
database of the same server, both over TLS."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e" / "ravendb")]

import names  # noqa: E402
import netns  # noqa: E402
import raven  # noqa: E402
from servers import ravendb  # noqa: E402


class Secured(raven.Case):
    SECURED = True

    def test_copy_over_tls(self):
        copy = self.database + "_copy"
        self.create(copy)
        both = {self.database: "ReadWrite", copy: "ReadWrite"}
        gateway = self.server.identity("gateway", permissions=both)
        trust = {"ca_file": str(self.server.certificates.ca), "certificate_file": str(gateway.pem)}
        self.source.update(trust)
        self.sinks = [self.files("files"), self.raven_sink(copy, **trust)]
        self.client.fill(self.database, "Orders", raven.orders(3000))
        self.assertEqual(self.sync()["records_delivered"], 6000)
        self.check()
        self.assertEqual(self.check_copy(copy), 3000)
        self.client.bulk(self.database, [
            *(ravendb.put(f"orders/{i}", raven.order(i, 1), "Orders") for i in range(0, 99, 3)),
            *(ravendb.remove(f"orders/{i}") for i in range(1, 99, 3))])
        self.sync()
        self.check()
        self.assertEqual(self.check_copy(copy), 3000 - 33)


if __name__ == "__main__":
    raven.skip_without()  # outside: what is missing is fetched
    netns.enter()
    names.serve(netns.KERNEL)
    raven.main()
