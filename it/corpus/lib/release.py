"""Roots of packages of other releases of Debian, and the two ways to run programs of them. See ../README.md.

inside: all is in the root, as on a machine of that release: the JVM too.
beside: a JVM of this machine hosts programs of the root, each with the root's loader and C library.
"""

import os
import pathlib
import re
import shlex
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
JAVAS = "|".join(f"openjdk-{release}-jre-headless" for release in (17, 21, 25))
OWN = [JAVAS, "base-files", "bash", "dash", "coreutils", "util-linux", "mawk", "grep", "sed", "dpkg", "libc-bin"]
OWN += ["ncurses-base", "findutils", "perl-base", "python3", "gzip", "tar"]
UNAVAILABLE = 77


class NotHere(Exception):
    """This machine cannot have that release: why."""


class Root:
    def __init__(self, suite, packages):
        self.suite = suite
        done = subprocess.run(
            [str(HERE.parent / "root"), suite, *sorted({*OWN, *packages})], stdout=subprocess.PIPE, text=True
        )
        if done.returncode == UNAVAILABLE:
            raise NotHere("its packages cannot be had, see above")
        if done.returncode != 0:
            raise FileNotFoundError(f"no root of {suite}: it/corpus/root has failed, status {done.returncode}")
        self.path = pathlib.Path(done.stdout.strip())

    def java(self):
        """The home of its Java, as seen from inside."""
        homes = sorted(self.path.glob("usr/lib/jvm/java-[0-9]*-openjdk-*"))
        return "/" + str(homes[-1].relative_to(self.path))

    def about(self):
        """Which release it is, in words."""
        text = (self.path / "usr/lib/os-release").read_text()
        name = re.search(r'^VERSION_ID="(.*)"', text, re.MULTILINE)[1]
        java = re.search(r"java-([0-9]+)-", self.java())[1]
        return {"name": f"Debian {name}", "glibc": self.version("libc6"), "java": java}

    def version(self, package):
        query = ["dpkg-query", f"--admindir={self.path}/var/lib/dpkg", "-W", "-f", "${Version}", package]
        version = subprocess.run(query, capture_output=True, text=True).stdout
        return re.split("[+~]deb|[+]dfsg", version)[0]

    def settings(self, work, way):
        """Variables for the run in it."""
        if way == "inside":
            return {"JAVA_HOME": self.java(), "PATH": "/usr/bin:/usr/sbin"}
        seen = self.path if os.getuid() else work / "root"
        return {"RELEASE_ROOT": str(seen), "DPKG_ADMINDIR": f"{seen}/var/lib/dpkg"}

    def entering(self, work, way):
        """The command that another command is put behind, to be run that way."""
        place = shlex.quote(str(work))
        root = shlex.quote(str(self.path))
        if way == "inside":
            script = (
                f"for each in proc sys dev; do mount --rbind /$each {root}/$each || exit; done; "
                f'mount -t tmpfs tmpfs {root}/tmp && mkdir -p {root}{place} && mount --rbind {place} {root}{place} && exec chroot {root} "$@"'
            )
        elif os.getuid() != 0:
            return []
        else:
            # The programs run as an ordinary user, who may not read where root keeps it.
            (work / "root").mkdir()
            script = f'mount --bind {root} {place}/root && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, "sh"]


def not_possible(way):
    """Why this way cannot be tried here, or nothing."""
    if os.getuid() != 0:
        return "it needs mounts and chroot: root has to run it" if way == "inside" else ""
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
    return f"no mounts here: {done.stderr.strip()}" if done.returncode else ""
