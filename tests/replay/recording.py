"""Recorded driver-port traffic: reading the files, and the facts about a server that lie in them.

One JSON object a line: `conn`, `from`, `kind` (open magic handshake frame raw close), `token`,
and `text` or `base64`. What a server answered tells which databases, tables, indexes and rows it
held.
"""

import base64
import json

DB_LIST, TABLE_LIST, INFO, INDEX_STATUS, GET, TABLE, CHANGES = 59, 62, 79, 139, 16, 15, 152
ROW_CHAIN = {41, 182, 39, 71, 70}  # ORDER_BY BETWEEN FILTER LIMIT SKIP: rows come out as they are
ORDERED = 41
PARTIAL, SEQUENCE, ATOM, SERVER_INFO = 3, 2, 1, 5
DECODER = json.JSONDecoder()


def load(path):
    """The events of one file; `data` holds the message's bytes."""
    events = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if "text" in event:
                event["data"] = event["text"].encode("utf-8", "surrogatepass")
            elif "base64" in event:
                event["data"] = base64.b64decode(event["base64"])
            events.append(event)
    return events


def connections(events):
    """The events by connection, in the order of opening."""
    found = {}
    for event in events:
        found.setdefault(event["conn"], []).append(event)
    return list(found.values())


def split_answer(data):
    """An answer frame as (text before the rows, [row texts], text behind them)."""
    text = data.decode("utf-8", "surrogatepass")
    at = text.index('"r":[') + 5
    head, rows = text[:at], []
    while text[at] != "]":
        _, end = DECODER.raw_decode(text, at)
        rows.append(text[at:end])
        at = end + (text[end] == ",")
    return head, rows, text[at:]


class Query:
    """One query and everything that was answered under its token."""

    def __init__(self, event):
        self.token, self.data = event["token"], event["data"]
        self.term = json.loads(self.data)
        self.frames, self.follow_ups = [], []

    @property
    def is_start(self):
        return self.term[0] == 1

    def rows(self):
        """The texts of all rows of all answers, in order."""
        return [row for frame in self.frames for row in split_answer(frame)[1]]

    def ordered(self):
        """Whether the order of the rows is promised."""
        term = self.term[1] if self.is_start else None
        while type(term) is list and term[0] not in (ORDERED, TABLE) and len(term) > 1 and term[1]:
            term = term[1][0]
        return type(term) is list and term[0] == ORDERED

    def last(self):
        """The last answer, parsed."""
        return json.loads(self.frames[-1])


def queries(events):
    """The queries of one connection; CONTINUE and STOP belong to the START of their token."""
    found, live = [], {}
    for event in events:
        if event["kind"] != "frame":
            continue
        if event["from"] == "server":
            live[event["token"]].frames.append(event["data"])
        elif json.loads(event["data"])[0] in (2, 3):
            live[event["token"]].follow_ups.append(event["data"])
        else:
            live[event["token"]] = Query(event)
            found.append(live[event["token"]])
    return found


def has_changes(events):
    """Whether the file holds a changefeed."""
    return any(b"[152," in event["data"] for event in events
               if event["kind"] == "frame" and event["from"] == "client")


def table_of(term):
    """(database, table) when the term gives a table's rows untouched, else None."""
    while type(term) is list and term[0] in ROW_CHAIN:
        term = term[1][0]
    if type(term) is not list or term[0] != TABLE or len(term[1]) != 2:
        return None
    return term[1][0][1][0], term[1][1]


class Facts:
    """What recordings say about a server's contents."""

    def __init__(self):
        self.databases, self.database_ids = {}, {}   # name -> set of tables; name -> UUID
        self.infos, self.statuses = {}, {}           # (database, table) -> INFO, INDEX_STATUS
        self.rows = {}                               # (database, table) -> {row text: row}
        self.server = None
        self.orders = {}                             # (database, table) -> index names seen in use

    def learn(self, events):
        for one in connections(events):
            for query in queries(one):
                if query.frames and query.last()["t"] in (ATOM, SEQUENCE, PARTIAL, SERVER_INFO):
                    self._learn_query(query)

    def _learn_query(self, query):
        if not query.is_start:
            if query.last()["t"] == SERVER_INFO:
                self.server = query.last()["r"][0]
            return
        term = query.term[1]
        place = table_of(term)
        if place:
            self._table(place)
            self.rows.setdefault(place, {}).update((row, json.loads(row)) for row in query.rows())
            if term[0] == ORDERED and len(term) > 2:
                self.orders.setdefault(place, set()).add(term[2].get("index"))
        self._learn_listing(term, query.last()["r"])

    def _learn_listing(self, term, result):
        if term[0] == DB_LIST:
            for name in result[0]:
                self.databases.setdefault(name, set())
        elif term[0] == TABLE_LIST:
            name = term[1][0][1][0]
            self.databases.setdefault(name, set()).update(result[0])
        elif term[0] in (INFO, INDEX_STATUS):
            place = table_of(term[1][0])
            self._table(place)
            if term[0] == INFO:
                self.infos[place] = result[0]
                self.database_ids[place[0]] = result[0]["db"]["id"]
            else:
                self.statuses[place] = result[0]

    def _table(self, place):
        self.databases.setdefault(place[0], set()).add(place[1])
