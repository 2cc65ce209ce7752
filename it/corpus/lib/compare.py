"""Runs workloads natively and hosted, and tells how they differ."""

import dataclasses
import difflib
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

import orphans
from host import Damage, Host

DIFF_LINES = 40


@dataclasses.dataclass
class Run:
    """What one run of a workload left behind."""

    fields: dict  # what is compared: name -> text
    seconds: float
    kib: int  # the peak of the largest process


@dataclasses.dataclass
class Result:
    group: str
    name: str
    state: str  # same, known, different, broken, missing
    detail: str = ""
    native_seconds: float = 0
    hosted_seconds: float = 0
    native_kib: int = 0
    hosted_kib: int = 0
    seconds: float = 0
    load: float = 0  # the machine's load average afterwards, others' work and this


# bubblewrap tells how its program has ended, and ends, before the first process of its namespace has ended.
ENDING_SECONDS = 1


def free_ports(count):
    """The first of so many ports in a row at which no program listens."""
    for first in range(21000 + os.getpid() % 500 * 20, 32000, count):
        sockets = []
        try:
            for port in range(first, first + count):
                each = socket.socket()
                sockets.append(each)
                each.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
    raise Damage("no free ports on loopback")


def started_by(leader, mark):
    """The processes of a session, and all that have the mark in their environment."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            marked = mark in (entry / "environ").read_bytes()
        except OSError:
            continue  # it has ended, or is another user's
        if (marked or int(fields[3]) == leader) and fields[0] not in "ZX" and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def kill_left(leader, mark, patience=0):
    """How many processes of a run were left after so many seconds; they are gone afterwards."""
    end = time.monotonic() + patience
    left = started_by(leader, mark)
    while left and time.monotonic() < end:
        time.sleep(0.01)
        left = started_by(leader, mark)
    first = left
    while left:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)
        left = started_by(leader, mark)
    return len(first)


def manifest(directory):
    """Every file below the directory: kind, mode, size, digest."""
    lines = []
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            content = "-> " + os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            content = f"{status.st_size} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
        else:
            content = ""
        lines.append(f"{stat.filemode(status.st_mode)} {path.relative_to(directory)} {content}".rstrip())
    return "".join(line + "\n" for line in lines)


class Runner:
    def __init__(self, work, tproc, neighbour, jdks):
        self.work, self.tproc, self.neighbour, self.jdks = work, tproc, neighbour, jdks
        self.host = None
        self.corpus = pathlib.Path(__file__).resolve().parent.parent

    def start_host(self):
        directory = self.work / "host"
        directory.mkdir(exist_ok=True, mode=0o700)
        self.host = Host(self.tproc, self.neighbour, directory)

    def mark(self):
        """What only the environment of a workload has."""
        return f"SCRATCH={self.work}/scratch\0".encode()

    def drop(self):
        """Ends the host and whatever of a workload there is."""
        if self.host:
            self.host.drop()
        kill_left(-1, self.mark())
        orphans.end()

    def environment(self, port):
        return {
            "PATH": f"{self.work}/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/usr/games",
            "HOME": f"{self.work}/scratch/home",
            "SCRATCH": f"{self.work}/scratch",
            "TMPDIR": f"{self.work}/scratch/tmp",
            "XDG_RUNTIME_DIR": f"{self.work}/scratch/run",
            "CORPUS": str(self.corpus),
            "PREPARED": f"{self.work}/prepared",
            "PORT": str(port),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "TERM": "xterm",
            "SHELL": "/bin/bash",
            "USER": "corpus",
            "LOGNAME": "corpus",
            "TPROC_RUN": self.host.launcher,
            "TPROC_SOCKET": self.host.socket,
            "CORPUS_NEIGHBOUR": self.host.neighbours[0].address,
            # What of this process's own has to reach a workload.
            **{name: os.environ[name] for name in ("RELEASE_ROOT",) if name in os.environ},
            **self.jdks,
        }

    def prepare(self, workload, port):
        """What an entry wants done once, natively and unmeasured. Returns what was wrong."""
        if not workload.prepare:
            return ""
        prepared = self.work / "prepared"
        shutil.rmtree(prepared, ignore_errors=True)
        prepared.mkdir()
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", '. "$CORPUS/lib/prelude.sh"; ' + workload.prepare],
            stdin=subprocess.DEVNULL, capture_output=True, cwd=prepared, env=self.environment(port),
        )
        text = (done.stdout + done.stderr).decode(errors="backslashreplace")
        return f"its 'prepare:' fails, status {done.returncode}:\n{text}" if done.returncode else ""

    def start(self, workload, kind, port, measuring):
        """Starts a workload in a new place; kind is natively or hosted, measuring a command that it is put behind."""
        place, scratch = self.work / "place", self.work / "scratch"
        for directory in (place, scratch, self.work / "state"):
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
        for name in ("home", "tmp", "run"):
            (scratch / name).mkdir(mode=0o700)
        link = self.work / "bin" / "run"
        link.unlink(missing_ok=True)
        link.symlink_to(self.corpus / "bin" / kind / "run")
        state = self.work / "state"
        script = state / f"{workload.name}.sh"
        script.write_text(workload.script)
        with open(state / "output", "wb") as output, open(state / "error", "wb") as error:
            return orphans.start(
                [*measuring, "bash", "-euo", "pipefail", "-c", '. "$CORPUS/lib/prelude.sh"; . "$0"', script],
                stdin=subprocess.DEVNULL, stdout=output, stderr=error, cwd=place,
                env=self.environment(port), start_new_session=True,
            )

    def fields(self, status, left):
        """What a run that has ended is compared by."""
        state = self.work / "state"
        return {
            "status": status + "\n",
            "output": (state / "output").read_bytes().decode(errors="backslashreplace"),
            "error": (state / "error").read_bytes().decode(errors="backslashreplace"),
            "files": manifest(self.work / "place"),
            "processes left": f"{left}\n",
        }

    def run(self, workload, kind, port):
        """Runs a workload once."""
        state = self.work / "state"
        before = self.host.forget_peak()
        start = time.monotonic()
        process = self.start(workload, kind, port, ["time", "-q", "-f", "%M", "-o", state / "peak"])
        try:
            status = str(process.wait(workload.limit))
        except subprocess.TimeoutExpired:
            status = f"none: no end within {workload.limit} s"
        seconds = time.monotonic() - start
        left = kill_left(process.pid, self.mark(), ENDING_SECONDS)
        process.wait()
        left += self.host.clear_away() + orphans.end()
        self.host.check()
        growth = self.host.resident("VmHWM") - before if kind == "hosted" else 0
        peak = (state / "peak").read_text().split() if (state / "peak").exists() else []
        return Run(self.fields(status, left), seconds, max(growth, int(peak[-1]) if peak else 0))

    def measure(self, workload, repeat):
        """Runs a workload both ways, repeat times, and compares."""
        start = time.monotonic()
        result = Result(workload.group, workload.name, "same")
        port = free_ports(10)
        natively, hosted = [], []
        wrong = self.prepare(workload, port)
        if wrong:
            result.state, result.detail = "broken", wrong
            return result
        try:
            for _ in range(repeat):
                natively.append(self.run(workload, "natively", port))
                hosted.append(self.run(workload, "hosted", port))
        except Damage as damage:
            # Whatever is left of this host is of no use to the next program.
            result.state, result.detail = "different", f"damage: {damage}"
            self.host.drop()
            self.start_host()
        if hosted and not result.detail:
            self.judge(workload, natively, hosted, result)
        for kind, runs in (("native", natively), ("hosted", hosted)):
            if runs:
                setattr(result, f"{kind}_seconds", min(run.seconds for run in runs))
                setattr(result, f"{kind}_kib", max(run.kib for run in runs))
        result.seconds = time.monotonic() - start
        result.load = os.getloadavg()[0]
        return result

    @staticmethod
    def judge(workload, natively, hosted, result):
        first = natively[0]
        if first.fields["status"] != "0\n":
            told = {name: first.fields[name] for name in ("status", "output", "error")}
            result.state, result.detail = "broken", "fails natively:\n" + describe({}, told)
            return
        for again in natively[1:]:
            if again.fields != first.fields:
                result.state = "broken"
                result.detail = "differs from run to run natively:\n" + describe(first.fields, again.fields)
                return
        differences = "".join(describe(first.fields, run.fields) for run in hosted if run.fields != first.fields)
        if not workload.differs:
            if differences:
                result.state, result.detail = "different", differences
        elif not differences:
            result.state = "different"
            result.detail = f"no longer differs: take 'differs:' off [{workload.name}]"
        elif re.search(workload.differs, differences):
            result.state, result.detail = "known", workload.cause
        else:
            result.state, result.detail = "different", f"differs, but not by /{workload.differs}/:\n{differences}"


def describe(expected, actual):
    """Where two runs differ, as text."""
    text = ""
    for name in actual:
        if expected.get(name) == actual[name]:
            continue
        lines = list(
            difflib.unified_diff(
                expected.get(name, "").splitlines(True), actual[name].splitlines(True), "natively", "hosted", n=1
            )
        )[2:]
        text += f"{name}:\n" + "".join(line if line.endswith("\n") else line + "\n" for line in lines[:DIFF_LINES])
        if len(lines) > DIFF_LINES:
            text += f"... and {len(lines) - DIFF_LINES} lines more\n"
    return text


def missing(workload):
    """Why a workload cannot run here, or nothing."""
    lacking = [name for name in workload.packages if not installed(name)]
    if lacking:
        return f"not installed: {' '.join(lacking)}"
    absent = [name for name in workload.needs if not os.environ.get(name)]
    return f"not here: {' '.join(absent)}" if absent else ""


def installed(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Status}", package], capture_output=True, text=True)
    return done.stdout == "install ok installed"


def progress(result):
    ratio = result.hosted_seconds / result.native_seconds if result.native_seconds else 0
    figures = f"{result.native_seconds:7.2f} s x {ratio:5.2f}" if ratio else ""
    print(f"{result.state:<10}{result.name:<24}{figures}", flush=True)
    if result.state in ("different", "broken"):
        print("    " + result.detail.rstrip().replace("\n", "\n    "), flush=True)
    sys.stdout.flush()
