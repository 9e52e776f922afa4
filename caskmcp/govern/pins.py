"""Pins: what this machine accepted as trust root, per toolpack, in the user's configuration folder; and conditions from outside.

Promises that sequences and versions only rise (`remember`) until a person writes the pin anew (`write`), that nobody else may write a pin, and
that a pin of the machine's administrator (`strict`), which the user cannot write, wins over the user's own. What a pin refuses is `trust` and
`statements` to say.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
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
    return _read(files, path, toolpack, "cask trust pin --replace")


def _read(files: Files, path: Path, toolpack: str, mend: str) -> Pin:
    try:
        pin = Pin.from_json(files.read(path, LIMIT), str(path))
    except CaskError as cause:
        raise _unusable(cause.what, path, mend) from cause
    if pin.format != PIN_SCHEMA or pin.toolpack != toolpack or not canon.is_digest(pin.root):
        raise _unusable(f"it is no pin of {toolpack}", path, mend)
    return pin


# ---------------------------------------------------------------- strict mode
def strict_place(system: Path, toolpack: str) -> Path:
    """Where the administrator's pin of a toolpack lies. system: `World.system`. Raises CASK-I009."""
    return system / "trust.d" / place(system, toolpack).name


def strict(files: Files, system: Path, uid: int, toolpack: str) -> Pin | None:
    """The administrator's pin of a toolpack, if there is one. uid: the user who asks; below 0 files have no owner to go by, and there is no strict mode.

    Raises CASK-T007 for one that the user could have written, or cannot see: a guard that cannot tell refuses.
    """
    path = strict_place(system, toolpack)
    if uid < 0:
        return None
    for folder in (system, path.parent):
        if not files.exists(folder):
            return None
        _refuse_own(files, folder, uid, needs=0o005)
    if not files.exists(path):
        return None
    _refuse_own(files, path, uid, needs=0o004)
    return _read(files, path, toolpack, "cask trust pin --system")


def _refuse_own(files: Files, path: Path, uid: int, *, needs: int) -> None:
    mode, owner = files.mode(path)
    if owner == uid and owner != 0:
        raise _unusable("it belongs to the user whom it is to bind", path, f"sudo chown root {shlex.quote(str(path))}")
    if mode & 0o022:
        raise _unusable(f"others than its owner may write it (mode {mode:04o})", path, f"sudo chmod go-w {shlex.quote(str(path))}")
    if mode & needs != needs:
        raise _unusable(f"not everybody may read it (mode {mode:04o})", path, f"sudo chmod a+rX {shlex.quote(str(path))}")


def accepted(files: Files, config: Path, toolpack: str, strict: Pin | None) -> Pin | None:
    """What counts: the administrator's pin where there is one, with what this user saw under the same root; else the user's own. Raises CASK-T007."""
    if strict is None:
        return stored(files, config, toolpack)
    seen: Pin | None = None
    with suppress(CaskError):  # the user's own file can be deleted by that user too: it adds memory, and is no anchor here
        seen = stored(files, config, toolpack)
    return (_raised(strict, seen) if seen is not None else None) or strict


# ---------------------------------------------------------------- writing
def write(files: Files, config: Path, pin: Pin) -> Path:
    """Write a pin as it is: what a person accepted."""
    path = place(config, pin.toolpack)
    with _alone(files, config):
        files.write(path, canon.pretty(pin.model_dump(mode="json", by_alias=True)), private=True)
    return path


def write_strict(files: Files, path: Path, pin: Pin) -> None:
    """Write an administrator's pin, for all to read. The caller is the administrator."""
    files.write(path, canon.pretty(pin.model_dump(mode="json", by_alias=True)))


def remember(files: Files, config: Path, seen: Pin, strict: Pin | None = None) -> None:
    """Raise the stored pin to what was seen (`AdmittedPack.pin`). Without a stored or an administrator's pin of the same root nothing is written: a
    condition is no acceptance."""
    path = place(config, seen.toolpack)
    if _raised(_base(files, config, seen, strict), seen) is None:
        return
    with _alone(files, config):
        pin = _raised(_base(files, config, seen, strict), seen)
        if pin is not None:
            files.write(path, canon.pretty(pin.model_dump(mode="json", by_alias=True)), private=True)


def _base(files: Files, config: Path, seen: Pin, strict: Pin | None) -> Pin | None:
    """What is raised: the stored pin; under an administrator's one of this root a new one, if the user has none of it."""
    if strict is None or strict.root != seen.root:
        return stored(files, config, seen.toolpack)
    own: Pin | None = None
    with suppress(CaskError):  # as in `accepted`
        own = stored(files, config, seen.toolpack)
    return own if own is not None and own.root == seen.root else Pin(toolpack=seen.toolpack, root=seen.root)


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
