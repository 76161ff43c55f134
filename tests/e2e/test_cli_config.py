"""A configuration is refused as a whole, every fault at once, and never shows a secret."""

import json
import unittest

from cli import Case, run, skip_without_program

SECRET = "correct-horse-battery-staple"


class Config(Case):
    def with_source(self, **members):
        config = self.config()
        config["sources"][0].update(members)
        return config

    def test_the_smallest_configuration_passes(self):
        done = self.check_config(self.config())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((self.folder / "store").exists())
        self.assertFalse((self.folder / "out").exists())

    def test_every_fault_is_told_at_once_with_its_path(self):
        config = self.config(store={"bytes_max": 5}, log={"level": "loud"}, colour=1)
        config["sources"][0].update(prot=28016, port="x", mode="never", tables=[])
        config["sinks"].append({"name": "files", "type": "file", "layout": 7})
        done = self.check_config(config)
        self.refused(done, 2, "colour: unknown member", "store.path: is missing",
                     "store.bytes_max: 5 is not allowed", "log.level: must be one of",
                     "sources[0].prot: unknown member; did you mean port?", "sources[0].port:",
                     "sources[0].mode: must be one of: snapshot, timestamp, auto",
                     "sources[0].tables:", "sinks[1].name: another sink has this name",
                     "sinks[1].path: is missing", "sinks[1].layout: must be one of")
        self.assertEqual(list(self.folder.iterdir()), [self.folder / "tidegate.json"])

    def test_text_that_is_no_json_is_told_with_its_place(self):
        self.refused(self.check_config('{"name": "a",\n  "store" }'), 2, "line 2, column")
        self.refused(self.check_config('{"name": "a", "name": "b"}'), 2, "twice")
        self.refused(self.check_config("[]"), 2, "must hold one JSON object")
        self.refused(run("check", "--config-only", "--config", self.folder / "none.json"), 2,
                     "there is no such file")

    def test_secrets_come_from_files_environment_and_credentials(self):
        token = self.write("token", SECRET + "\n")
        ways = (({"$file": str(token)}, {}), ({"$env": "TIDEGATE_TEST_SECRET"},
                                              {"TIDEGATE_TEST_SECRET": SECRET}),
                ({"$credential": "token"}, {"CREDENTIALS_DIRECTORY": str(self.folder)}),
                (SECRET, {}))
        for password, env in ways:
            done = self.check_config(self.with_source(password=password), env=env)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn(SECRET, done.stdout + done.stderr)

    def test_secrets_that_are_missing_are_named_and_never_shown(self):
        cases = (({"$file": str(self.folder / "none")}, "secret's file"),
                 ({"$env": "TIDEGATE_NO_SUCH_VARIABLE"}, "TIDEGATE_NO_SUCH_VARIABLE is not set"),
                 ({"$credential": "a/b"}, "holds no slash"),
                 ({"$credential": "token"}, "token cannot be read"),
                 ({"$fiel": "x"}, "sources[0].password"), (7, "sources[0].password: must be"))
        for password, sentence in cases:
            self.refused(self.check_config(self.with_source(password=password),
                                           env={"CREDENTIALS_DIRECTORY": str(self.folder)}),
                         2, sentence)

    def test_a_secret_that_is_too_long_is_not_shown(self):
        done = self.check_config(self.with_source(password=SECRET * 40))
        self.refused(done, 2, "sources[0].password: is longer than")
        self.assertNotIn(SECRET, done.stdout + done.stderr)

    def test_no_secret_is_shown_by_a_sync_that_fails(self):
        path = self.write("tidegate.json", self.with_source(password=SECRET))
        done = run("sync", "--config", path, "--wait", "5", "--log-level", "debug")
        self.assertEqual(done.returncode, 10, done.stderr)
        self.assertNotIn(SECRET, done.stdout + done.stderr)

    def test_the_seeds_flat_file_is_checked_as_the_seed_has_it(self):
        flat = {"host": "127.0.0.1", "port": "28015", "database": "plant", "username": "",
                "password": "", "use_ssl": "false"}
        words = ("check", "--config-only", "--to", "out", "--rethinkdb")
        self.assertEqual(run(*words, self.write("c.json", flat)).returncode, 0)
        del flat["database"]
        flat["hots"] = flat["port"] = "x"
        self.refused(run(*words, self.write("c.json", flat)), 2, "database: is missing",
                     "hots: unknown member; did you mean host?")
        self.refused(run(*words, self.write("c.json", {"host": "h", "port": "x", "database": "d"})),
                     2, "port: is not a whole number")

    def test_the_other_seeds_flat_file_too(self):
        flat = {"ravendb_urls": "http://127.0.0.1:1, http://localhost:2", "database_name": "plant",
                "collection_name": "Orders", "batch_size": "100", "certificate_base64": ""}
        words = ("check", "--config-only", "--to", "out", "--ravendb")
        self.assertEqual(run(*words, self.write("c.json", flat)).returncode, 0)
        flat["ravendb_urls"] = "https://127.0.0.1:1"
        self.refused(run(*words, self.write("c.json", flat)), 2, "certificate_file: is missing")
        flat["batchsize"] = flat.pop("database_name")
        self.refused(run(*words, self.write("c.json", flat)), 2, "database_name: is missing",
                     "batchsize: unknown member; did you mean batch_size?")

    def test_looking_needs_no_secret(self):
        config = self.with_source(password={"$credential": "none"})
        self.refused(run("status", "--config", self.write("tidegate.json", config)), 2,
                     "there is no store in")

    def test_the_log_is_set_by_file_and_words(self):
        path = self.write("tidegate.json", self.config(log={"format": "json", "level": "error"}))
        done = run("sync", "--config", path, "--wait", "5", "--log-level", "info")
        events = [line for line in done.stderr.splitlines() if line.startswith("{")]
        self.assertEqual([json.loads(event)["event"] for event in events], ["source.failed"])
        done = run("sync", "--config", path, "--wait", "5", "--log-level", "info",
                   "--log-format", "text")
        self.assertFalse([line for line in done.stderr.splitlines() if line.startswith("{")])


if __name__ == "__main__":
    skip_without_program()
    unittest.main()
