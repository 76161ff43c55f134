"""A RethinkDB 2.4.4 look-alike for tests: driver port, ReQL reads and writes, faults on request."""
