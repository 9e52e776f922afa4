"""Traffic in a short notation, and what the first stages make of it: `GET /orders/7?page=2 200 {id: 7}`."""

import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import yaml

from caskmcp import canon
from caskmcp.compiler.infer.stage import infer
from caskmcp.compiler.normalize import merge, stage, templates
from caskmcp.model.contract import Contract
from caskmcp.model.exchange import Body, Declared, Exchange
from caskmcp.model.observation import Group

HOST = "api.shop.example"
Item = Exchange | Declared | str
NOTHING = object()


def exchange(line: str, *, body: Any = NOTHING, media: str = "application/json", kind: Any = "json", **more: Any) -> Exchange:
    """`METHOD PATH[?QUERY] [STATUS [ANSWER]]`; the answer is YAML, a word of it that ends in `/` is a media type. Default: 200."""
    method, target, status, answer = (*line.split(" ", 3), "", "")[:4]
    path, _, query = target.partition("?")
    fields: dict[str, Any] = {
        "method": method,
        "scheme": "https",
        "host": HOST,
        "port": 0,
        "path": path,
        "query": tuple(parse_qsl(query, keep_blank_values=True)),
        "status": int(status or 200),
        "response": _answer(answer),
    }
    if body is not NOTHING:
        fields["request"] = Body(media=media, kind=kind, value=body, size=1)
    return Exchange(**(fields | more))


def _answer(text: str) -> Body | None:
    if not text:
        return None
    if text.startswith("type "):
        return Body(media=text.removeprefix("type "), kind="text", size=100)
    return Body(media="application/json", kind="json", value=yaml.safe_load(text), size=len(text))


def items(found: Iterable[Item]) -> list[Exchange | Declared]:
    """Lines and ready records as records."""
    return [exchange(item) if isinstance(item, str) else item for item in found]


def part(*found: Item, named: Iterable[str] = ()) -> dict[str, Any]:
    """The part of one source, candidate form."""
    return stage.summarize(items(found), tuple(named))


def parts(*sources: Iterable[Item], named: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """Part id -> part (candidate form) of each source."""
    found = [part(*source, named=named) for source in sources]
    return {merge.part_id(stage.bare_part(one)): one for one in found}


def merged(given: Mapping[str, dict[str, Any]], paths: Iterable[str] = ()) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Groups and coverage; the parts that are given stay as they are."""
    return merge.merge(copy.deepcopy(dict(given)), [templates.parse(path) for path in paths])


def operations(found: Iterable[Item], paths: Iterable[str] = ()) -> list[str]:
    """What one source's traffic becomes: `METHOD /template`, sorted."""
    paths = tuple(paths)
    groups, _ = merged(parts(found, named=paths), paths)
    return sorted(name.replace(f" {HOST}", " ") for name in groups)


def contracts(*sources: Iterable[Item], paths: Iterable[str] = ()) -> dict[str, Contract]:
    """Contracts by `METHOD /template`."""
    paths = tuple(paths)
    groups, _ = merged(parts(*sources, named=paths), paths)
    return {name.replace(f" {HOST}", " "): infer(Group.model_validate_json(group)) for name, group in groups.items()}


def contract(*found: Item) -> Contract:
    """The only contract of some traffic."""
    made = contracts(found)
    assert len(made) == 1, sorted(made)
    return next(iter(made.values()))


def everything(given: Mapping[str, dict[str, Any]]) -> bytes:
    """All bytes that leave the merge and the inference: parts, settled parts, groups, coverage, contracts."""
    settled = copy.deepcopy(dict(given))
    groups, coverage = merge.merge(settled, [])
    made = [infer(Group.model_validate_json(group)).plain() for group in groups.values()]
    bare = [stage.bare_part(one) for one in given.values()]
    return (
        canon.compact([bare, {name: merge.published(one) for name, one in settled.items()}, coverage, made])
        + json.dumps({name: group.decode() for name, group in groups.items()}).encode()
    )
