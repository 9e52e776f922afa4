"""The client's own dialogue as the answer to a challenge, in both protocol eras; only where the server was started to take it.

A form is answered by the client's process: an answer is as strong as that client, and the gateway takes it for no tier above medium. Promises: an
answer counts only with the state that was sealed here for this very call, and once: it names a challenge, which is taken out on first use. A
question says what will be sent; what is too long to be read in a dialogue takes the challenge's way.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import anyio
import mcp_types as t
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from caskmcp.errors import CaskError
from caskmcp.model.project import EnvironmentHost
from caskmcp.model.tool import Tool
from caskmcp.runtime import egress, shown
from caskmcp.runtime.commands import DIALOGUE, Said
from caskmcp.runtime.confirm import LIFE
from caskmcp.runtime.plan import PreparedRequest, authority, prepare
from caskmcp.runtime.respond import Result
from caskmcp.text import visible

KEY: Final = "confirm"
FIELD: Final = "approve"
FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {FIELD: {"type": "boolean", "title": "Send it once"}},
    "required": [FIELD],
}
WAIT: Final = 120.0
"""Seconds that a dialogue of the handshake era may take; then the challenge's way is left."""
LONGEST: Final = 2_000
"""Characters of a question."""


class Question(NamedTuple):
    """What a dialogue asks, and the challenge that its answer settles."""

    challenge: str
    text: str


def sealed() -> RequestStateBoundary:
    """What seals the state that goes out, and lets none in that was not sealed here for the same call."""
    return RequestStateBoundary(RequestStateSecurity.ephemeral(ttl=float(LIFE)), default_audience="cask")


def answered(ctx: Any, params: t.CallToolRequestParams) -> Said | None:
    """What a second leg answers. Without a state that was just unsealed there is none: its responses are never read."""
    if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS or params.request_state is None:
        return None
    return Said(params.request_state, _yes((params.input_responses or {}).get(KEY)))


def question(tool: Tool, arguments: Mapping[str, Any], result: Result, environment: Mapping[str, EnvironmentHost]) -> Question | None:
    """What to ask about a call that waits; None where a dialogue may not answer it or could not show it whole.

    environment: host -> the place that it is sent to instead.
    """
    challenge = result.details.get("challenge")
    if result.error != "CASK-R005" or challenge is None or tool.risk not in DIALOGUE or tool.composite is not None:
        return None
    try:
        text = visible("\n".join(_lines(tool, prepare(tool, arguments), environment)))
    except CaskError:
        return None  # it was prepared a moment ago; whatever differs now is no question for a dialogue
    return Question(str(challenge), text) if len(text) <= LONGEST else None


def _lines(tool: Tool, sent: PreparedRequest, environment: Mapping[str, EnvironmentHost]) -> Iterator[str]:
    """The request with what the arguments decide: headers that are the same in each call are left out."""
    yield f"{tool.title} ({tool.name}, risk {tool.risk})"
    yield f"{sent.method} {shown.url(sent)}"
    if environment:
        place = egress.destination(sent, authority(tool.request), environment)
        yield f"sent to {place.scheme}://{place.host}:{place.port}"
    given = {field.wire.lower() for field in tool.request.headers} | {"cookie"}
    yield from (f"{name}: {value}" for name, value in sent.headers if name.lower() in given)
    yield from [sent.body.decode("utf-8", errors="backslashreplace")] if sent.body else []


async def asked(ctx: Any, of: Question) -> Said | t.InputRequiredResult | None:
    """Ask: in the newer era by the result that asks, in the earlier one inside the call. None where the client cannot be asked, or nobody answered."""
    if not _takes_forms(ctx.session.client_capabilities):
        return None
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        form = t.ElicitRequest(params=t.ElicitRequestFormParams(message=of.text, requested_schema=FORM))
        return t.InputRequiredResult(input_requests={KEY: form}, request_state=of.challenge)
    return await _elicited(ctx, of) if ctx.session.can_send_request else None


async def _elicited(ctx: Any, of: Question) -> Said | None:
    try:
        with anyio.move_on_after(WAIT):
            return Said(of.challenge, _yes(await ctx.session.elicit_form(of.text, FORM, ctx.request_id)))
    except MCPError:
        return None  # the client says that it has no such dialogue
    return None


def _takes_forms(capabilities: t.ClientCapabilities | None) -> bool:
    """`{}` means forms; an address alone does not."""
    elicits = capabilities.elicitation if capabilities else None
    return elicits is not None and (elicits.form is not None or elicits.url is None)


def _yes(answer: Any) -> bool:
    return isinstance(answer, t.ElicitResult) and answer.action == "accept" and (answer.content or {}).get(FIELD) is True
