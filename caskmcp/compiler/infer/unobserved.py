"""Bodies that exchanges had and no source holds: traces and logs know that something was sent, not what.

Such a body is neither denied nor made up: the contract, the coverage and the tool's text say that it was not observed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from caskmcp.compiler.infer.bodies import kind_of
from caskmcp.model.contract import Response
from caskmcp.model.observation import BodySeen, Group

REQUEST: Final = "request"
RESPONSE: Final = "response"


def unobserved(group: Group, declared: Sequence[Mapping[str, Any]], responses: Iterable[Response]) -> tuple[str, ...]:
    """`request` if all that was sent is unknown, `response` if all that successes answered is; sorted."""
    row = group.row
    if row is None:
        return ()
    sent = list(row.requests.items()) if not any(operation.get("bodies") for operation in declared) else []
    answered = [pair for status, bodies in row.responses.items() if status.startswith("2") for pair in bodies.items()]
    known = any(each.schema_ is not None for each in responses if each.status.startswith("2") or each.status == "default")
    return (REQUEST,) * _all_missing(sent) + (RESPONSE,) * (_all_missing(answered) and not known)


def _all_missing(bodies: Sequence[tuple[str, BodySeen]]) -> bool:
    return bool(bodies) and all(_is_missing(media, seen) for media, seen in bodies)


def _is_missing(media: str, seen: BodySeen) -> bool:
    """Whether nothing is known of a body that could be known: one of a media type that is only passed on is no loss."""
    return seen.shape is None and seen.unread > 0 and (not media or kind_of(media) in ("json", "form", "multipart"))
