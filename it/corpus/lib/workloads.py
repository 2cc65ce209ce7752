"""Reads the files that name the programs: see ../README.md for their form."""

import dataclasses
import pathlib
import re

HEADER = re.compile(r"^\[([A-Za-z0-9][A-Za-z0-9+.-]*)\]$")
KEY = re.compile(r"^(what|packages|needs|limit|prepare|differs|cause|releases): (.+)$")
WAYS = ("inside", "beside")


class FormError(Exception):
    """A file is not of the form that the README tells."""


@dataclasses.dataclass
class Workload:
    group: str
    name: str
    what: str = ""
    packages: list = dataclasses.field(default_factory=list)
    needs: list = dataclasses.field(default_factory=list)
    quick: bool = False
    releases: list = dataclasses.field(default_factory=list)
    limit: int = 120
    prepare: str = ""
    differs: str = ""
    cause: str = ""
    script: str = ""

    def check(self, where):
        if not self.what or not self.script.strip():
            raise FormError(f"{where}: [{self.name}] has no 'what:' or no script")
        if bool(self.differs) != bool(self.cause):
            raise FormError(f"{where}: [{self.name}] has one of 'differs:' and 'cause:', and needs both or none")
        if not set(self.releases) <= set(WAYS):
            raise FormError(f"{where}: [{self.name}]: 'releases:' has other words than {' and '.join(WAYS)}")
        re.compile(self.differs)


def read(path):
    """All workloads of one file."""
    found, workload, in_script = [], None, False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        header = HEADER.match(line)
        if header:
            workload, in_script = Workload(group=path.stem, name=header[1]), False
            found.append(workload)
        elif workload is None:
            if line and not line.startswith("#"):
                raise FormError(f"{path}:{number}: text before the first [NAME]")
        elif in_script:
            workload.script += line + "\n"
        else:
            in_script = not take_key(workload, line)
            if in_script:
                workload.script = line + "\n"
    for each in found:
        each.check(path)
    return found


def take_key(workload, line):
    if line == "quick":
        workload.quick = True
        return True
    key = KEY.match(line)
    if not key:
        return False
    value = key[2].strip()
    if key[1] in ("packages", "needs", "releases"):
        setattr(workload, key[1], value.split())
    elif key[1] == "limit":
        workload.limit = int(value)
    else:
        setattr(workload, key[1], value)
    return True


def read_all(directory):
    """The workloads of all files, in the order of the files' names. No name is taken twice."""
    workloads = [each for path in sorted(pathlib.Path(directory).glob("*.corpus")) for each in read(path)]
    names = [each.name for each in workloads]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FormError(f"{directory}: named more than once: {' '.join(twice)}")
    if not workloads:
        raise FormError(f"{directory}: no *.corpus with a program")
    return workloads
