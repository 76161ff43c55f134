"""The simulator answers every recording as the real server did; the checker can tell if not."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import check_sim  # noqa: E402
import recording  # noqa: E402
from rethinksim import scram  # noqa: E402


def run(*paths):
    """check_sim.py's exit status and output."""
    found = subprocess.run([sys.executable, HERE / "check_sim.py", *paths], capture_output=True,
                           text=True, check=False)
    return found.returncode, found.stdout + found.stderr


class Recordings(unittest.TestCase):
    def test_nothing_differs(self):
        status, output = run()
        self.assertEqual(status, 0, output)
        self.assertIn("24 recordings", output)
        self.assertIn("0 differences, 3 changefeed recordings not answered yet", output)

    def test_proofs_and_signatures_recomputed(self):
        checked = 0
        for path in sorted((HERE / "rethinkdb").glob("*.jsonl")):
            texts = [json.loads(event["data"]).get("authentication", "")
                     for event in recording.load(path) if event["kind"] == "handshake"]
            name = texts[0].split("n=")[1].split(",")[0]
            if name not in check_sim.ACCOUNTS:
                continue
            password, rounds, _ = check_sim.ACCOUNTS[name]
            account = (password, check_sim.salt_of(texts[2]), rounds)
            final = texts[3].split(",p=")[0]
            whole = ",".join((texts[0][3:], texts[2], final))
            if len(texts) > 4 and texts[4].startswith("v="):
                self.assertEqual(texts[3], f"{final},p={scram.proof(*account, whole)}", path.name)
                self.assertEqual(texts[4], "v=" + scram.signature(*account, whole), path.name)
                checked += 1
            else:
                self.assertNotEqual(texts[3], f"{final},p={scram.proof(*account, whole)}")
        self.assertEqual(checked, 25)


class Differences(unittest.TestCase):
    """A recording that was altered must be found out."""

    def altered(self, name, old, new):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for path in (HERE / "rethinkdb").glob("*.jsonl"):
            shutil.copy(path, folder.name)
        path = pathlib.Path(folder.name) / name
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new), encoding="utf-8")
        return run(path)

    def test_alterations(self):
        for name, old, new in (
                ("numbers.jsonl", "0.30000000000000007", "0.30000000000000004"),
                ("numbers.jsonl", "1e21", "1E21"),
                ("strings_escapes.jsonl", "漢", "\\\\u6f22"),
                ("error_no_such_index.jsonl", "was not found", "is missing"),
                ("error_no_such_table.jsonl", '\\"b\\":[]', '\\"b\\":[0]'),
                ("handshake_admin_empty_password.jsonl", "v=824g", "v=924g"),
                ("server_info_and_noreply_wait.jsonl", '\\"t\\":4', '\\"t\\":2'),
                ("pseudotypes_raw.jsonl", '\\"epoch_time\\":0,', '\\"epoch_time\\":0.0,'),
                ("discovery.jsonl", '\\"e\\":6000000', '\\"e\\":4100000')):
            with self.subTest(name=name, new=new):
                status, output = self.altered(name, old, new)
                self.assertEqual(status, 1, output)
                self.assertIn("DIFFERS " + name, output)

    def test_order_matters_where_it_is_promised(self):
        middle = ',\\"updated_at\\":\\"2026-03-01T00:01:00.000Z\\"},{\\"id\\":'
        status, output = self.altered("incremental_between_index_ordered.jsonl",
                                      f"11{middle}12", f"12{middle}11")
        self.assertEqual(status, 1, output)

    def test_nothing_to_compare_is_no_success(self):
        feed = HERE / "rethinkdb" / "changefeed_squash.jsonl"
        status, output = run(feed)
        self.assertEqual(status, 2, output)
        self.assertIn("not answered yet (changefeed): changefeed_squash.jsonl", output)


if __name__ == "__main__":
    unittest.main()
