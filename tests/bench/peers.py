"""The programs that we are compared with on one recording, as their own pages say they are run. What is not on this machine is skipped.

Each gets a folder with `b.har` in it and a script that does its whole work; `CASK_BENCH_HOST` names the API's host.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple


class Skipped(Exception):
    """A row that can't run here, with the reason."""


class Peer(NamedTuple):
    """One program."""

    name: str
    variable: str
    """The environment variable that names its executable."""
    wanted: str
    """Our time over its time, wall, on 50 MB."""
    script: Callable[[str, str], str]
    version: tuple[str, ...]


def _mitmproxy2swagger(program: str, host: str) -> str:
    # Two passes: the first proposes templates, which have to be un-ignored by hand before the second one writes the document.
    once = f"{program} -i b.har -o out.yaml -p https://{host} -f har"
    return f"rm -f out.yaml\n{once}\nsed -i 's/- ignore:/- /' out.yaml\n{once}\n"


def _redocly(program: str, host: str) -> str:
    return f"{program} generate-spec b.har --output out.yaml\n"


def _toolsmelt(program: str, host: str) -> str:
    return (
        "rm -rf .toolsmelt out\n"
        f"{program} inspect --host {host} b.har\n{program} draft --name bench-mcp --force\n{program} generate -o out --force\n"
    )


# fmt: off
PEERS: Final = (
    #    name                 variable                wanted      script              version
    Peer("mitmproxy2swagger", "CASK_BENCH_PEER",      "<= 0.2",   _mitmproxy2swagger, ()),
    Peer("redocly",           "CASK_BENCH_REDOCLY",   "<= 0.333", _redocly,           ("--version",)),
    Peer("toolsmelt",         "CASK_BENCH_TOOLSMELT", "<= 0.2",   _toolsmelt,         ("--version",)),
)
# fmt: on


def given(name: str, environ: Mapping[str, str] | None = None) -> str:
    """The file or folder that an environment variable names."""
    value = (os.environ if environ is None else environ).get(name, "")
    if not value or not Path(value).exists():
        raise Skipped(f"{name} does not name a file here")
    return value


def prepared(peer: Peer, folder: Path) -> list[str]:
    """Put a peer's script into a folder, and give the command that runs it."""
    program = given(peer.variable)
    if shutil.which("sh") is None:
        raise Skipped("there is no shell")
    (folder / f"{peer.name}.sh").write_text("set -e\n" + peer.script(program, os.environ.get("CASK_BENCH_HOST", "")))
    return ["/bin/sh", f"{peer.name}.sh"]


def version(peer: Peer) -> str:
    """What a peer says of its version; empty if it says nothing."""
    if not peer.version:
        return ""
    done = subprocess.run([given(peer.variable), *peer.version], capture_output=True, text=True, check=False)
    return next((line.strip() for line in done.stdout.splitlines() if any(sign.isdigit() for sign in line)), "")
