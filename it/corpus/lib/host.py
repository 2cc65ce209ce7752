"""A host (tproc serve) and the neighbours in it, which check their own memory."""

import os
import pathlib
import select
import signal
import subprocess
import time

import orphans

PATIENCE = 60


class Damage(Exception):
    """A neighbour, or the host, is not what it was."""


class Neighbour:
    """A hosted program that fills its memory with a pattern; "check" makes it look at all of it."""

    def __init__(self, launcher, socket, program, seed):
        self.seed = seed
        self.process = orphans.start(
            [launcher, socket, program, str(seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        _, pid, self.address = self.answer("ready").split()
        self.pid = int(pid)

    def answer(self, expected):
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline().strip() if readable else "no answer"
        if not line.startswith(expected):
            raise Damage(f"neighbour {self.seed}: {line or 'ended, status ' + str(self.process.wait())}")
        return line

    def check(self):
        try:
            self.process.stdin.write("check\n")
        except OSError:
            pass  # it has ended: answer() says so
        return self.answer("whole")

    def end(self):
        self.check()
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        if status != 0:
            raise Damage(f"neighbour {self.seed}: ended with status {status}")


class Host:
    def __init__(self, tproc, neighbour, directory, neighbours=3):
        # A directory of its own for the socket: its path has to be short.
        self.socket = str(directory / "host.sock")
        self.log = directory / "host.log"
        self.launcher = str(tproc / "bin/tproc-run")
        with open(self.log, "ab") as log:
            self.process = orphans.start(
                [str(tproc / "bin/tproc"), "serve", self.socket],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory
            )
        deadline = time.monotonic() + PATIENCE
        while not self.log.read_bytes().endswith(b"process %d\n" % self.process.pid):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Damage(f"the host does not listen: {self.log.read_text()}")
            time.sleep(0.02)
        self.neighbours = [Neighbour(self.launcher, self.socket, neighbour, seed) for seed in range(1, neighbours + 1)]

    def children(self):
        """The processes that the host is the parent of, but the neighbours."""
        found = set()
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            try:
                found.update(map(int, task.read_text().split()))
            except OSError:
                pass  # the thread has just ended
        return found - {each.pid for each in self.neighbours}

    def resident(self, field):
        """VmRSS or VmHWM, in KiB."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise Damage(f"the host has no {field}: it has ended")

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self.resident("VmRSS")

    def clear_away(self):
        """Waits for the programs of a workload that has ended, and kills those that stay. Returns how many did."""
        deadline = time.monotonic() + 5
        while self.children() and time.monotonic() < deadline:
            time.sleep(0.01)
        left = self.children()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        while self.children() and time.monotonic() < deadline + PATIENCE:
            time.sleep(0.01)
        return len(left)

    def check(self):
        if self.process.poll() is not None:
            raise Damage(f"the host has ended, status {self.process.returncode}:\n{self.log.read_text()[-2000:]}")
        for each in self.neighbours:
            each.check()

    def end(self):
        """Ends all in order; says what was not."""
        for each in self.neighbours:
            each.end()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        if status != 0:
            raise Damage(f"the host ended with status {status}:\n{self.log.read_text()[-2000:]}")

    def drop(self):
        """Ends all, whatever its state."""
        for process in [self.process] + [each.process for each in self.neighbours]:
            if process.poll() is None:
                process.kill()
            process.wait()
