"""Does a tool say again what was recorded? Each recorded request becomes the arguments of its tool, and the tool's plan a request.

The requests are taken from the raw recording, before any redaction; which of them are a first party's is the capture's to say, which tool
is meant and what its arguments are is read here, backwards through the plan. A request that its tool cannot make again has a reason.
Bodies are compared as what they say (JSON, pairs of a form, parts), targets as their segments and pairs: the order of different query
parameters and the spelling of percent-encodings are nobody's concern. What the compiler leaves out by name (credentials, values that live
for a session, headers of the transport) is left out here too.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from caskmcp.compiler import fleeting
from caskmcp.compiler.capture import headers
from caskmcp.compiler.normalize.templates import split_path
from caskmcp.compiler.normalize.tokens import label
from caskmcp.errors import CaskError
from caskmcp.model.contract import Contract
from caskmcp.model.exchange import Exchange
from caskmcp.model.tool import Field_, Tool
from caskmcp.redact.cut import Redactor
from caskmcp.runtime.arguments import ArgumentCheck, compiled
from caskmcp.runtime.plan import PreparedRequest, prepare
from tests.support import asked_again
from tests.support.chain import Chain
from tests.support.said import KEY, Pairs, Said, parts, requests


class Lost(Exception):
    """Why a request cannot be made again, in words that hold no value."""


@dataclass
class Found:
    """What became of all requests of a recording that could have a tool."""

    total: int = 0
    equal: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    """Tool and reason -> requests."""
    refused: Counter[str] = field(default_factory=Counter)
    """The same of requests that the server refused (4xx, 5xx): what it does not take, no tool has to say."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Reason -> requests of what the merge says is no operation."""
    spelled: int = 0
    """Equal ones whose target is the same byte for byte."""

    @property
    def share(self) -> float:
        """Of requests that were answered, those that came out equal."""
        return self.equal / self.total if self.total else 1.0


# ---------------------------------------------------------------- tools
@dataclass(frozen=True)
class Served:
    """A tool with what is needed to go backwards through it."""

    tool: Tool
    contract: Contract
    check: ArgumentCheck

    @property
    def rank(self) -> tuple[Any, ...]:
        """The more exact path first, as servers choose; one that says what is asked for before one that does not."""
        body = self.tool.request.body
        literal = [any(piece.argument for piece in row.pieces) for row in self.tool.request.segments]
        return tuple(literal), not (body and body.constants), self.tool.name

    def path(self, said: Said) -> dict[str, str] | None:
        """The texts of the path's arguments, if the path is one of the tool's."""
        plan = self.tool.request
        if said.method != plan.method or len(said.segments) != len(plan.segments):
            return None
        found: dict[str, str] = {}
        for text, segment in zip(said.segments, plan.segments, strict=True):
            form = "".join("(.+)" if piece.argument else re.escape(unquote(piece.text)) for piece in segment.pieces)
            match = re.fullmatch(form, unquote(text), re.DOTALL)
            if match is None:
                return None
            found |= zip((piece.argument for piece in segment.pieces if piece.argument), match.groups(), strict=True)
        return found

    def asks(self, said: Said) -> bool:
        """Whether the body (or the query) holds the constants of the plan."""
        return bool(self.member(said))

    def member(self, said: Said) -> list[Any]:
        """The body; of a shared endpoint the members that ask what the tool asks, in one spelling."""
        body = self.tool.request.body
        if body is None or not body.constants:
            return [None]
        wanted = asked_again.normal(body.constants, said.known)
        constants = {name: value for name, value in wanted.items() if name not in body.within[:1] and value != {}}
        return [row for row in said.asked if isinstance(row, Mapping) and all(row.get(name) == value for name, value in constants.items())]

    def left_out(self, place: fleeting.Place, name: str) -> bool:
        """Whether the compiler leaves an input out by what it is: a credential, or a value that lives for a session."""
        row = fleeting.rule(place, name)
        return bool(row and not row.argument) or f"{place}:{name.lower()}" in {way.lower() for way in self.contract.auth}

    def schema(self, argument: str) -> Mapping[str, Any]:
        """The schema of an argument."""
        return resolved(self.tool.input_schema, self.tool.input_schema["properties"][argument])


def resolved(root: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with references into `$defs` followed."""
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    return {**root["$defs"][name], **{key: row for key, row in schema.items() if key != "$ref"}} if name else schema


def served(chain: Chain) -> list[Served]:
    """The tools of a chain that was run to `emit`, the most exact first."""
    found = json.loads(chain.outputs["emit"]["files"]["tools.json"])["tools"]
    contracts = {name: Contract.model_validate_json(data) for name, data in chain.outputs["infer"]["contract"].items()}
    tools = [Tool.model_validate_json(json.dumps(row)) for row in found]
    return sorted((Served(tool, contracts[tool.operation], compiled(tool)) for tool in tools), key=lambda row: row.rank)


# ---------------------------------------------------------------- backwards: from a request to arguments
def arguments(one: Served, said: Said, found: Mapping[str, str]) -> dict[str, Any]:
    """The arguments that would make the request again. Raises Lost."""
    plan = one.tool.request
    given: dict[str, Any] = {name: typed(text, one.schema(name)) for name, text in found.items()}
    is_asked = plan.body is not None and plan.body.kind == "query"
    if not is_asked:
        given |= _from_query(one, said)
    for row in plan.headers:
        if row.wire.lower() in said.headers:
            given[row.argument] = _from_text(row, said.headers[row.wire.lower()], one.schema(row.argument), ",")
    return given | _from_body(one, said)


def typed(text: str, schema: Mapping[str, Any]) -> Any:
    """A text as a value of its schema, if it says the same on the wire; else the text."""
    kinds = set(_kinds(schema))
    if kinds & {"integer", "number"} and re.fullmatch(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]+)?", text):
        return json.loads(text)
    return text == "true" if "boolean" in kinds and text in ("true", "false") else text


def _kinds(schema: Mapping[str, Any]) -> Iterator[str]:
    kind = schema.get("type")
    yield from [kind] if isinstance(kind, str) else kind or ()
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _kinds(option)


def _from_text(row: Field_, text: str, schema: Mapping[str, Any], delimiter: str) -> Any:
    if "array" in _kinds(schema):
        return [typed(item, schema.get("items", {})) for item in text.split(delimiter)]
    return typed(text, schema)


_DELIMITERS: Final = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


def _from_query(one: Served, said: Said) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for row in one.tool.request.query:
        schema = one.schema(row.argument)
        values = [value for name, value in said.query if name == row.wire]
        if row.style == "deepObject":
            fields = [
                (name[len(row.wire) + 1 : -1], value) for name, value in said.query if name.startswith(f"{row.wire}[") and name[-1] == "]"
            ]
            if fields:
                given[row.argument] = _deep(fields, schema)
        elif values and "array" in _kinds(schema):
            items = values if row.explode else [item for value in values for item in value.split(_DELIMITERS[row.style])]
            given[row.argument] = [typed(item, schema.get("items", {})) for item in items]
        elif values:
            given[row.argument] = typed(values[-1], schema)
    return given


def _deep(fields: Pairs, schema: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in fields:
        child = schema.get("properties", {}).get(name, {})
        if "array" in _kinds(child):
            out.setdefault(name, []).append(typed(value, child.get("items", {})))
        else:
            out[name] = typed(value, child)
    return out


def _from_body(one: Served, said: Said) -> dict[str, Any]:
    plan = one.tool.request.body
    if plan is None or not (said.body or said.pairs or plan.kind == "query"):
        return {}
    if plan.kind == "text":
        return {plan.argument: said.body.decode("utf-8", "replace")} if plan.argument else {}
    if plan.kind in ("form", "multipart"):
        return _from_form(one, said)
    try:
        found = one.member(said)[0] if plan.constants else said.json
    except ValueError as cause:
        raise Lost("the body is no JSON") from cause
    for name in plan.within[:-1] if plan.argument else plan.within:
        found = found.get(name, {}) if isinstance(found, Mapping) else {}
    if plan.argument:
        whole = found.get(plan.within[-1]) if plan.within and isinstance(found, Mapping) else found
        return {} if plan.within and whole is None else {plan.argument: whole}
    if not isinstance(found, Mapping):
        raise Lost("the body is no object")
    return {row.argument: found[row.wire] for row in plan.fields if row.wire in found}


def _from_form(one: Served, said: Said) -> dict[str, Any]:
    given: dict[str, Any] = {}
    body = one.tool.request.body
    for row in body.fields if body else ():
        schema = one.schema(row.argument)
        values = [value for name, value in said.form if name == row.wire]
        if values:
            several = "array" in _kinds(schema)
            given[row.argument] = [typed(value, schema.get("items", {})) for value in values] if several else typed(values[-1], schema)
    return given


# ---------------------------------------------------------------- forwards, and compared
def difference(one: Served, said: Said, made: PreparedRequest) -> str:
    """In what two requests differ, or nothing."""
    path, _, query = made.target.decode("ascii").partition("?")
    if [unquote(text) for text in path.split("/")[1:]] != [unquote(text) for text in said.segments]:
        return "path"
    sent = parse_qsl(query, keep_blank_values=True)
    if one.tool.request.body and one.tool.request.body.kind == "query":
        asked = asked_again.normal(asked_again.in_query(sent), said.known) in one.member(said)
        return "" if asked else "query"
    for name in sorted({name for name, _ in (*said.query, *sent)}):
        before, after = ([value for key, value in rows if key == name] for rows in (said.query, sent))
        if before != after and not (not after and one.left_out("query", name)):
            return f"query {name}" + ("" if after else ": no argument")
    return _headers(one, said, dict(headers.lowered(made.headers))) or _body(one, said, made)


def _headers(one: Served, said: Said, made: Mapping[str, str]) -> str:
    redactor = Redactor(KEY, "strict", (), (), ())
    for name, value in headers.kept(sorted(said.headers.items()), redactor.is_credential):
        if made.get(name) != value and not one.left_out("header", name) and not fleeting.may_be("header", name):
            return f"header {name}" + ("" if name in made else ": no argument")
    return ""


def _body(one: Served, said: Said, made: PreparedRequest) -> str:
    plan = one.tool.request.body
    if plan is None or plan.kind == "query":
        return "a body that no plan has" if said.body else ""
    if plan.kind == "text":
        return "" if made.body == said.body else "body"
    if plan.kind in ("form", "multipart"):
        media = dict(headers.lowered(made.headers)).get("content-type", "")
        after = parts(media, made.body) if plan.kind == "multipart" else parse_qsl(made.body.decode(), keep_blank_values=True)
        before = [(name, value) for name, value in said.form if not one.left_out("body", name)]
        return "" if sorted(before) == sorted(after) else "form"
    if not said.body or not made.body:
        return "" if said.body == made.body else "a body is there in one of both"
    return _json(one, said, json.loads(made.body))


def _json(one: Served, said: Said, after: Any) -> str:
    plan = one.tool.request.body
    if plan and plan.constants:
        return "" if asked_again.normal(after, said.known) in one.member(said) else "body"
    before = said.json
    if isinstance(before, Mapping):
        before = {name: value for name, value in before.items() if not one.left_out("body", name)}
    return "" if before == after else "body"


def replayed(tools: Iterable[Served], said: Said) -> tuple[str, str, bool]:
    """(tool, why it cannot make the request again, whether the target is spelled the same); no tool: an empty name."""
    for one in tools:
        found = one.path(said)
        if found is None or not one.asks(said):
            continue
        try:
            given = arguments(one, said, found)
            one.check.refuse(given)
            made = prepare(one.tool, given)
        except CaskError as cause:
            return one.tool.name, f"{cause.code} {cause.what}", False
        except Lost as cause:
            return one.tool.name, str(cause), False
        target = "/" + "/".join(said.segments)
        return one.tool.name, difference(one, said, made), made.target.decode().partition("?")[0] == target
    return "", "no tool", False


def _reason(left_out: Mapping[str, str], exchange: Exchange) -> str:
    """Why `coverage.json` leaves out a request of a raw path, or nothing."""
    port = f":{exchange.port}" if exchange.port else ""
    raw = f"{exchange.method} {exchange.host}{port}/{'/'.join(map(label, split_path(exchange.path)))}"
    return next((reason for name, reason in left_out.items() if name.partition("#")[0] == raw), "")


def measured(kind: str, data: bytes, hosts: Sequence[str], **project: Any) -> Found:
    """Compile a recording, and say each of its requests again."""
    given: dict[str, Any] = {"hosts": list(hosts), "redact": {}, "paths": [], "tools": {}, "toolsets": {}, "auth": {}, "environments": {}, "emit": None, "policy": None, "id": "shop"}  # fmt: skip
    chain = Chain({"a": (kind, data)}, **(given | project)).run("emit")
    tools, left_out = served(chain), chain.json("merge.coverage").get("left_out", {})
    out = Found()
    for said, exchange in requests(kind, data, hosts):
        tool, reason, spelled = replayed(tools, said)
        good = said.status < 400
        if not tool and (why := _reason(left_out, exchange)):
            out.left_out[why] += 1
            continue
        if good:
            out.total += 1
            out.equal += not reason
            out.spelled += spelled and not reason
        if reason:
            (out.lost if good else out.refused)[f"{tool}: {reason}"] += 1
    return out
