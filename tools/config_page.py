#!/usr/bin/env python3
"""Writes the reference part of docs/configuration.md from docs/tidegate.schema.json.

    tools/config_page.py          prints the page as it should be
    tools/config_page.py --write  writes it

What stands above the marker is written by hand and stays. A test compares the two.
"""

import json
import pathlib
import sys

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
MARKER = "<!-- From here on made by tools/config_page.py from tidegate.schema.json. -->\n"


def resolve(schema, node):
    reference = node.get("$ref", "")
    return schema["$defs"][reference.rsplit("/", 1)[1]] if reference else node


def kind(node):
    """The type as a reader calls it."""
    if "const" in node:
        return f'`"{node["const"]}"`'
    if "enum" in node:
        return " ".join(f'`"{value}"`' for value in node["enum"])
    if any(choice.get("type") == "array" for choice in node.get("oneOf", ())):
        return "text or list of texts"
    if "oneOf" in node:
        secret = any("$ref" in choice for choice in node["oneOf"])
        return "text or [secret](#a-secret)" if secret else "text or list of texts"
    if node["type"] == "array":
        return "list of texts" if node["items"].get("type") == "string" else "list of objects"
    return {"string": "text", "integer": "number", "boolean": "true, false"}.get(
        node["type"], node["type"])


def bounds(node):
    if "minimum" in node:
        return f'{node["minimum"]} to {node["maximum"]}'
    if "maxLength" in node and "enum" not in node:
        return f'at most {node["maxLength"]} bytes'
    return ""


def default(node, required):
    if required:
        return "required"
    return f'`{json.dumps(node["default"])}`' if "default" in node else ""


def table(schema, node):
    """The members of one object as a table."""
    lines = ["| member | type | default | |", "| --- | --- | --- | --- |"]
    for name, member in node["properties"].items():
        member = resolve(schema, member)
        limits = bounds(member)
        text = member["description"] + (f" ({limits})" if limits else "")
        first = default(member, name in node.get("required", ()))
        lines.append(f"| `{name}` | {kind(member)} | {first} | {text} |")
    return "\n".join(lines) + "\n"


def section(schema, title, node):
    return f'\n## {title}\n\n{node["description"]}\n\n{table(schema, node)}'


def reference(schema):
    defs = schema["$defs"]
    parts = [
        section(schema, "The file", schema),
        section(schema, "`store`", schema["properties"]["store"]),
        section(schema, "`log`", schema["properties"]["log"]),
        section(schema, "A source of type `rethinkdb`", defs["source_rethinkdb"]),
        section(schema, "A table's own settings", defs["table"]),
        section(schema, "A source of type `ravendb`", defs["source_ravendb"]),
        section(schema, "A sink of type `file`", defs["sink_file"]),
        section(schema, "A sink of type `https`", defs["sink_https"]),
        section(schema, "A sink of type `ravendb`", defs["sink_ravendb"]),
        section(schema, "A sink of type `null`", defs["sink_null"]),
        section(schema, "A rule of `columns`", defs["column_rule"]),
        section(schema, "A secret", defs["secret"]),
    ]
    return "".join(parts)


def page():
    schema = json.loads((DOCS / "tidegate.schema.json").read_text(encoding="utf-8"))
    old = (DOCS / "configuration.md").read_text(encoding="utf-8")
    return old.split(MARKER)[0] + MARKER + reference(schema)


def main():
    text = page()
    if sys.argv[1:] == ["--write"]:
        (DOCS / "configuration.md").write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
