"""Challenges: a question to a person about one exact call, and the signed answer, which is spent once.

Promises: a grant counts only if a confirmer of the trust root signed it for this challenge, tool, arguments, lock and caller, and it has not
expired; the signature is checked when it is spent, so a row that someone wrote into the database is worth nothing; of calls at the same time
one gets it. Nothing here can sign: a caller that holds a challenge cannot answer it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern.verify import verify_grant
from caskmcp.model.statement import Grant, SignedGrant
from caskmcp.ports import Entropy
from caskmcp.runtime.commands import Binding, Confirm, Said, Standing
from caskmcp.runtime.keeper import Challenge, Keeper

LIFE: Final = 600
"""Seconds that a challenge waits, and its grant holds."""
LARGEST: Final = 64 << 10
"""Bytes of arguments that a person can be asked to read."""
MOST: Final = 100
"""Challenges that may wait at a time, so that a caller cannot bury the one that matters."""


class Confirmations:
    """Answers `Confirm`: finds or makes the challenge of a call, and spends its grant."""

    def __init__(self, state: Keeper, entropy: Entropy) -> None:
        self._state = state
        self._entropy = entropy
        # Also kept here, so that setting the database back cannot spend a grant twice while this server lives.
        self._spent: set[str] = set()

    def standing(self, ask: Confirm) -> Standing:
        """Where the confirmation of a call stands. Raises CASK-R006 for a grant that does not hold, which is then void, and for an answer that is late."""
        if ask.said is not None:
            return self._told(ask, ask.said)
        for row in self._state.matching(ask.binding, ask.at):
            if row.state == "granted" and not self._spend(row, ask):
                continue
            if row.state == "denied" and not self._state.settle(row.id, before="denied", after="closed"):
                continue
            return Standing(_STANDING[row.state], row.id, row.expires)
        return self._asked(ask)

    def _told(self, ask: Confirm, said: Said) -> Standing:
        """Take a challenge out for an answer of the client's dialogue: yes or no, it is used up."""
        row = self._state.find(said.challenge)
        fits = row is not None and row.binding == ask.binding and row.expires > ask.at and row.id not in self._spent
        if row is None or not fits or not self._state.settle(row.id, before="open", after="spent" if said.yes else "closed"):
            raise CaskError("CASK-R006", "this question was answered before, has expired, or was about another call; call again")
        self._spent.add(row.id)
        return Standing("granted" if said.yes else "denied", row.id, row.expires)

    def _spend(self, row: Challenge, ask: Confirm) -> bool:
        try:
            _verify(row, ask)
        except CaskError:
            self._state.settle(row.id, before="granted", after="void")
            raise
        if row.id in self._spent or not self._state.settle(row.id, before="granted", after="spent"):
            return False
        self._spent.add(row.id)
        return True

    def _asked(self, ask: Confirm) -> Standing:
        if len(self._state.waiting(ask.at)) >= MOST:
            return Standing("full")
        content = canon.dump(dict(ask.arguments))
        if len(content) > LARGEST:
            raise CaskError("CASK-R005", f"a person has to confirm this call, and nobody can read more than {LARGEST} bytes of arguments")
        row = Challenge(self._entropy.token(12).hex(), ask.binding, content.decode("utf-8"), ask.at, later(ask.at, LIFE))
        self._state.add(row)
        return Standing("waiting", row.id, row.expires)


_STANDING: Final[Mapping[str, Literal["granted", "denied", "waiting"]]] = {"granted": "granted", "denied": "denied", "open": "waiting"}


def later(at: str, seconds: int) -> str:
    """A time, in the same form, so many seconds later."""
    return (datetime.fromisoformat(at) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def answers(grant: Grant, challenge: str, binding: Binding) -> bool:
    """Whether a grant is a yes to this challenge for this very call."""
    bound = Binding(grant.toolpack, grant.tool, grant.arguments, grant.lock, grant.caller)
    return grant.verdict == "grant" and grant.challenge == challenge and bound == binding


def _verify(row: Challenge, ask: Confirm) -> None:
    try:
        signed = SignedGrant.from_json(row.answer.encode("utf-8"), "the grant", code="CASK-R006")
    except CaskError as cause:
        raise CaskError("CASK-R006", "the grant cannot be read") from cause
    if not answers(verify_grant(signed, ask.confirmers, at=ask.at), row.id, ask.binding):
        raise CaskError("CASK-R006", "the grant is for another call")
