"""What anybody can make who has the program, the repository and a shell: an own key, and all that it signs. No passphrase of anybody is used."""

import json
import os
import pty
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from caskmcp import canon, text
from caskmcp.govern import offer, pins, sign, trust
from caskmcp.model.statement import Statement
from caskmcp.model.trust import Approver, Pin, Role, Root
from caskmcp.store.entropy import SystemEntropy
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack

HOME = Path(os.environ["HOME"])
CONFIG = HOME / ".config" / "caskmcp"
PROJECT = Path(os.environ["FORGE_PROJECT"])
TOOL = os.environ["FORGE_TOOL"]
INSTALL = Path(os.environ["FORGE_INSTALL"])
PACK = Pack(PROJECT / ".caskmcp" / "toolpacks" / "shop")
FILES = LocalFiles()
NOW = "2026-11-21T12:00:00Z"

# What a poisoned program does instead of looking at signatures.
UNGUARDED = "from caskmcp.govern import statements\nstatements._forgery = lambda *_: ''\n"


def ask() -> None:
    """Let the judge say what is served now, and end with its word."""
    os.execv(os.environ["FORGE_JUDGE"], [os.environ["FORGE_JUDGE"]])


def own_key() -> sign.Signer:
    """A key of our own."""
    return sign.generate(SystemEntropy(), "mallory")


def lock() -> dict[str, Any]:
    """The lock as plain values."""
    return text.parse_yaml(PACK.lock.read_bytes(), "lock").value


def write_lock(value: dict[str, Any]) -> None:
    """Put a lock in place."""
    PACK.lock.write_bytes(text.dump_yaml(value))


def statement(subject: str, key: str, *, toolpack: str = "shop", root_version: int = 1) -> Statement:
    """What an approval of a subject as it is would say."""
    content = offer.parse(offer.read(FILES, PACK)).contents[subject]
    return Statement(
        toolpack=toolpack,
        subject=subject,
        digest=canon.digest(content),
        basis="traffic",
        verdict="allow",
        key=key,
        reason="reviewed",
        sequence=900,
        issued_at=NOW,
        root_version=root_version,
    )


def approve(by: sign.Signer, subjects: Iterable[str], *, root_version: int = 1) -> None:
    """Sign subjects, in place of whatever was said of them."""
    value = lock()
    for subject in subjects:
        signed = sign.sign_statement(by, statement(subject, by.id, root_version=root_version))
        value["subjects"][subject] = [{"statement": signed.statement.payload(), "signature": signed.signature}]
    write_lock(value)


def approve_unsigned() -> None:
    """An approval in the name of the key that approved the policy, with a signature of nobody."""
    value = lock()
    known = value["subjects"]["policy"][0]["statement"]["key"]
    value["subjects"][f"tool:{TOOL}"] = [{"statement": statement(f"tool:{TOOL}", known).payload(), "signature": "A" * 86 + "=="}]
    write_lock(value)


def own_root(by: sign.Signer, *, version: int = 1, also: Root | None = None) -> Root:
    """A trust root in which our key has every role, beside those of another root."""
    role = Role(keys=(by.id,))
    return Root(
        toolpack="shop",
        version=version,
        issued_at=NOW,
        keys={**(also.keys if also else {}), by.id: by.key},
        root=role,
        approvers=(Approver(keys=(by.id, *(also.root.keys if also else ()))),),
        confirmer=role,
    )


def write_root(root: Root, by: sign.Signer) -> None:
    """Put a version of the trust root in place, signed by our key."""
    PACK.trust_root(root.version).write_bytes(canon.pretty(sign.sign_root(root, by).model_dump(mode="json", by_alias=True)))


def replace_root(by: sign.Signer) -> Root:
    """Our own trust root in place of the other, and everything approved under it."""
    root = own_root(by)
    write_root(root, by)
    approve(by, offer.parse(offer.read(FILES, PACK)).contents)
    return root


def pin(root: Root) -> None:
    """Tell this machine that it accepted a root."""
    pins.write(FILES, CONFIG, Pin(toolpack="shop", root=trust.root_digest(root)))


def type_into(words: list[str], passphrase: str) -> None:
    """Run a command under a pseudo-terminal of our own: a passphrase where one is asked for, a name where that has to be typed."""
    tail = b""

    def read(fd: int) -> bytes:
        nonlocal tail
        data = os.read(fd, 1024)
        tail = (tail + data)[-200:]
        if tail.rstrip().endswith(b":"):
            name = re.search(rb"Type `([^`]+)` to", tail)
            os.write(fd, (name[1] if name else passphrase.encode()) + b"\n")
            tail = b""
        return data

    nothing, _ = os.pipe()  # our own stdin may be closed; `spawn` copies it, too
    os.dup2(nothing, 0)
    pty.spawn(words, read)


def client() -> dict[str, Any]:
    """How the person's client starts the server."""
    return json.loads((HOME / ".client.json").read_text())
