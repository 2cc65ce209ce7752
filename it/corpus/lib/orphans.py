"""Processes whose own parents have ended: they become children of this one, which ends them."""

import ctypes
import os
import pathlib
import signal
import subprocess
import threading
import time

PR_SET_CHILD_SUBREAPER = 36

_lock = threading.Lock()
_started = set()


def adopt():
    """From now on this process is the parent of every orphan below it."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def start(*arguments, **options):
    """A subprocess.Popen that is no orphan."""
    with _lock:
        process = subprocess.Popen(*arguments, **options)
        _started.add(process.pid)
        return process


def _found():
    """Their pids, and whether each has ended already."""
    children = set()
    for task in pathlib.Path("/proc/self/task").glob("*/children"):
        try:
            children.update(map(int, task.read_text().split()))
        except OSError:
            pass  # the thread has just ended
    with _lock:
        return children - _started


def _has_ended(pid):
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def end():
    """Kills all there are, and those that are orphans thereby. Returns how many had not ended by themselves."""
    count = 0
    killed = set()
    while True:
        living = {pid for pid in _found() if not _has_ended(pid)}
        if not living:
            return count
        for pid in living - killed:
            os.kill(pid, signal.SIGKILL)  # it is a child that nobody has waited for: the number is its
            count += 1
        killed |= living
        time.sleep(0.01)
