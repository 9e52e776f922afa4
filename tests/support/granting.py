"""Grants as a person gives them, into whatever keeps the state: for tests that need many of them."""

from collections.abc import Iterable

from caskmcp.govern import sign
from caskmcp.govern.sign import FileSigner
from caskmcp.model.statement import Grant
from caskmcp.runtime.keeper import Keeper


def grant(state: Keeper, challenge: str, key: FileSigner) -> None:
    """Sign a yes to one challenge."""
    row = state.find(challenge)
    assert row is not None
    bound = row.binding
    said = Grant(
        toolpack=bound.toolpack,
        challenge=challenge,
        tool=bound.tool,
        arguments=bound.arguments,
        lock=bound.lock,
        caller=bound.caller,
        verdict="grant",
        key=key.id,
        issued_at=row.created,
        not_after=row.expires,
    )
    answer = sign.sign_grant(key, said).model_dump_json(by_alias=True)
    assert state.settle(challenge, before="open", after="granted", answer=answer)


def grant_all(state: Keeper, challenges: Iterable[str], key: FileSigner) -> None:
    """Sign a yes to each."""
    for challenge in challenges:
        grant(state, challenge, key)
