"""`cask keys export`: what others need of a key to check its signatures, with `cask` or with OpenSSH's own `ssh-keygen -Y verify`.

Public parts alone, so it works anywhere. Statements go out as the very bytes that were signed, each with its signature beside it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from caskmcp import canon
from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import keys, public, sshsig
from caskmcp.govern.public import key_id
from caskmcp.govern.verify import pae
from caskmcp.model.finding import Report
from caskmcp.model.statement import PAYLOAD_TYPE, Signed
from caskmcp.model.trust import Key
from caskmcp.ports import World
from caskmcp.workflows import gate, here

ALLOWED: Final = "allowed_signers"
_ODD: Final = re.compile(r"[^A-Za-z0-9._-]")


class KeyReport(Report):
    """A public key: one line for people and programs, the record for `cask trust edit --add-key`."""

    key: Key

    def json_value(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        known = {
            "key": self.key.name,
            "id": key_id(self.key),
            "fingerprint": sshsig.fingerprint(self.key),
            "hardware": public.hardware(self.key),
        }
        return {**super().json_value(), "summary": known, "key": self.key.plain()}


def export(world: World, *, name: str, allowed_signers: bool = False, statements: str | None = None) -> Report:
    """The public key; statements: a folder for what it signed in the present lock.

    Raises CASK-K004 for a name that is no key here, CASK-K002 for a damaged one and, with `statements`, for a key whose signatures OpenSSH does
    not read; CASK-I010 where the folder is a file.
    """
    key = _key(world, name)
    if statements is not None:
        return _statements(world, key, here.export(world, statements))
    return KeyReport(
        report="key",
        lines=(sshsig.allowed_signer(key) if allowed_signers else sshsig.line(key),),
        key=key,
    )


def _key(world: World, name: str) -> Key:
    where = keys.place(world.config, name)
    if keys.holding(world.files, where) is None:
        raise CaskError("CASK-K004", f"there is no key called {name}", place=str(where.folder), mend="cask keys list")
    key = keys.public(world.files, where)
    if key is None:
        raise CaskError("CASK-K002", f"the public key {name} is damaged", place=str(where.public), mend="cask keys list")
    return key


def _statements(world: World, key: Key, folder: Path) -> Report:
    if key.scheme == public.OWN:
        what = f"{key.name} is a key file of cask, whose signatures ssh-keygen does not read; those of a key of an ssh-agent it does"
        raise CaskError("CASK-K002", what, mend=f"{AGAIN} --format json")
    rows = tuple(_written(world, folder, signed) for signed in _signed_by(world, key))
    world.files.write(folder / ALLOWED, f"{sshsig.allowed_signer(key)}\n".encode("ascii"))
    verify = f"ssh-keygen -Y verify -f {ALLOWED} -I {key.name} -n {sshsig.NAMESPACE} -s FILE.sig < FILE"
    return Report(
        report="key-statements",
        summary={"key": key.name, "id": key_id(key), "statements": len(rows), "folder": str(folder)},
        tables={"statements": rows},
        lines=(f"In that folder each holds by: {verify}",) if rows else (f"{key.name} signed nothing in this lock.",),
    )


def _signed_by(world: World, key: Key) -> Iterator[Signed]:
    """What the key signed and holds, by subject."""
    seen = gate.look(world)
    for subject, rows in seen.survey.lock.lock.subjects.items():
        sound = seen.survey.examined.rows.get(subject, ())
        yield from (row for row in rows if row.statement.key == key_id(key) and row.statement in sound)


def _written(world: World, folder: Path, signed: Signed) -> dict[str, Any]:
    said = signed.statement
    # The subject is whatever the lock says; as a name it can neither leave the folder nor take the place of another sequence.
    name = f"{_ODD.sub('+', said.subject)}.{said.sequence}.dsse"
    world.files.write(folder / name, pae(PAYLOAD_TYPE, canon.dump(said.payload())))
    world.files.write(folder / f"{name}.sig", sshsig.armoured(signed.signature).encode("ascii"))
    return {"subject": said.subject, "verdict": said.verdict, "sequence": said.sequence, "file": name}
