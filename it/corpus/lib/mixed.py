"""Many workloads at once in one host, of which some are killed at a random moment."""

import collections
import itertools
import random
import shutil
import subprocess
import threading
import time
import typing

import compare
import orphans
from host import Damage

# With so many at once each takes longer than alone.
SLOWER = 10

# What tproc-run says of a program for fixed addresses beside another (docs/limits.md).
TAKEN = b"(ET_EXEC), where "

# Ten for each run: what was killed may keep its ports for some seconds. Below those that the kernel gives out.
PORTS = range(21000, 32000, 10)

# Show what others do, too.
SHOW_OTHERS = {"ss"}


class Seen(typing.NamedTuple):
    status: int
    output: bytes
    error: bytes

    def same(self, other):
        return (self.status, self.output) == (other.status, other.output)


class Place(compare.Runner):
    """Where one workload at a time runs: directories, ports and a mark of its own, and the host that all share."""

    def __init__(self, runner, number):
        super().__init__(runner.work / f"at{number}", runner.tproc, runner.neighbour, runner.jdks)
        self.host = runner.host

    def run_one(self, workload, kind, port, life=None):
        """Runs it once, and kills it after `life` seconds, if that is not None. Returns what is compared, or None."""
        shutil.rmtree(self.work, ignore_errors=True)
        for name in ("place", "bin", "state", "scratch/home", "scratch/tmp", "scratch/run"):
            (self.work / name).mkdir(parents=True, mode=0o700)
        (self.work / "bin/run").symlink_to(self.corpus / "bin" / kind / "run")
        script = self.work / f"state/{workload.name}.sh"
        script.write_text(workload.script)
        state = self.work / "state"
        with open(state / "output", "wb") as output, open(state / "error", "wb") as error:
            process = orphans.start(
                ["bash", "-euo", "pipefail", "-c", '. "$CORPUS/lib/prelude.sh"; . "$0"', script],
                stdin=subprocess.DEVNULL, stdout=output, stderr=error, cwd=self.work / "place",
                env=self.environment(port), start_new_session=True,
            )
            try:
                status = process.wait(workload.limit * SLOWER if life is None else life)
            except subprocess.TimeoutExpired:
                status = f"no end within {workload.limit * SLOWER} s" if life is None else None
        compare.kill_left(process.pid, self.mark())
        process.wait()
        if status is None:
            return None
        return Seen(status, (state / "output").read_bytes(), (state / "error").read_bytes())

    def was_refused(self, seen):
        """Whether a program of the run found its fixed addresses taken; it may have said so in a file."""
        files = [each for each in self.work.rglob("*") if each.is_file() and not each.is_symlink()]
        return TAKEN in seen.error or any(TAKEN in each.read_bytes() for each in files if each.stat().st_size < 65536)


class Mix:
    def __init__(self, runner, workloads, places, seconds, seed):
        self.runner, self.workloads, self.seconds = runner, workloads, seconds
        self.places = [Place(runner, number) for number in range(places)]
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.ports = itertools.cycle(PORTS)
        self.natively = {}  # name -> what it was alone, without a host
        self.counts = collections.Counter()
        self.different = []
        self.over = threading.Event()

    def choose(self):
        with self.lock:
            life = self.random.uniform(0, 2) if self.random.random() < 0.5 else None
            return self.random.choice(self.workloads), next(self.ports), life

    def work_at(self, place):
        while not self.over.is_set():
            workload, port, life = self.choose()
            seen = place.run_one(workload, "hosted", port, life)
            expected = self.natively[workload.name]
            refused = seen is not None and not seen.same(expected) and place.was_refused(seen)
            with self.lock:
                self.counts["killed" if seen is None else "refused" if refused else "ended"] += 1
                if seen is not None and not refused and not seen.same(expected):
                    self.different.append((workload.name, expected, seen))

    def run(self):
        """Returns what was wrong, as lines."""
        for workload in self.workloads:
            self.natively[workload.name] = self.places[0].run_one(workload, "natively", next(self.ports))
        self.workloads = [each for each in self.workloads if self.natively[each.name].status == 0]
        threads = [threading.Thread(target=self.work_at, args=[place]) for place in self.places]
        for thread in threads:
            thread.start()
        wrong = []
        until = time.monotonic() + self.seconds
        try:
            while time.monotonic() < until:
                self.runner.host.check()
                self.over.wait(1)
        except Damage as damage:
            wrong.append(f"damage: {damage}")
        self.over.set()
        for thread in threads:
            thread.join()
        left = self.runner.host.clear_away()
        # Forked children of those that were killed, in a session of their own: natively they would stay as well.
        orphans.end()
        if left:
            wrong.append(f"{left} programs left whose launchers have ended")
        for name, expected, seen in self.different:
            told = f"{seen.output[-300:]!r} {seen.error[-300:]!r}"
            wrong.append(f"{name}: natively {expected.status} {expected.output[-300:]!r}; hosted {seen.status} {told}")
        return wrong


def possible(workload):
    """Whether it may run beside others: with the terminal's and the clock's speed it may not be compared."""
    unsuited = workload.group == "terminal" or workload.name in SHOW_OTHERS
    return not (unsuited or workload.prepare or workload.differs or compare.missing(workload))
