"""The figures as a table, beside what they must reach; and the machine that they come from."""

import os
import platform
import re
import shutil
import subprocess
import time


def ratio(figures, name, member="share"):
    found = figures.get(name, {}).get(member)
    return None if found is None else found


def memory(figures):
    """The largest peak in MiB."""
    found = [value["kib"] for name, value in figures.items() if name.startswith("memory_")]
    return max(found) / 1024 if found else None


# (what, how it is found, the figure that it must reach, the aim, is more better, how it is written)
ROWS = (
    ("rows/s into the outbox, share of the plain reader",
     lambda f: ratio(f, "outbox"), 0.90, 1.10, True, "{:.2f}"),
    ("rows/s into an fsynced file, share of the plain reader",
     lambda f: ratio(f, "file"), 0.85, 1.0, True, "{:.2f}"),
    ("the same as a multiple of the official Python driver",
     lambda f: ratio(f, "python", "times"), 2.0, 2.4, True, "{:.2f} x"),
    ("the same with every sync 10 ms longer, share of the plain reader",
     lambda f: ratio(f, "delay"), 0.35, 0.5, True, "{:.2f}"),
    ("CPU a row, socket to fsynced file, `document`",
     lambda f: ratio(f, "document", "cpu_us"), 1.5, 1.0, False, "{:.2f} us"),
    ("CPU a row, socket to fsynced file, `columns`",
     lambda f: ratio(f, "file", "cpu_us"), 2.3, 1.5, False, "{:.2f} us"),
    ("RssAnon, the highest of all sizes", memory, 2.5, 1.5, False, "{:.2f} MiB"),
    ("bytes written a row byte, outbox alone, without the index",
     lambda f: ratio(f, "written", "without_index"), 1.15, 1.05, False, "{:.3f}"),
    ("1,000 changed rows by an indexed time, share of the full sync",
     lambda f: ratio(f, "changed"), 0.03, None, False, "{:.3f}"),
)
STATED = (
    ("bytes written a row byte for the index", lambda f: ratio(f, "written", "index"), "{:.3f}"),
    ("instructions a row, socket to commit",
     lambda f: ratio(f, "instructions_outbox", "per_row"), "{:.0f}"),
    ("instructions a row, socket to file, `document`",
     lambda f: ratio(f, "instructions_document", "per_row"), "{:.0f}"),
    ("instructions a row, socket to file, `columns`",
     lambda f: ratio(f, "instructions_columns", "per_row"), "{:.0f}"),
    ("of them in SHA-1, which valgrind runs without the processor's own instructions",
     lambda f: ratio(f, "instructions_outbox", "sha1_per_row"), "{:.0f}"),
    ("CPU a row, plain reader", lambda f: ratio(f, "reader", "cpu_us"), "{:.2f} us"),
    ("CPU a row, official Python driver", lambda f: ratio(f, "python", "cpu_us"), "{:.1f} us"),
    ("a pass over rows that are all unchanged", lambda f: ratio(f, "unchanged", "seconds"),
     "{:.2f} s"),
)


def verdict(found, must, aim, more):
    """ok, aim (better than asked for) or short."""
    def reached(goal):
        return goal is not None and (found >= goal if more else found <= goal)
    if reached(aim):
        return "aim"
    return "ok" if reached(must) else "short"


def table(figures, rows=ROWS, stated=STATED):
    """Markdown."""
    lines = ["| measure | must | aim | measured | |", "|---|---|---|---|---|"]
    for what, find, must, aim, more, form in rows:
        found = find(figures)
        if found is None:
            lines.append(f"| {what} | {must} | {aim or 'stated'} | not measured | |")
            continue
        lines.append(f"| {what} | {must} | {aim or 'stated'} | {form.format(found)} | "
                     f"{verdict(found, must, aim, more)} |")
    for what, find, form in stated:
        found = find(figures)
        if found is not None:
            lines.append(f"| {what} | | stated | {form.format(found)} | |")
    reader = figures.get("reader")
    if reader:
        low, middle, high = reader["seconds"]
        lines += ["", f"The plain reader: {reader['rows_per_second']:,.0f} rows/s in the middle, "
                      f"{low:.2f} to {high:.2f} s around {middle:.2f} s."]
    for name in sorted(name for name in figures if name.startswith("memory_")):
        what = f"with {int(name[7:]):,} rows" if name[7:].isdigit() else name[7:]
        lines.append(f"RssAnon, {what}: {figures[name]['kib']} KiB.")
    return "\n".join(lines)


def output(*command):
    """What a command prints; nothing where there is no such command."""
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def machine(root):
    """What the figures depend on."""
    cpu = re.search(r"Model name:\s+(.*)", output("lscpu"))
    server = os.environ.get("TIDEGATE_RETHINKDB", "rethinkdb")
    commit = output("git", "-C", str(root), "rev-parse", "--short", "HEAD").strip()
    return {"cpu": cpu[1] if cpu else "", "cores": os.cpu_count(), "kernel": platform.release(),
            "server": output(server, "--version").splitlines()[:1],
            "disk": output("df", "--output=source,fstype", str(root)).splitlines()[-1:],
            "commit": commit, "date": time.strftime("%Y-%m-%d %H:%M")}
