"""Tells what a run has found: on the terminal, as JUnit XML, and as the table of docs/compatibility.md."""

import collections
import os
import platform
import subprocess
import textwrap
import xml.etree.ElementTree as ElementTree

from compare import Result
from workloads import WAYS

FAILED = ("different", "broken")
NOISE_KIB = 4096


def summary(results, complete):
    count = collections.Counter(each.state for each in results)
    failed = sum(count[state] for state in FAILED) + (not complete)
    if not complete:
        print("The run is not complete.")
    print(
        f"{count['same']} same, {count['known']} differ as known, {count['different']} differ, "
        f"{count['broken']} fail natively, {count['missing']} not tried"
    )
    return 1 if failed else 0


def revived(kept):
    """Results by name, of what was kept of them."""
    return {name: Result(**fields) for name, fields in kept.items()}


def junit(path, name, these, results, complete):
    suite = ElementTree.Element("testsuite", name=name, tests=str(len(these)))
    for each in results:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"{name}.{each.group}", name=each.name, time=f"{each.seconds:.3f}"
        )
        if each.state in FAILED:
            printable = "".join(c if c.isprintable() or c == "\n" else "?" for c in each.detail)
            ElementTree.SubElement(case, "failure", message=printable[:200]).text = printable
        elif each.state == "missing":
            ElementTree.SubElement(case, "skipped", message=each.detail)
    if not complete:
        case = ElementTree.SubElement(suite, "testcase", classname=name, name="complete")
        ElementTree.SubElement(case, "failure", message="the run ended early, or a neighbour or the host was damaged")
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
    return done.stdout.split("+deb")[0].split("~deb")[0] if done.returncode == 0 else ""


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.machine()


def release(path="/etc/os-release"):
    with open(path, encoding="utf-8") as lines:
        names = dict(line.rstrip().split("=", 1) for line in lines if "=" in line)
    return names.get("PRETTY_NAME", "Linux").strip('"')


def time_cell(result):
    if not result.hosted_seconds:
        return ""
    return f"{result.native_seconds:.2f} s × {result.hosted_seconds / result.native_seconds:.2f}"


def memory_cell(result):
    if not result.hosted_kib:
        return ""
    if result.native_kib < NOISE_KIB:
        return "< 4 MiB"
    return f"{result.native_kib / 1024:.0f} MiB × {result.hosted_kib / result.native_kib:.2f}"


def verdict(workload, result):
    words = {"same": "same", "known": f"differs: {workload.cause}", "missing": f"not tried: {result.detail}"}
    return words.get(result.state, "DIFFERS")


def row(workload, result):
    package = workload.packages[0] if workload.packages else ""
    package = f"{package} {version(package)}".strip()
    cells = (workload.name, package, workload.what, verdict(workload, result))
    return "| " + " | ".join(cells + (time_cell(result), memory_cell(result))) + " |"


def median(values):
    values = sorted(values)
    return values[len(values) // 2] if values else 0


def load(results):
    """How busy the machine was, in words."""
    loads = sorted(each.load for each in results if each.load)
    if not loads:
        return "its load was not recorded"
    return (
        f"its load average was {median(loads):.1f} (median; {loads[0]:.1f} to {loads[-1]:.1f}) while they ran, "
        f"to which the programs themselves add one or two"
    )


HEAD = """# Compatibility

Real, unmodified programs of Debian with a real workload each, run natively and hosted, and compared: standard output,
standard error, exit status, the files left behind, and processes left behind. This file is written by `it/corpus/run`.

<!-- not run: the whole corpus takes an hour; ./check runs the quick half -->
```sh
it/corpus/run --install --document docs/compatibility.md    # installs the packages (apt), runs all
it/corpus/run --quick                                       # the quick half, which ./check runs
```

Programs and C libraries of Debian 11 and 13 are in [releases.md](releases.md).

"""

EXPLANATION = """
The hosted programs of a run share one host, beside three programs that fill their heap, mappings, stack and data with a
pattern and check it all the time; after each run of a workload all of it was checked. The table can be of several runs,
each of which replaces the rows of its own programs. The workloads are in
[it/corpus/programs](../it/corpus/programs).

**Time** is the workload's from start to end, natively, and how many times that it took hosted: the best of the runs.
**Memory** is the peak of the largest process natively, and how many times that the host grew at its peak; what exec'd
descendants take is not in it, since they have a memory of their own.
"""


def wrapped(paragraph):
    return textwrap.fill(paragraph, 120, break_long_words=False, break_on_hyphens=False) + "\n"


def document(path, these, results):
    pairs = [(each, results.get(each.name) or Result(each.group, each.name, "missing", "not run")) for each in these]
    results = [result for _, result in pairs]
    count = collections.Counter(each.state for each in results)
    tried = len(results) - count["missing"]
    same = [each for each in results if each.native_seconds and each.state == "same"]
    ratios = [each.hosted_seconds / each.native_seconds for each in same]
    text = HEAD
    text += wrapped(
        f"**{count['same']} of {tried} programs are the same hosted ({100 * count['same'] / max(tried, 1):.1f} %)**; "
        f"{count['known']} differ, each with its cause here; "
        f"{count['different'] + count['broken']} differ without one; "
        f"{count['missing']} could not be tried. The median program took {median(ratios):.2f} times as long."
    )
    text += "\n" + wrapped(
        f"{release()}, Linux {os.uname().release.split('-')[0]}, {os.uname().machine}, {os.cpu_count()} processors "
        f"({processor()}), shared with other work: {load(results)}. So the times are rough; a figure below 1 is noise, "
        f"and so may be one above it."
    )
    text += EXPLANATION
    for group in dict.fromkeys(each.group for each in these):
        text += f"\n## {group.capitalize()}\n\n"
        text += "| program | package | workload | hosted | time | memory |\n|---|---|---|---|---|---|\n"
        text += "".join(row(*pair) + "\n" for pair in pairs if pair[0].group == group)
    path.write_text(text, encoding="utf-8")


RELEASES_HEAD = """# Other releases of Debian

Programs of other releases with their C library, natively and hosted, compared as in
[compatibility.md](compatibility.md), whose workloads these are. Each release is a root directory of its own packages.
This file is written by `it/corpus/run`.

<!-- not run: it makes roots of packages; ./check --all does, with --quick -->
```sh
it/corpus/run --release bullseye --release trixie --document docs/releases.md    # "inside" needs root
```

- **inside**: chroot into that root, with the Java of that release too: the native library of tproc is loaded by its C
  library, the programs' and the launcher's whole world is that release.
- **beside**: a JVM of this machine hosts programs of the root, each with the root's dynamic loader and C library
  (`ROOT/usr/lib/…/ld-linux-… --library-path ROOT/usr/lib/… PROGRAM`), in one address space with neighbours of this
  machine's release. What these programs execute in their turn is this machine's.

What was found this way: busybox of Debian 11, a static program for fixed addresses that executes itself, died of
SIGSEGV, since its C library does not start without a program break. It has one now
([limits.md](limits.md#descendants)).

A figure is how many times as long the program took hosted, on a machine shared with other work: rough.
"""


def release_result(workload, way, kept):
    """What was kept of a program, or None where it is not tried that way."""
    result = kept.get(way, {}).get(workload.name) if way in workload.releases else None
    return Result(**result) if result else None


def release_cell(workload, way, kept):
    result = release_result(workload, way, kept)
    if result is None:
        return ""
    ratio = f" × {result.hosted_seconds / result.native_seconds:.2f}" if result.native_seconds else ""
    return verdict(workload, result) + ratio


def releases(path, these, kept):
    """Writes the table of other releases, of all that was kept."""
    these = [each for each in these if each.releases]
    text = RELEASES_HEAD + "\n"
    columns = [(suite, way) for suite in sorted(kept) for way in WAYS]
    for suite in sorted(kept):
        about = kept[suite]["about"]
        results = [release_result(each, way, kept[suite]) for each in these for way in WAYS]
        count = collections.Counter(each.state for each in results if each)
        tried = sum(count.values()) - count["missing"]
        text += wrapped(
            f"**{about['name']} ({suite}; glibc {about['glibc']}, Java {about['java']})**: {count['same']} of {tried} "
            f"the same; {count['known']} differ, each with its cause here; {count['different'] + count['broken']} "
            f"differ without one; {count['missing']} could not be tried."
        ) + "\n"
    text += wrapped(f"On a machine of {release()}, Linux {os.uname().release.split('-')[0]}, {os.uname().machine}.") + "\n"
    text += "| program | workload | " + " | ".join(f"{suite}, {way}" for suite, way in columns) + " |\n"
    text += "|---" * (len(columns) + 2) + "|\n"
    for each in these:
        cells = [release_cell(each, way, kept[suite]) for suite, way in columns]
        text += f"| {each.name} | {each.what} | " + " | ".join(cells) + " |\n"
    path.write_text(text, encoding="utf-8")
