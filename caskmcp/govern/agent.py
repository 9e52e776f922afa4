"""The ssh-agent protocol (draft-ietf-sshm-ssh-agent): which keys an agent holds, and signatures by one of them.

Promises that a signature which leaves here holds: an agent's answer is read strictly and verified before anybody keeps it. The private
half stays where it is; no private key is ever asked for or given. How bytes get to the agent is the wire's business.
The runtime may not import this.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from caskmcp.canon import Digest
from caskmcp.errors import AGAIN, CaskError
from caskmcp.govern import sshsig
from caskmcp.govern.public import hardware, key_id
from caskmcp.govern.verify import verified
from caskmcp.hidden import visible
from caskmcp.model.trust import Key

PATIENCE: Final = 10.0
"""Seconds that an agent may take to say which keys it holds."""
TOUCH: Final = 120.0
"""Seconds that it may take to sign: a person may have to confirm, or to find and touch an authenticator."""
MOST: Final = 2048
"""Keys that an agent may list, as OpenSSH's own client allows."""

_FAILURE: Final = b"\x05"
_LIST: Final = b"\x0b"
_LISTED: Final = b"\x0c"
_SIGN: Final = b"\x0d"
_SIGNED: Final = b"\x0e"
_LOOK: Final = "ssh-add -l"


class Wire(Protocol):
    """A way to an agent."""

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """The answer to one message, both without their length. Raises CASK-K005 (nobody there) and CASK-K006 (no answer in time, or one too large)."""


@dataclass(frozen=True)
class Identity:
    """A key of any kind that an agent holds."""

    blob: bytes
    comment: str
    """As it is shown: hidden characters are spelled out."""

    @property
    def kind(self) -> str:
        """OpenSSH's name of its kind."""
        return sshsig.kind(self.blob)

    @property
    def fingerprint(self) -> str:
        """`SHA256:…`."""
        return sshsig.fingerprint_of(self.blob)


@dataclass(frozen=True)
class AgentSigner:
    """A key that an agent holds, as a signer."""

    wire: Wire
    key: Key

    @property
    def id(self) -> Digest:
        """The key id."""
        return key_id(self.key)

    def sign(self, message: bytes) -> str:
        """A signature that holds. Raises CASK-K005, K006, CASK-K007 if the agent refuses, CASK-K008 for a signature that does not count."""
        request = _SIGN + sshsig.string(sshsig.blob(self.key)) + sshsig.string(sshsig.framed(message)) + bytes(4)
        answer = self.wire.exchange(request, TOUCH)
        if answer[:1] == _FAILURE:
            what = (
                f"the ssh-agent refused to sign with {self.key.name}: the key is gone, the agent is locked, or nobody confirmed or touched"
            )
            raise CaskError("CASK-K007", what, mend=_LOOK)
        if answer[:1] != _SIGNED:
            raise _rubbish()
        made, rest = _string(answer[1:])
        signature = sshsig.wrap(self.key, made)
        if rest or not verified(self.key, message, signature):
            raise CaskError("CASK-K008", _why_not(self.key, signature), mend=_LOOK)
        return signature


def _why_not(key: Key, signature: str) -> str:
    read = sshsig.read(key, signature)
    if read is not None and hardware(key) and not sshsig.present(read[1]):
        return f"{key.name} signed without anybody's presence: a key made with `no-touch-required` counts for nothing"
    return f"what the ssh-agent gave as a signature of {key.name} is none"


# ---------------------------------------------------------------- what it holds
def identities(wire: Wire) -> tuple[Identity, ...]:
    """The keys that an agent holds, each once, by fingerprint. None if it is locked. Raises CASK-K005, CASK-K006."""
    answer = wire.exchange(_LIST, PATIENCE)
    if answer[:1] == _FAILURE:
        return ()
    if answer[:1] != _LISTED:
        raise _rubbish()
    rows = {row.blob: row for row in _listed(answer[1:])}
    return tuple(sorted(rows.values(), key=lambda row: row.fingerprint))


def _listed(data: bytes) -> Iterator[Identity]:
    count, rest = int.from_bytes(data[:4], "big"), data[4:]
    if len(data) < 4 or count > MOST:
        raise _rubbish()
    for _ in range(count):
        blob, rest = _string(rest)
        comment, rest = _string(rest)
        yield Identity(blob, visible(comment.decode("utf-8", errors="replace")))
    if rest:
        raise _rubbish()


def _string(data: bytes) -> tuple[bytes, bytes]:
    """RFC 4251 section 5: the string that the bytes begin with, and the rest."""
    end = 4 + int.from_bytes(data[:4], "big")
    if len(data) < max(4, end):
        raise _rubbish()
    return data[4:end], data[end:]


def _rubbish() -> CaskError:
    return CaskError("CASK-K006", "the ssh-agent's answer is not of its protocol", mend=_LOOK)


# ---------------------------------------------------------------- which of them
def chosen(held: tuple[Identity, ...], wanted: str, name: str) -> Key:
    """The key that is meant, under the name that it gets here. wanted: a fingerprint or comment; empty for the only one that can be used.

    Raises CASK-K007 if the agent has none such, CASK-K002 for another kind of key, CASK-I001 if several fit.
    """
    _refuse_empty(held)
    fits = [row for row in held if not wanted or wanted in (row.fingerprint, row.comment)]
    if not fits:
        raise CaskError("CASK-K007", f"the ssh-agent holds no key `{wanted}`; it holds {_told(held)}", mend=_LOOK)
    usable = [row for row in fits if row.kind in sshsig.TAKEN] or fits[:1]
    if len(usable) > 1:
        what = f"several keys of the ssh-agent fit: {_told(usable)}; say which"
        raise CaskError("CASK-I001", what, mend=f"{AGAIN} --agent {usable[0].fingerprint}")
    return sshsig.key_of(usable[0].blob, name)


def signer(wire: Wire, key: Key) -> AgentSigner:
    """The signer of a key. Raises CASK-K007 if the agent does not hold it (any more)."""
    held = identities(wire)
    _refuse_empty(held)
    if sshsig.blob(key) not in {row.blob for row in held}:
        raise CaskError("CASK-K007", f"the ssh-agent does not hold {key.name} ({sshsig.fingerprint(key)}) any more", mend="ssh-add FILE")
    return AgentSigner(wire, key)


def _refuse_empty(held: tuple[Identity, ...]) -> None:
    if not held:
        raise CaskError("CASK-K007", "the ssh-agent holds no key, or it is locked", mend=_LOOK)


def _told(rows: "list[Identity] | tuple[Identity, ...]") -> str:
    return ", ".join(f"{row.fingerprint} ({row.kind or 'unknown'}, {row.comment[:60]})" for row in rows[:10])
