"""Just enough of .NET's file format to mend one assembly: its version, one method's calls.

A .NET assembly is a PE file whose 15th data directory is the CLI header, which points at metadata:
streams of names (#Strings) and of tables (#~). Call instructions name their target by a token, the
table's number and a row; MemberRef (0x0A) is the table of methods that other assemblies define.
"""

import re
import struct

CALL, PUSH_FALSE, NOP = 0x28, 0x16, 0x00
TYPE_REF, MEMBER_REF = 0x01, 0x0A
READY_TO_RUN = b"RTR\0"
# Columns of the tables up to MemberRef: a number is its bytes, "s" "g" "b" an index into the heap
# of strings, GUIDs, blobs, (tag bits, tables...) an index coded with a tag, "tN" one into a table.
COLUMNS = {
    0x00: (2, "s", "g", "g", "g"),
    0x01: ((2, 0x00, 0x1A, 0x23, 0x01), "s", "s"),
    0x02: (4, "s", "s", (2, 0x02, 0x01, 0x1B), "t4", "t6"),
    0x03: ("t4",),
    0x04: (2, "s", "b"),
    0x05: ("t6",),
    0x06: (4, 2, 2, "s", "b", "t8"),
    0x07: ("t8",),
    0x08: (2, 2, "s"),
    0x09: ("t2", (2, 0x02, 0x01, 0x1B)),
    0x0A: ((3, 0x02, 0x01, 0x1A, 0x06, 0x1B), "s", "b"),
}
VERSION_LABEL = "Assembly Version".encode("utf-16-le")


def assembly_version(data):
    """The four numbers of the version resource's "Assembly Version"; (0, 0, 0, 0) without one."""
    at = data.find(VERSION_LABEL)
    if at < 0:
        return (0, 0, 0, 0)
    at += len(VERSION_LABEL)
    behind = data[at:at + 80].decode("utf-16-le", "replace")
    found = re.search(r"\d+\.\d+\.\d+\.\d+", behind)
    return tuple(map(int, found.group().split("."))) if found else (0, 0, 0, 0)


class Assembly:
    """One assembly in memory; `data` is changed in place."""

    def __init__(self, data):
        self.data = bytearray(data)
        pe = self.u32(0x3C)
        sections, optional_bytes = self.u16(pe + 6), self.u16(pe + 20)
        optional = pe + 24
        directories = optional + (112 if self.u16(optional) == 0x20B else 96)
        table = optional + optional_bytes
        self.sections = [struct.unpack_from("<4I", self.data, table + 40 * section + 8)
                         for section in range(sections)]
        self.cli = self.offset(self.u32(directories + 14 * 8))
        self.read_metadata(self.offset(self.u32(self.cli + 8)))

    def u16(self, at):
        return struct.unpack_from("<H", self.data, at)[0]

    def u32(self, at):
        return struct.unpack_from("<I", self.data, at)[0]

    def offset(self, address):
        """Where in the file a virtual address lies."""
        for size, start, raw_size, raw in self.sections:
            if start <= address < start + max(size, raw_size):
                return address - start + raw
        raise ValueError(f"address {address:#x} is in no section")

    def read_metadata(self, root):
        at = root + 16 + self.u32(root + 12)
        streams, at = self.u16(at + 2), at + 4
        found = {}
        for _ in range(streams):
            end = self.data.index(b"\0", at + 8)
            found[bytes(self.data[at + 8:end])] = root + self.u32(at)
            at = at + 8 + (end - at - 8) // 4 * 4 + 4
        self.strings, tables = found[b"#Strings"], found[b"#~"]
        self.heap_sizes = self.data[tables + 6]
        valid = struct.unpack_from("<Q", self.data, tables + 8)[0]
        at, self.rows = tables + 24, {}
        for table in range(64):
            if valid >> table & 1:
                self.rows[table] = self.u32(at)
                at += 4
        self.tables = at

    def width(self, column):
        """The bytes of one column; see COLUMNS."""
        if isinstance(column, int):
            return column
        if isinstance(column, tuple):
            bits, *tables = column
            return 2 if max(self.rows.get(table, 0) for table in tables) < 1 << 16 - bits else 4
        if column.startswith("t"):
            return 2 if self.rows.get(int(column[1:]), 0) < 1 << 16 else 4
        return 4 if self.heap_sizes >> "sgb".index(column) & 1 else 2

    def table(self, wanted):
        """Yields (row number from 1, values) of a table."""
        at = self.tables
        for table in range(wanted):
            at += self.rows.get(table, 0) * sum(map(self.width, COLUMNS[table]))
        for row in range(1, self.rows.get(wanted, 0) + 1):
            values = []
            for column in COLUMNS[wanted]:
                width = self.width(column)
                values.append(int.from_bytes(self.data[at:at + width], "little"))
                at += width
            yield row, values

    def name(self, index):
        at = self.strings + index
        return self.data[at:self.data.index(b"\0", at)].decode()

    def member_token(self, type_name, member):
        """The token of a method of a type in another assembly."""
        types = {row for row, (_, name, _) in self.table(TYPE_REF) if self.name(name) == type_name}
        for row, (parent, name, _) in self.table(MEMBER_REF):
            # The low three bits tag the parent's table; 1 is TypeRef.
            if parent & 7 == 1 and parent >> 3 in types and self.name(name) == member:
                return MEMBER_REF << 24 | row
        raise ValueError(f"{type_name}.{member} is not called here")

    def call_becomes_false(self, token):
        """Each call of `token` pushes false instead; returns how many there were."""
        call = bytes([CALL]) + struct.pack("<I", token)
        count = self.data.count(call)
        self.data = self.data.replace(call, bytes([PUSH_FALSE, NOP, NOP, NOP, NOP]))
        return count

    def refuse_precompiled(self):
        """Sets ReadyToRun's version to 1.0, which the runtime finds too old: it compiles the IL."""
        header = self.u32(self.cli + 64)
        if header:
            at = self.offset(header)
            if self.data[at:at + 4] != READY_TO_RUN:
                raise ValueError("no ReadyToRun header where one was announced")
            struct.pack_into("<HH", self.data, at + 4, 1, 0)
