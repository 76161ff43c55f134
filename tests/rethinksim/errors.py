"""The errors a query may end in, with RethinkDB's numbers."""

CLIENT, COMPILE, RUNTIME = 16, 17, 18
INTERNAL, RESOURCE, LOGIC, NON_EXISTENCE = 1000000, 2000000, 3000000, 3100000
OP_FAILED, OP_INDETERMINATE, USER, PERMISSION = 4100000, 4200000, 5000000, 6000000


class Reql(Exception):
    """One error answer. `path` is where in the term it arose; the innermost term sets it."""

    def __init__(self, code, text, kind=RUNTIME):
        super().__init__(text)
        self.code, self.text, self.kind = code, text, kind
        self.path = None

    def at(self, path):
        """Fixes the place unless an inner term did."""
        if self.path is None:
            self.path = path
        return self


def denied(user, permission):
    """The answer to a user who lacks a permission."""
    return Reql(PERMISSION, f"User `{user}` does not have the required `{permission}` permission.")


class Hangup(Exception):
    """The connection ends here, by a fault or as the peer is gone; `rude`: with no farewell."""

    def __init__(self, rude=False):
        super().__init__()
        self.rude = rude
