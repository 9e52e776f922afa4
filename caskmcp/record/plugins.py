"""Source adapters of third parties, each run in a process of its own: bytes go in, what it read comes out, and nothing else of it is believed.

Only `capture import` comes here, and only for a distribution that the manifest names with its version. What is installed is known from its
metadata; its code is never imported into this process. A process of its own is no sandbox: an adapter can do what the user can.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import IO, Final, NamedTuple

import msgspec

from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import CaskError
from caskmcp.model.exchange import REASONS, Skipped

GROUP: Final = "caskmcp.sources"
"""The entry points' group; the name of one is the kind that it reads."""
LONGEST: Final = 64 << 20
"""Bytes of one line, that is of one exchange."""
_KEPT: Final = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
"""What an adapter's process sees of the environment: no token and no key is in it."""


class Met(msgspec.Struct, frozen=True, tag="met"):
    """An exchange that was read."""

    recorded: Recorded


class Left(msgspec.Struct, frozen=True, tag="left"):
    """Something that could not be read."""

    skipped: Skipped


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The file as a whole cannot be read; nothing follows."""

    place: str


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The adapter raised what it should not; nothing follows."""

    error: str
    """The name of its class: its text may hold anything."""


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The end of the file was read."""


Line = Met | Left | Refused | Failed | Done
encode: Final = msgspec.json.Encoder().encode
_DECODER: Final[msgspec.json.Decoder[Line]] = msgspec.json.Decoder(Line)


class Adapter(NamedTuple):
    """An installed adapter that the manifest names."""

    name: str
    """Of its distribution."""
    version: str
    kind: str


def adapter(plugins: Iterable[str], kind: str) -> Adapter:
    """The adapter for a kind. plugins: `name==version`, as the manifest has them.

    Raises CASK-I010 where no plugin offers the kind, CASK-W002 for one that is not installed in that very version.
    """
    offered: list[str] = []
    for plugin in sorted(plugins):
        name, _, version = plugin.partition("==")
        kinds = _kinds(name, version)
        if kind in kinds:
            return Adapter(name, version, kind)
        offered += kinds
    listed = f"those of the manifest's plugins: {', '.join(offered)}" if offered else "the manifest names no plugin that offers one"
    raise CaskError(
        "CASK-I010", f"no plugin reads `{kind}`; {listed}", mend="name its distribution and version under `plugins:` in cask.yaml"
    )


def _kinds(name: str, version: str) -> list[str]:
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError as cause:
        raise _absent(name, version, "is not installed") from cause
    if found.version != version:
        raise _absent(name, version, f"is installed as {found.version}")
    return sorted(point.name for point in found.entry_points if point.group == GROUP)


def _absent(name: str, version: str, what: str) -> CaskError:
    return CaskError("CASK-W002", f"the plugin {name} {version} {what}", mend=f"{sys.executable} -m pip install {name}=={version}")


def read(by: Adapter, blocks: Iterable[bytes]) -> Iterator[Recorded | Skipped]:
    """What the adapter reads from the bytes of a file, in its order.

    Raises CASK-C001 for a file that it refuses, for an adapter that fails, and for one that says what none may say.
    """
    command = [sys.executable, "-P", "-m", "caskmcp.record.plugin_child", *by]
    seen = {name: os.environ[name] for name in _KEPT if name in os.environ}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=Path(sys.executable).anchor, env=seen
    )
    assert process.stdin is not None
    assert process.stdout is not None
    feeder = threading.Thread(target=_feed, args=(process.stdin, blocks), daemon=True)
    feeder.start()
    try:
        yield from _said(process.stdout, by)
    finally:
        process.kill()
        process.wait()
        feeder.join()
        process.stdout.close()


def _feed(pipe: IO[bytes], blocks: Iterable[bytes]) -> None:
    with suppress(BrokenPipeError), pipe:  # an adapter may have seen enough
        for block in blocks:
            pipe.write(block)


def _said(pipe: IO[bytes], by: Adapter) -> Iterator[Recorded | Skipped]:
    while line := pipe.readline(LONGEST + 1):
        match _line(line, by):
            case Met(recorded=recorded):
                yield recorded
            case Left(skipped=skipped):
                yield Skipped(_word(skipped.place), skipped.reason, detail=_word(skipped.detail))
            case Refused(place=place):
                raise CaskError(
                    "CASK-C001",
                    f"the plugin {by.name} cannot read the file",
                    place=_word(place),
                    mend="ask who makes it, with a file that holds no secret",
                )
            case Failed(error=error):
                raise _broken(by, f"failed with {_word(error)}")
            case Done():
                return
    raise _broken(by, "ended before the file did")


def _line(line: bytes, by: Adapter) -> Line:
    if len(line) > LONGEST:
        raise _broken(by, f"gave an exchange of more than {LONGEST >> 20} MiB")
    try:
        found = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise _broken(by, "gave what is no exchange") from cause
    if isinstance(found, Left) and found.skipped.reason not in REASONS:
        raise _broken(by, "left something out for a reason that there is none of")
    return found


def _broken(by: Adapter, what: str) -> CaskError:
    return CaskError("CASK-C001", f"the plugin {by.name} {by.version} {what}", mend="ask who makes it, with a file that holds no secret")


def _word(text: str) -> str:
    """A place or a name in a plugin's words: short, and nothing but a plain word or two."""
    return text if len(text) <= 40 and text.isascii() and text.replace(" ", "").replace("_", "").isalnum() else ""
