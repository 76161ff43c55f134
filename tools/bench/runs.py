"""One run of a measured program, and what it cost: wall, CPU, bytes written, memory."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time

SAMPLE_SECONDS = 0.002
SECTOR_PAGE_BYTES = 4096


class Broken(SystemExit):
    """A run that did not do its work measures nothing."""


def cost(arguments, folder, environment=None, watch=None):
    """Runs a program to its end; `watch(pid)` is called every 2 ms while it runs.

    Returns its standard output's JSON with `wall`, `cpu` (children it waited for included) and
    `written` (wchar of /proc/PID/io) added."""
    with open(folder / "stdout", "w+b") as out, open(folder / "stderr", "w+b") as err:
        began = time.monotonic()
        process = subprocess.Popen(arguments, stdout=out, stderr=err, cwd=folder,
                                   env={**os.environ, **(environment or {})})
        options = os.WEXITED | os.WNOWAIT
        if watch:
            while os.waitid(os.P_PID, process.pid, options | os.WNOHANG) is None:
                watch(process.pid)
                time.sleep(SAMPLE_SECONDS)
        os.waitid(os.P_PID, process.pid, options)
        wall = time.monotonic() - began
        written = int(re.search(r"wchar: (\d+)",
                                pathlib.Path(f"/proc/{process.pid}/io").read_text())[1])
        _, status, use = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            raise Broken(f"bench: {' '.join(map(str, arguments))}: exit {process.returncode}: "
                         f"{err.read().decode()[-1000:]}")
        found = json.loads(out.read() or b"{}")
    return {**found, "wall": wall, "cpu": use.ru_utime + use.ru_stime, "user": use.ru_utime,
            "written": written}


def anonymous_kib(pid):
    """RssAnon of a process, 0 when it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"RssAnon:\s+(\d+) kB", text)
    return int(found[1]) if found else 0


class Tidegate:
    """tidegate against one plant: each sync with a store of its own unless told otherwise."""

    def __init__(self, build, folder, port, database):
        self.build, self.folder = pathlib.Path(build), pathlib.Path(folder)
        self.port, self.database = port, database

    def write_config(self, sink, table, source):
        """The config file of one sync, with the store and the files in the work folder."""
        config = {
            "name": "bench",
            "store": {"path": str(self.folder / "store"), "bytes_max": 4 << 30},
            "log": {"level": "warning"},
            "sources": [{"name": "rethinkdb", "type": "rethinkdb", "host": "127.0.0.1",
                         "port": self.port, "database": self.database, "tables": [table],
                         **source}],
            "sinks": [{"name": "out", **sink}],
        }
        if sink["type"] == "file":
            config["sinks"][0]["path"] = str(self.folder / "out")
        path = self.folder / "tidegate.json"
        path.write_text(json.dumps(config))
        return path

    def clear(self):
        """No store and no files: the next sync is the first one."""
        for name in ("store", "out"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def sync(self, sink, table="readings", **how):
        """One sync. `how`: source (members), again (keep the store), sync_ms (what each device
        sync takes), watch, under (a command to run it by)."""
        if not how.get("again"):
            self.clear()
        path = self.write_config(sink, table, how.get("source", {}))
        environment = None
        if "sync_ms" in how:
            environment = {"LD_PRELOAD": str(self.build / "bench" / "bench_delay.so"),
                           "BENCH_SYNC_MS": str(how["sync_ms"])}
        command = [*how.get("under", ()), str(self.build / "tidegate"), "sync", "--config",
                   str(path), "--json"]
        return cost(command, self.folder, environment, how.get("watch"))

    def index_pages(self):
        """Pages of the index in the store that the last sync left."""
        found = subprocess.run([self.build / "tidegate", "outbox", "verify", "--store",
                                self.folder / "store"], capture_output=True, text=True, check=True)
        return int(re.search(r"(\d+) index pages", found.stdout)[1])
