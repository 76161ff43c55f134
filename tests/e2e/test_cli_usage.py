"""What the command line says before it does anything: help, versions, budgets, and refusals."""

import unittest

from cli import ROOT, Case, run, skip_without_program

COMMANDS = ("check", "discover", "sync", "resync", "status", "outbox stat", "outbox list",
            "outbox show", "outbox verify", "quarantine list", "quarantine replay",
            "quarantine discard", "sink forget", "budget", "version", "help")


class Usage(Case):
    def test_help_lists_every_command(self):
        for words in ((), ("help",), ("--help",), ("-h",)):
            done = run(*words)
            self.assertEqual(done.returncode, 0)
            self.assertEqual(done.stderr, "")
            for command in COMMANDS:
                self.assertIn(f"  {command} ", done.stdout)
            self.assertNotIn("config-members", done.stdout)

    def test_each_command_has_a_page(self):
        for command in COMMANDS:
            for words in (("help", command), (*command.split(), "--help")):
                done = run(*words)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stdout.startswith(f"usage: tidegate {command}"), done.stdout)
        self.assertEqual(run("help", "outbox").stdout.count("usage: "), 4)
        self.refused(run("help", "frobnicate"), 2, "no command frobnicate")

    def test_words_that_are_wrong_end_with_2_and_the_nearest(self):
        self.refused(run("snyc"), 2, "did you mean sync?")
        self.refused(run("sync", "--config", "x", "--jsno"), 2, "did you mean --json?")
        self.refused(run("sync"), 2, "--rethinkdb FILE and --to TARGET")
        self.refused(run("outbox"), 2, "stat, list, show, verify")
        self.refused(run("status", "--store", self.folder, "--wait", "3"), 2, "takes no --wait")

    def test_exit_codes_page_is_the_programs_table(self):
        table = run("help", "exit-codes").stdout
        page = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
        lines = [line for line in page.splitlines() if line.startswith("|")]
        self.assertEqual(lines, table.splitlines())

    def test_version_says_what_was_built(self):
        done = run("version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^tidegate \d+\.\d+\.\d+\n")
        self.assertIn("sources: rethinkdb", done.stdout)
        self.assertIn("sinks: file https null", done.stdout)

    def test_budget_sums_up_and_fits(self):
        lines = run("budget").stdout.splitlines()
        numbers = [int(line.split()[0]) for line in lines[1:]]
        self.assertEqual(sum(numbers[:-1]), numbers[-1])
        self.assertLessEqual(numbers[-1], int(lines[-1].rsplit(" ", 1)[1]))

    def test_a_folder_without_a_store_is_not_made_into_one(self):
        for words in (("status",), ("outbox", "stat"), ("outbox", "verify"), ("quarantine", "list"),
                      ("resync", "a/b/c"), ("sink", "forget", "x")):
            done = run(*words, "--store", self.folder / "none")
            self.refused(done, 2, "there is no store in")
            self.assertFalse((self.folder / "none").exists())

    def test_output_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            import subprocess
            from cli import PROGRAM
            done = subprocess.run([PROGRAM, "version"], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=60, check=False)
        self.refused(done, 6, "standard output cannot be written")


if __name__ == "__main__":
    skip_without_program()
    unittest.main()
