"""Where mitmdump is: what the user names, what is on the PATH, the environment that `cask capture setup-proxy` made, or what `uvx` brings.

It is never imported, and never taken from inside the project: a folder that somebody else filled must not choose the program that reads all traffic.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from caskmcp.errors import CaskError

NAME: Final = "mitmdump"
VARIABLE: Final = "CASK_MITMDUMP"
OLDEST: Final = (11, 0)
NEWEST: Final = (12,)
"""mitmproxy's versions that are known here: from the first, up to all of the second's."""
SETUP: Final = "cask capture setup-proxy"
UVX: Final = "uvx"
UVX_READS: Final = (
    "UV_",
    "XDG_",
    "SSL_CERT_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
)
"""Beginnings of the names of variables that `uvx` is told: where it keeps what it fetched, and how it reaches the index."""
# fmt: off
REQUIREMENTS: Final = (
    # from Python   what pip is asked for
    ((3, 12),       "mitmproxy>=12.2,<13"),
    ((3, 11),       "mitmproxy>=11.0,<11.1"),
)
# fmt: on


class Program(NamedTuple):
    """A mitmdump."""

    path: Path
    origin: str
    """Where it was found, for people."""
    environ: Mapping[str, str]
    """What it is started with, apart from our own settings."""
    words: tuple[str, ...] = ()
    """What stands before mitmdump's own arguments, where another program starts it."""


def find(environ: Mapping[str, str], data: Path, project: Path) -> Program:
    """The first that is there. data: the user's data folder. project: the folder that it must not lie in.

    Raises CASK-C020 where what `$CASK_MITMDUMP` names cannot be taken, and CASK-W002 where none is found.
    """
    kept = {name: environ[name] for name in ("PATH", "HOME") if name in environ}
    if given := environ.get(VARIABLE):
        if reason := _refused(Path(given), environ, project):
            raise CaskError("CASK-C020", f"${VARIABLE} cannot be taken: {reason}", place=given, mend=f"unset {VARIABLE}; {SETUP}")
        return Program(Path(given), f"${VARIABLE}", kept)
    found = ((path, origin) for path, origin in _places(environ, data) if not _refused(path, environ, project))
    path, origin = next(found, (None, ""))
    if path is not None:
        return Program(path, origin, kept)
    if (uvx := _on_path(UVX, environ, project)) is not None:
        return Program(uvx, f"brought by `{UVX}`", kept | _for_uvx(environ), _uvx_words())
    raise CaskError("CASK-W002", f"{NAME} is not installed: neither on the PATH nor in an environment of its own, nor is {UVX}", mend=SETUP)


def _on_path(name: str, environ: Mapping[str, str], project: Path) -> Path | None:
    """The first program of a name on the PATH that may be taken."""
    paths = (Path(folder) / name for folder in environ.get("PATH", "").split(os.pathsep))
    return next((path for path in paths if not _refused(path, environ, project)), None)


def _uvx_words() -> tuple[str, ...]:
    """What `uvx` is asked for: the mitmproxy that this Python runs, run by this Python, so that none is fetched."""
    return ("--python", sys.executable, "--from", wanted(), NAME)


def _for_uvx(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(UVX_READS)}


def environment(data: Path) -> Path:
    """The folder of the environment that `cask` makes itself."""
    return data / "mitmproxy"


def program_of(folder: Path) -> Path:
    """mitmdump in an environment."""
    return folder / "bin" / NAME


def _places(environ: Mapping[str, str], data: Path) -> Iterator[tuple[Path, str]]:
    yield from ((Path(folder) / NAME, "on the PATH") for folder in environ.get("PATH", "").split(os.pathsep))
    yield program_of(environment(data)), f"made by `{SETUP}`"


def _refused(path: Path, environ: Mapping[str, str], project: Path) -> str:
    """Why a file is not taken for the program, or an empty text."""
    if not path.is_absolute():
        return "it is no absolute path"
    if not path.is_file() or not os.access(path, os.X_OK):
        return "there is no program"
    return "it lies inside the project" if is_inside(path, environ, project) else ""


def is_inside(path: Path, environ: Mapping[str, str], project: Path) -> bool:
    """Whether a path, or what it leads to, lies in the project.

    Whoever works in the home folder itself, or above it, has everything of their own below it: that is no project.
    """
    home = environ.get("HOME", "")
    if home.startswith("/") and Path(home).resolve().is_relative_to(project.resolve()):
        return False
    return Path(os.path.normpath(path)).is_relative_to(project) or path.resolve().is_relative_to(project.resolve())


# ---------------------------------------------------------------- versions
def refuse_unknown(version: str, program: Program) -> None:
    """Raise CASK-C020 for a mitmproxy that is not known here."""
    if not is_known(version):
        what = f"mitmproxy {version or 'of an unknown version'} is not known here: {OLDEST[0]} or {NEWEST[0]} is needed"
        raise CaskError(
            "CASK-C020", what, place=str(program.path), mend=f"unset {VARIABLE}; {SETUP}" if VARIABLE in program.origin else SETUP
        )


def is_known(version: str) -> bool:
    """Whether a version is one that is known here."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    return numbers >= OLDEST and numbers[:1] <= NEWEST


def wanted() -> str:
    """What pip is asked for on this Python."""
    return requirement(sys.version_info[:2])


def requirement(python: tuple[int, ...]) -> str:
    """What pip is asked for on a Python. Raises StopIteration below the oldest Python that `cask` runs on: our bug."""
    return next(text for since, text in REQUIREMENTS if python >= since)


def install(folder: Path) -> str:
    """Make the environment anew with this Python, from the package index that pip is set up for. Returns the version.

    Raises CASK-C020 where a step fails. What pip says is not shown: an index's address may hold a password.
    """
    python = str(folder / "bin" / "python")
    pip = (python, "-I", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", wanted())
    steps = ((sys.executable, "-I", "-m", "venv", "--clear", str(folder)), pip)
    for step in steps:
        done = subprocess.run(step, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if done.returncode:
            what = f"a step of the installation ended with status {done.returncode}"
            raise CaskError("CASK-C020", what, place=str(folder), mend=shlex.join(step))
    if (version := installed(folder)) is None:
        raise CaskError("CASK-C020", "what was installed does not start", place=str(folder), mend=f"{program_of(folder)} --version")
    return version


def installed(folder: Path) -> str | None:
    """The version of the mitmproxy in an environment, or None if there is none that starts."""
    try:
        done = subprocess.run(
            (program_of(folder), "--version"), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    words = done.stdout.split()
    return words[1] if done.returncode == 0 and words[:1] == ["Mitmproxy:"] and len(words) > 1 else None
