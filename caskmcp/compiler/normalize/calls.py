"""An exchange with a shared endpoint becomes one exchange for each thing that it asks for: GraphQL operations, methods of JSON-RPC.

Judged by the exchange alone, so that the same recording gives the same rows however it is cut. A batch is split into its members. What a call
holds in clear (names, texts, digests) comes from requests that were answered with data; of all others only the reason is counted.
An exchange that is none of these is left as it is.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from caskmcp import canon
from caskmcp.compiler.capture import asked
from caskmcp.compiler.normalize import keys, words
from caskmcp.load import load
from caskmcp.model.exchange import Body, Exchange

Plain = dict[str, Any]
Member = dict[str, Any]

UNANSWERED: Final = "never answered with data"
METHOD_NAME: Final = "its method's name may be a value"
MOST_MEMBERS: Final = 100
"""Members of a batch."""
NOT_MODIFIED: Final = 304
JSON: Final = "application/json"
_ERRORS: Final = ("error", "errors")
_JSONRPC: Final = frozenset({"jsonrpc", "method", "params", "id"})
_METHOD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:[./:-][A-Za-z0-9_]+)*", re.ASCII)
_READ: Final = "compiler.normalize.graphql:asked"
_HAS_WORD: Final = "compiler.normalize.graphql:has_word"


class Call(NamedTuple):
    """One thing that was asked for."""

    call: Plain
    """As `model.observation.Call`, without its defaults."""
    exchange: Exchange
    """Its arguments and its answer alone."""


def calls_of(exchange: Exchange) -> tuple[Call, ...]:
    """What an exchange asks for; nothing if it is a plain one, or one that nobody answered."""
    for protocol in PROTOCOLS if exchange.status else ():
        members = protocol.members(exchange)
        if members and all(map(protocol.fits, members)):
            answers = _answers(exchange, members, protocol)
            calls = [_call(exchange, *row, protocol) for row in zip(members, answers, strict=True)]
            return () if any(row is None for row in calls) else tuple(row for row in calls if row is not None)
    return ()


def _call(exchange: Exchange, member: Member, answer: Body | None, protocol: "Protocol") -> Call | None:
    said = protocol.reads(member)
    if said is None and not _is_fault(answer, protocol.data):
        return None
    if said is None or isinstance(said, str) or not _is_answered(exchange.status, answer, protocol.data):
        reason = said if isinstance(said, str) else UNANSWERED
        return Call({"protocol": protocol.name, "refused": reason}, replace(exchange, request=None, response=None, query=()))
    arguments = member.get(protocol.arguments) if protocol.arguments else member
    body = Body(JSON, "json", arguments) if isinstance(arguments, dict | list) else None
    rest = () if protocol.in_query(exchange) else exchange.query
    return Call(
        {"protocol": protocol.name, "within": [protocol.arguments], **said}, replace(exchange, request=body, response=answer, query=rest)
    )


def _is_fault(answer: Body | None, data: str) -> bool:
    """Whether an answer says in the protocol's own form that nothing was done."""
    if not data:
        return False
    found = answer.value if answer is not None and answer.kind == "json" and isinstance(answer.value, dict) else {}
    return found.get(data) is None and not found.keys().isdisjoint(_ERRORS)


def _is_answered(status: int, answer: Body | None, data: str) -> bool:
    """Whether an answer says that the server took the request: with data, as far as the recording holds it."""
    if not (200 <= status < 300 or status == NOT_MODIFIED):
        return False
    if answer is None or answer.kind != "json":
        return not data or answer is None or answer.kind == "absent"
    found = answer.value if isinstance(answer.value, dict) else {}
    return not data or (data in found and (found[data] is not None or found.keys().isdisjoint(_ERRORS)))


# ---------------------------------------------------------------- batches
def _listed(exchange: Exchange) -> list[Any]:
    """The members of a JSON body: the one, or those of a batch."""
    body = exchange.request
    if exchange.method != "POST" or body is None or body.kind != "json":
        return []
    found = body.value if isinstance(body.value, list) else [body.value]
    return found if len(found) <= MOST_MEMBERS else []


def _answers(exchange: Exchange, members: Sequence[Member], protocol: "Protocol") -> list[Body | None]:
    """The answer of each member; what cannot be told apart counts as not in the recording."""
    body = exchange.response
    if not protocol.data or body is None or body.kind != "json" or not isinstance(body.value, list):
        return [body] * len(members) if len(members) == 1 else [body and Body(body.media, "absent")] * len(members)
    found = protocol.matched(members, body.value)
    return [Body(body.media, "absent") if row is None else Body(body.media, "json", row) for row in found]


def _by_place(members: Sequence[Member], answers: list[Any]) -> list[Any]:
    return answers if len(answers) == len(members) else [None] * len(members)


def _by_id(members: Sequence[Member], answers: list[Any]) -> list[Any]:
    """JSON-RPC 2.0 section 6: answers of a batch come in any order."""
    known = {canon.compact(row["id"]): row for row in answers if isinstance(row, dict) and "id" in row}
    return [known.get(canon.compact(row["id"])) if "id" in row else None for row in members]


# ---------------------------------------------------------------- GraphQL over HTTP
def _graphql_members(exchange: Exchange) -> list[Any]:
    if exchange.method != "GET":
        return _listed(exchange)
    if not any(name in ("query", "extensions") for name, _ in exchange.query):
        return []
    found = dict(exchange.query)
    if len(found) != len(exchange.query) or not found.keys() <= asked.ENVELOPE:
        return []
    return [{name: text if name in ("query", "operationName") else _value(text) for name, text in found.items()}]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # then it is no object, and the request is no GraphQL


def _graphql(member: Member) -> Plain | str | None:
    name = member.get("operationName")
    name = name if isinstance(name, str) else ""
    text = member.get("query")
    persisted = asked.digest(member)
    if not isinstance(text, str):
        return _persisted(member, name, persisted)
    said = load(_READ)(text, name)
    if said is None or isinstance(said, str):
        return said
    variables = {
        row: ({"schema": schema} if schema else {}) | ({"required": True} if needed else {}) for row, schema, needed in said.variables
    }
    return {
        "name": said.name,
        "kind": said.kind,
        "roots": list(said.roots),
        "constants": {"query": said.text} | ({"operationName": said.name} if said.named else {}),
        "digest": canon.digest_bytes(said.text.encode("utf-8")),
        **({"persisted": persisted} if persisted else {}),
        **({"variables": variables} if variables else {}),
    }


def _persisted(member: Member, name: str, digest: str) -> Plain | str:
    if name and (keys.kind(name) is keys.Key.DATA or not load(_HAS_WORD)(name)):
        return METHOD_NAME
    constants = {key: member[key] for key in asked.PERSISTED if member.get(key) == digest}
    if not constants:
        constants = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    given = {"operationName": name} if name else {}
    return {"name": name or f"persisted_{digest[:8]}", "constants": {**constants, **given}, "persisted": digest}


# ---------------------------------------------------------------- JSON-RPC 2.0
def _is_jsonrpc(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0" or not isinstance(value.get("method"), str):
        return False
    return value.keys() <= _JSONRPC and isinstance(value.get("params", {}), dict | list)


def _jsonrpc(member: Member) -> Plain | str:
    method = member["method"]
    known = _METHOD.fullmatch(method) and len(method) <= words.LONGEST
    if not known or not all(map(_is_part, re.split(r"[./:_-]+", method.strip("_")))):
        return METHOD_NAME
    numbered = {"id": 1} if "id" in member else {}
    return {"name": method, "constants": {"jsonrpc": "2.0", "method": method, **numbered}}


def _is_part(text: str) -> bool:
    """Whether a part of a method's name is made of table words, or is what a public interface calls all of its methods."""
    return keys.kind(text) is keys.Key.FIELD or text in _INTERFACES


_INTERFACES: Final = frozenset({"aria2", "bor", "clique", "erigon", "eth", "ots", "parity", "txpool", "zks"})
"""First parts of the names of public JSON-RPC interfaces (Ethereum's clients, aria2) that are no words."""


# ---------------------------------------------------------------- any other field that chooses
SELECTORS: Final = ("action", "method", "op", "operation")
"""Fields that may choose what is done. Whether one does is judged over all requests (`identity`)."""


def _selectors(value: Any) -> list[str]:
    """The fields of a body that may choose what is done: their value is made of table words."""
    found = value if isinstance(value, dict) and "jsonrpc" not in value else {}
    return [name for name in SELECTORS if isinstance(found.get(name), str) and _is_words(found[name])]


def _is_words(text: str) -> bool:
    return not words.is_short(text) and all(map(words.is_words, re.split(r"[.:]", text)))


def _single(exchange: Exchange) -> list[Any]:
    found = _listed(exchange)
    is_one = exchange.request is not None and isinstance(exchange.request.value, dict)
    return found if is_one and (200 <= exchange.status < 300) else []


def _rpc(member: Member) -> Plain | None:
    name = _selectors(member)[0]
    # Values of places that are called like names of people are kept nowhere, and a second choice is no choice.
    return None if len(_selectors(member)) > 1 else {"name": member[name], "constants": {name: member[name]}, "within": []}


class Protocol(NamedTuple):
    """How one protocol says what is asked for."""

    name: str
    arguments: str
    """The member with the arguments."""
    data: str
    """The member of an answer that is there if it went well."""
    members: Callable[[Exchange], list[Any]]
    fits: Callable[[Any], Any]
    """Whether a member has the form of a request."""
    reads: Callable[[Member], "Plain | str | None"]
    """What a member asks for; the reason why that may not be kept; None if it is a plain request after all."""
    matched: Callable[[Sequence[Member], list[Any]], list[Any]]
    """The answer of each member of a batch, None where there is none."""

    def in_query(self, exchange: Exchange) -> bool:
        """Whether the request stands in the query string."""
        return exchange.method == "GET"


# fmt: off
PROTOCOLS: Final = (
    #        name       arguments    data      members           fits              reads      matched
    Protocol("graphql", "variables", "data",   _graphql_members, asked.is_graphql, _graphql,  _by_place),
    Protocol("jsonrpc", "params",    "result", _listed,          _is_jsonrpc,      _jsonrpc,  _by_id),
    Protocol("rpc",     "",          "",       _single,          _selectors,       _rpc,      _by_place),
)
# fmt: on


def reasons() -> Iterator[str]:
    """Every reason for which a request is counted and not kept."""
    yield from (UNANSWERED, METHOD_NAME, *load("compiler.normalize.graphql:REASONS"))
