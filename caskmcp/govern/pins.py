"""Pins: what this machine accepted as trust root, per toolpack, in the user's configuration folder; and conditions from outside.

Promises that sequences and versions only rise (`remember`) until a person writes the pin anew (`write`), and that nobody else may write a pin.
What a pin refuses is `trust` and `statements` to say.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.model.project import ID
from caskmcp.model.trust import PIN_SCHEMA, Pin, TrustPin
from caskmcp.ports import Files

VARIABLE: Final = "CASK_TRUST_PIN"
LIMIT: Final = 8 << 20
WAIT: Final = 30.0
"""Seconds to wait for another command that writes pins."""

_CONDITION: Final = re.compile(r"(sha256:[0-9a-f]{64})(?:@([0-9]{1,15}))?", re.ASCII)


def place(config: Path, toolpack: str) -> Path:
    """Where the pin of a toolpack lies. Raises CASK-I009 for what is no toolpack id."""
    if not ID.fullmatch(toolpack):
        raise CaskError("CASK-I009", f"`{toolpack}` is no toolpack id: expected 1 to 40 of a-z, 0-9 and dashes", mend="cask build")
    return config / "pins" / f"{toolpack}.json"


def stored(files: Files, config: Path, toolpack: str) -> Pin | None:
    """The pin of a toolpack, if there is one. Raises CASK-T007 for one that is damaged, another toolpack's, or writable by others."""
    path = place(config, toolpack)
    if not files.exists(path):
        return None
    mode, _ = files.mode(path)
    if mode & 0o022:
        raise _unusable(f"others may write it (mode {mode:04o})", path, f"chmod 600 {path}")
    try:
        pin = Pin.from_json(files.read(path, LIMIT), str(path))
    except CaskError as cause:
        raise _unusable(cause.what, path, "cask trust pin --replace") from cause
    if pin.format != PIN_SCHEMA or pin.toolpack != toolpack or not canon.is_digest(pin.root):
        raise _unusable(f"it is no pin of {toolpack}", path, "cask trust pin --replace")
    return pin


def write(files: Files, config: Path, pin: Pin) -> Path:
    """Write a pin as it is: what a person accepted."""
    path = place(config, pin.toolpack)
    with _alone(files, config):
        files.write(path, canon.pretty(pin.model_dump(mode="json", by_alias=True)), private=True)
    return path


def remember(files: Files, config: Path, seen: Pin) -> None:
    """Raise the stored pin to what was seen (`AdmittedPack.pin`). Without a stored pin of the same root nothing is written: a condition is no acceptance."""
    path = place(config, seen.toolpack)
    if _raised(stored(files, config, seen.toolpack), seen) is None:
        return
    with _alone(files, config):
        pin = _raised(stored(files, config, seen.toolpack), seen)
        if pin is not None:
            files.write(path, canon.pretty(pin.model_dump(mode="json", by_alias=True)), private=True)


def merged(one: Mapping[str, Mapping[str, int]], other: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """The higher of both sequences for each subject and key."""
    out: dict[str, dict[str, int]] = {}
    for row in (one, other):
        for subject, keys in row.items():
            known = out.setdefault(subject, {})
            known.update({key: max(value, known.get(key, 0)) for key, value in keys.items()})
    return {subject: dict(sorted(out[subject].items())) for subject in sorted(out)}


def condition(option: str | None, environ: Mapping[str, str]) -> TrustPin | None:
    """What `--trust-pin` and CASK_TRUST_PIN ask for together. Raises CASK-T007 for another form, and where they contradict each other."""
    given = [parse(text, name) for text, name in ((option, "--trust-pin"), (environ.get(VARIABLE), VARIABLE)) if text is not None]
    if not given:
        return None
    if len({row.root for row in given}) > 1:
        raise CaskError("CASK-T007", f"--trust-pin and {VARIABLE} name two trust roots", mend=f"unset {VARIABLE}")
    return TrustPin(given[0].root, max(row.sequence for row in given))


def parse(text: str, name: str) -> TrustPin:
    """`sha256:<64 hexadecimal digits>[@<sequence>]`."""
    found = _CONDITION.fullmatch(text)
    if not found:
        raise CaskError(
            "CASK-T007", f"{name} is `{text[:100]}`: expected sha256:<64 hexadecimal digits>[@<sequence>]", mend="cask trust show"
        )
    return TrustPin(Digest(found[1]), int(found[2] or 0))


def _raised(known: Pin | None, seen: Pin) -> Pin | None:
    """The pin to write; None if there is nothing to write."""
    if known is None or known.root != seen.root:
        return None
    higher = {"root_version": max(known.root_version, seen.root_version), "sequences": merged(known.sequences, seen.sequences)}
    pin = known.model_copy(update=higher)
    return None if pin == known else pin


@contextmanager
def _alone(files: Files, config: Path) -> Iterator[None]:
    with files.lock(config / "pins" / ".lock", WAIT):
        yield


def _unusable(problem: str, path: Path, mend: str) -> CaskError:
    return CaskError("CASK-T007", f"the pin cannot be used: {problem}", place=str(path), mend=mend)
