"""Calls for the runtime's tests: an admitted pack built by hand, flights over it, and the conversation with the gateway as it reads in a test.

Nothing here passes the door: what the door lets through is written down. `Conversation` answers commands and keeps what was asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.model.auth import AuthRule
from caskmcp.model.pack import AdmittedPack, AdmittedTool
from caskmcp.model.policy import Budget, Match, Policy, Rule
from caskmcp.model.project import EnvironmentHost
from caskmcp.model.tool import Annotations, BodyPlan, Field_, PathPiece, PathSegment, RequestPlan, ResponsePlan, Tool
from caskmcp.model.trust import Key, Pin
from caskmcp.runtime import gateway
from caskmcp.runtime.clean import clean
from caskmcp.runtime.commands import Command
from caskmcp.runtime.gateway import Call, Flight
from caskmcp.runtime.respond import Answer, Result
from caskmcp.runtime.surface import Surface, surface
from tests.support.world import NOON

HOST: Final = "api.example.com"
PUBLIC: Final = "93.184.216.34"
"""A public address that nothing in the tests connects to."""
ROOT: Final = canon.digest("root")
LOCK: Final = canon.digest("lock")


def literal(text: str) -> PathSegment:
    """A literal segment."""
    return PathSegment(pieces=(PathPiece(text=text),))


def argument(name: str, charset: Any = "text", max_length: int = 0) -> PathSegment:
    """A segment that an argument fills."""
    return PathSegment(pieces=(PathPiece(argument=name, charset=charset, max_length=max_length),))


def schema(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """A closed input schema."""
    return {"type": "object", "additionalProperties": False, "properties": dict(properties), "required": list(required)}


def tool(
    name: str = "get_order",
    *,
    method: str = "GET",
    segments: tuple[PathSegment, ...] = (literal("orders"), argument("order_id", "integer", 20)),
    properties: Mapping[str, Any] | None = None,
    required: tuple[str, ...] = ("order_id",),
    query: tuple[Field_, ...] = (),
    headers: tuple[Field_, ...] = (),
    cookies: tuple[Field_, ...] = (),
    body: BodyPlan | None = None,
    effect: Any = "read",
    risk: Any = "low",
    idempotent: bool | None = None,
    output: dict[str, Any] | None = None,
    expected: dict[str, Any] | None = None,
    max_bytes: int = 100_000,
    scheme: Any = "https",
    host: str = HOST,
    port: int = 0,
) -> Tool:
    """A tool of one GET operation, unless said otherwise."""
    return Tool(
        name=name,
        operation=f"{method} {host}/{name}",
        title=name.replace("_", " ").capitalize(),
        description=f"Does {name}.",
        input_schema=schema({"order_id": {"type": "integer"}} if properties is None else properties, required),
        output_schema=output,
        annotations=Annotations(
            read_only=effect == "read",
            destructive=effect == "destructive",
            idempotent=effect == "read" if idempotent is None else idempotent,
            open_world=True,
        ),
        request=RequestPlan(
            method=method,
            scheme=scheme,
            host=host,
            port=port,
            segments=segments,
            query=query,
            headers=headers,
            cookies=cookies,
            body=body,
        ),
        response=ResponsePlan(max_bytes=max_bytes, expected=expected),
        effect=effect,
        risk=risk,
        reasons=(),
        scope="orders:read",
    )


GET_ORDER: Final = tool()
PAY_ORDER: Final = tool(
    "pay_order",
    method="POST",
    effect="write",
    risk="high",
    properties={"order_id": {"type": "integer"}, "amount": {"type": "integer"}},
    body=BodyPlan(media="application/json", kind="json", fields=(Field_(argument="amount", wire="amount"),)),
)
WIPE: Final = tool("wipe", method="DELETE", effect="destructive", risk="critical")

POLICY: Final = Policy(
    rules=(
        Rule(id="allow-calm", effect="allow", match=Match(risk=("safe", "low", "medium"))),
        Rule(id="ask-high", effect="confirm", match=Match(risk=("high",)), reason="money moves"),
        Rule(id="never-critical", effect="deny", match=Match(risk=("critical",)), reason="too much at once"),
    )
)


def pack(
    *tools: Tool,
    policy: Policy = POLICY,
    environment: Mapping[str, EnvironmentHost] | None = None,
    auth: Mapping[str, AuthRule] | None = None,
    toolsets: Mapping[str, tuple[str, ...]] | None = None,
    confirmers: Mapping[str, Key] | None = None,
    budgets: Mapping[str, Budget] | None = None,
) -> AdmittedPack:
    """What the door would let through."""
    policy = policy.model_copy(update={"budgets": dict(budgets or {})})
    rows = {row.name: AdmittedTool(row, canon.digest(row.model_dump(mode="json")), policy.rules_for(row), ()) for row in tools}
    return AdmittedPack(
        toolpack="shop",
        lock=LOCK,
        root=ROOT,
        root_version=1,
        tools={name: rows[name] for name in sorted(rows)},
        withheld=(),
        toolsets=toolsets or {},
        policy=policy,
        environment=environment or {},
        auth=auth or {},
        confirmers=confirmers or {},
        pin=Pin(toolpack="shop", root=ROOT),
    )


def served(*tools: Tool, toolset: str | None = None, **more: Any) -> Surface:
    """The surface of a pack built by hand."""
    return surface(pack(*(tools or (GET_ORDER, PAY_ORDER, WIPE)), **more), toolset)


def call(name: str, /, **arguments: Any) -> Call:
    """A call at noon."""
    return Call("c0ffee", name, arguments, "stdio", NOON)


def flight(name: str, /, on: Surface | None = None, dry: bool = False, **arguments: Any) -> Flight:
    """A call about to begin."""
    return Flight(call(name, **arguments), on or served(), clean, dry)


def answer(body: bytes = b'{"id":7}', status: int = 200, media: str = "application/json", **headers: str) -> Answer:
    """What an upstream says."""
    rows = (("content-type", media), *((name.replace("_", "-"), value) for name, value in headers.items()))
    return Answer(status, rows, body)


@dataclass
class Conversation:
    """Answers the gateway's commands from a table by type, or by a function; keeps what was asked, in order."""

    replies: Mapping[type, Any]
    asked: list[Command] = field(default_factory=list)

    def hold(self, begun: Flight) -> Result:
        """Take a call to its end."""
        talk = gateway.steps(begun)
        reply: Any = None
        try:
            while True:
                command = talk.throw(reply) if isinstance(reply, CaskError) else talk.send(reply)
                self.asked.append(command)
                given = self.replies.get(type(command))
                reply = given(command) if callable(given) else given
        except StopIteration as end:
            result: Result = end.value
            return result

    def of(self, kind: type) -> list[Any]:
        """The commands of one type."""
        return [command for command in self.asked if isinstance(command, kind)]
