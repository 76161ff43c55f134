"""Runs the test programs that open a store in the arm64 machine, all in one boot.

    store.py run PROGRAM...     the setup of the others: runs each, keeps what each said
    store.py tell PROGRAM       says what it said and ends as it ended

Both know each other by the folder of the build, TIDEGATE_BUILD. The programs are those of a build
for arm64; musl's LMDB wants robust mutexes, which a kernel has and qemu-user has not.
"""

import contextlib
import io
import json
import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import disk
import machine
import skips  # machine.py says where

FOLDER = pathlib.Path(os.environ["TIDEGATE_BUILD"]) / "vm/store"
# The programs' own pools are 120 MiB of address space.
MEMORY_MIB = 256
DISK_MIB = 256
PROGRAM_SECONDS_MAX = 300


def shell(vm):
    """Gives the machine a shell and all the commands that come with it."""
    done = vm.run("/bin/busybox", "--install", "-s", "/bin")
    if done.code != 0:
        sys.exit(f"the machine's shell: {done}")


def keep(name, **result):
    (FOLDER / f"{name}.json").write_text(json.dumps(result), encoding="utf-8")


def run_all(programs):
    with tempfile.TemporaryDirectory(prefix="tidegate-vm-store-") as here:
        folder = pathlib.Path(here) / "programs"
        folder.mkdir()
        for program in programs:
            shutil.copy(program, folder)
        image = disk.make(pathlib.Path(here) / "disk", DISK_MIB, folder=folder)
        parts = machine.need()
        files = {"/bin/busybox": parts.shell}
        with machine.Machine(files, image, memory_mib=MEMORY_MIB) as vm:
            vm.mount("/tmp")
            vm.network()
            vm.environment(PATH="/bin", TIDEGATE_SLOW="1")
            shell(vm)
            for program in programs:
                name = pathlib.Path(program).name
                done = vm.run(f"/tmp/{name}", seconds=PROGRAM_SECONDS_MAX)
                keep(name, code=done.code, said=done.out + done.err, stats=done.stats)
                print(name, done.code, done.stats["ms"], "ms", flush=True)
            vm.power_off()
        disk.check(image)


def run(programs):
    """Where there is no machine, each program's test is skipped for the same reason."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            machine.need()
    except SystemExit:
        for program in programs:
            keep(pathlib.Path(program).name, code=skips.EXIT_SKIPPED, said=said.getvalue())
        print(said.getvalue(), end="")
        raise
    run_all(programs)


def tell(program):
    path = FOLDER / f"{program}.json"
    if not path.exists():
        sys.exit(f"{program} did not get to run: see the test vm.store")
    result = json.loads(path.read_text(encoding="utf-8"))
    print(result["said"], end="")
    if result["code"] < 0:
        print(f"ended by signal {-result['code']}")
    return result["code"] if result["code"] >= 0 else 128 - result["code"]


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"] and len(sys.argv) > 2:
        run(sys.argv[2:])
    elif sys.argv[1:2] == ["tell"] and len(sys.argv) == 3:
        sys.exit(tell(sys.argv[2]))
    else:
        sys.exit(__doc__)
