"""docs/tidegate.schema.json and the program accept the same members, types and bounds."""

import copy
import json
import subprocess
import sys
import unittest

from cli import ROOT, Case, run, skip_without_program

SCHEMA = json.loads((ROOT / "docs" / "tidegate.schema.json").read_text(encoding="utf-8"))
DEFS = SCHEMA["$defs"]

SOURCE = {"name": "db", "type": "rethinkdb", "host": "127.0.0.1", "database": "plant",
          "table": {"readings": {}}}
DOCUMENTS = {"name": "documents", "type": "ravendb", "ravendb_urls": "http://127.0.0.1:1",
             "database_name": "plant"}
FILE = {"name": "files", "type": "file", "path": "out", "columns": {"*": {}}}
HTTPS = {"name": "upstream", "type": "https", "url": "https://127.0.0.1:1/in"}
RAVEN = {"name": "raven", "type": "ravendb", "ravendb_urls": "http://127.0.0.1:1",
         "database_name": "plant"}
NULL = {"name": "nothing", "type": "null"}

# Where each object of the schema lies in a configuration, as the program spells the path.
STEPS = {
    "the configuration": (), "store": ("store",), "log": ("log",), "sources[0]": ("sources", 0),
    "sources[0].table.readings": ("sources", 0, "table", "readings"), "sinks[0]": ("sinks", 0),
    "sinks[0].columns.*": ("sinks", 0, "columns", "*"), "sinks[1]": ("sinks", 1),
    "sinks[2]": ("sinks", 2),
}


def object_of(config, path):
    for step in STEPS[path]:
        config = config[step]
    return config


def full_path(path, name):
    return name if path == "the configuration" else f"{path}.{name}"


def wrong_type(member):
    """A value of a type that the member never has."""
    return 7 if member.get("type") in ("string", "array", "object") else []


class Schema:
    """The tests, for one configuration: the smallest board takes one source only."""

    whole = {}    # the configuration
    objects = {}  # path in it: the schema's object

    def check(self, path, name, value):
        config = copy.deepcopy(self.whole)
        if value is None:
            object_of(config, path).pop(name)
        else:
            object_of(config, path)[name] = value
        return self.check_config(config)

    def accepted(self, path, name, value):
        done = self.check(path, name, value)
        self.assertEqual(done.returncode, 0, f"{path}.{name} = {value!r}: {done.stderr}")

    def refused_at(self, path, name, value):
        done = self.check(path, name, value)
        self.assertEqual(done.returncode, 2, f"{path}.{name} = {value!r} was accepted")
        self.assertIn(f"tidegate: {full_path(path, name)}", done.stderr)

    def members(self):
        for path, node in self.objects.items():
            for name, member in node["properties"].items():
                if "$ref" in member:
                    member = DEFS[member["$ref"].rsplit("/", 1)[1]]
                yield path, name, member

    def test_both_know_the_same_members(self):
        done = run("config-members", "--config", self.write("tidegate.json", self.whole))
        self.assertEqual(done.returncode, 0, done.stderr)
        known = {}
        for line in done.stdout.splitlines():
            path, _, names = line.rpartition(":")
            known[path] = set(names.split())
        wanted = {path: set(node["properties"]) for path, node in self.objects.items()}
        wanted["the configuration"].discard("$schema")
        self.assertEqual(known, wanted)

    def test_both_require_the_same_members(self):
        for path, node in self.objects.items():
            for name in node.get("required", ()):
                self.refused_at(path, name, None)
        minimal = copy.deepcopy(self.whole)
        for path in self.objects:
            node, here = self.objects[path], object_of(minimal, path)
            self.assertLessEqual(set(node.get("required", ())), set(here))

    def test_wrong_types_are_refused(self):
        for path, name, member in self.members():
            self.refused_at(path, name, wrong_type(member))

    def test_bounds_of_numbers_are_the_same(self):
        for path, name, member in self.members():
            if member.get("type") != "integer":
                continue
            self.accepted(path, name, member["minimum"])
            self.accepted(path, name, member["maximum"])
            self.refused_at(path, name, member["minimum"] - 1)
            self.refused_at(path, name, member["maximum"] + 1)

    def test_choices_are_the_same(self):
        for path, name, member in self.members():
            for value in member.get("enum", ()):
                self.accepted(path, name, value)
            if "enum" in member:
                self.refused_at(path, name, "other")

    def test_lengths_and_patterns_are_the_same(self):
        for path, name, member in self.members():
            if member.get("type") != "string" or name in ("url", "mode"):
                continue
            if "pattern" in member:
                self.refused_at(path, name, "a b")
            if member.get("minLength"):
                self.refused_at(path, name, "")
            if "maxLength" in member:
                self.refused_at(path, name, "x" * (member["maxLength"] + 1))

    def test_comments_pass_everywhere(self):
        for path in self.objects:
            self.accepted(path, "$comment", "kept by nobody")


class Rethink(Schema, Case):
    whole = {"name": "a", "store": {"path": "store"}, "log": {}, "sources": [SOURCE],
             "sinks": [FILE, HTTPS, NULL]}
    objects = {
        "the configuration": SCHEMA,
        "store": SCHEMA["properties"]["store"],
        "log": SCHEMA["properties"]["log"],
        "sources[0]": DEFS["source_rethinkdb"],
        "sources[0].table.readings": DEFS["table"],
        "sinks[0]": DEFS["sink_file"],
        "sinks[0].columns.*": DEFS["column_rule"],
        "sinks[1]": DEFS["sink_https"],
        "sinks[2]": DEFS["sink_null"],
    }


class Raven(Schema, Case):
    whole = {"name": "a", "store": {"path": "store"}, "log": {}, "sources": [DOCUMENTS],
             "sinks": [RAVEN]}
    objects = {
        "the configuration": SCHEMA,
        "store": SCHEMA["properties"]["store"],
        "log": SCHEMA["properties"]["log"],
        "sources[0]": DEFS["source_ravendb"],
        "sinks[0]": DEFS["sink_ravendb"],
    }


class Page(Case):
    """docs/configuration.md."""

    def test_it_is_made_from_the_schema(self):
        made = subprocess.run([sys.executable, ROOT / "tools" / "config_page.py"], text=True,
                              capture_output=True, timeout=60, check=True).stdout
        page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
        self.assertEqual(page, made, "run tools/config_page.py --write")

    def test_its_example_passes(self):
        page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
        example = json.loads(page.split("```json\n")[1].split("```")[0])
        example["sinks"][1]["bearer"] = {"$file": str(self.write("token", "t"))}
        self.write("rethinkdb-password", "p")
        done = self.check_config(example, env={"CREDENTIALS_DIRECTORY": str(self.folder)})
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    skip_without_program()
    unittest.main()
