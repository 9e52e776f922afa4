"""A container made of Linux namespaces: a root of its own with the system and this Python read-only, no network but an unused loopback, no other
processes, no home, and two folders that may be written. For tests that ask what a program needs beside what it was given.
"""

import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from tests.support.terminal import ROOT

SYSTEM: Final = ("/bin", "/lib", "/lib64", "/usr", "/etc/alternatives", "/etc/ld.so.cache")
SCRIPT: Final = """\
set -eu
root=$1 shown=$2 written=$3
shift 3
mount -t tmpfs tmpfs "$root"
bind() {
    if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$(dirname "$root$1")"; : > "$root$1"; fi
    mount --bind "$1" "$root$1"
}
IFS=:
for path in $shown; do bind "$path"; mount -o remount,bind,ro "$root$path"; done
for path in $written; do bind "$path"; done
mkdir -p "$root/dev" "$root/proc" "$root/tmp"
for path in /dev/null /dev/urandom; do bind "$path"; done
mount -t proc proc "$root/proc"
unset IFS
exec chroot "$root" /bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$PWD" "$@"
"""
OUTSIDE: Final = ("unshare", "--user", "--map-root-user", "--mount", "--net", "--ipc", "--uts", "--pid", "--fork")


def prefix(folder: Path, written: Iterable[Path], *shown: Path) -> tuple[str, ...]:
    """The words before a command that run it inside. folder: takes the container's parts; written: what it may write; shown: what it may read beside the system, Python and this checkout."""
    script, root = folder / "container.sh", folder / "root"
    root.mkdir(parents=True, exist_ok=True)
    script.write_text(SCRIPT, encoding="utf-8")
    paths = dict.fromkeys((*SYSTEM, sys.base_prefix, sys.prefix, str(ROOT), *map(str, shown)))
    there = [path for path in paths if Path(path).exists()]
    return (*OUTSIDE, "/bin/sh", str(script), str(root), ":".join(there), ":".join(map(str, written)))


@cache
def possible() -> bool:
    """Whether there can be a container here."""
    try:
        return subprocess.run([*OUTSIDE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False
