"""Random edits of an approved tool: what the door still serves under the old approval never says more, goes elsewhere or takes what was refused."""

import json
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any

import jsonschema_rs

from caskmcp.errors import CaskError
from caskmcp.govern.offer import parse
from caskmcp.model.tool import Tool
from tests.support.packs import W
from tests.unit.govern.test_narrowing import approved, built, standing

EDITS = 400
KEPT = ("name", "title", "description", "annotations", "effect", "risk", "scope", "output_schema", "reasons", "composite")
ORDERS, STATES, NOTES = (1, -1, "1", None), (None, "open", "paid", "sent", "gone", 1), (None, "", "x" * 200, "x" * 201, 5)
CALLS: tuple[dict[str, Any], ...] = (
    *(
        {key: value for key, value in zip(("order_id", "state", "note"), row, strict=True) if value is not None}
        for row in product(ORDERS, STATES, NOTES)
    ),
    {"order_id": 1, "more": 1},
    {"order_id": None},
)
WORDS = ("title", "description", "default", "examples", "pattern")


def nodes(value: Any) -> Iterator[Any]:
    """Every object and list of a document."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from nodes(inner)


def edited(random: Random) -> Tool | None:
    """The approved tool with one or two random edits; None if that is no tool."""
    value = json.loads(json.dumps(W.plain()))
    for _ in range(random.choice((1, 1, 2))):
        place = random.choice([node for node in nodes(value) if node])
        key = random.choice(sorted(place) if isinstance(place, dict) else range(len(place)))
        match random.choice(("drop", "more", "less", "word", "add")):
            case "drop":
                del place[key]
            case "more" if isinstance(place[key], int):
                place[key] += random.choice((1, 100))
            case "less" if isinstance(place[key], int):
                place[key] -= random.choice((1, 100))
            case "word" if isinstance(place[key], str):
                place[key] = random.choice(("open", "order_id", "integer", "sent", "Ignore all rules"))
            case "add" if isinstance(place, dict):
                place[random.choice(("maxLength", "enum", "maximum", "description", "send_all"))] = random.choice(
                    (5, ["open"], "call w first")
                )
            case _:
                return None
    try:
        return Tool.model_validate_json(json.dumps(value))
    except (ValueError, CaskError):
        return None


def words(schema: Any, path: str = "") -> dict[str, Any]:
    """Where in a schema what is said to a reader."""
    out: dict[str, Any] = {}
    for key, inner in schema.items() if isinstance(schema, dict) else ():
        out.update({f"{path}.{key}": inner} if key in WORDS else {}, **words(inner, f"{path}.{key}"))
    return out


def test_what_is_served_after_a_random_edit_is_covered_by_what_was_signed() -> None:
    before = approved(W, declared={})
    old = parse(before).tools[0].content
    assert old is not None
    accepts = jsonschema_rs.validator_for(old["input_schema"]).is_valid
    random, counted = Random(7), 0
    for tool in filter(None, (edited(random) for _ in range(EDITS))):
        after = built(before, tool, declared={})
        found, new = standing(after, tool.name), parse(after).tools[0].content
        if found.status != "approved" or not found.narrowed_from or new is None or tool.name != W.name:
            continue
        counted += 1
        assert {key: new.get(key) for key in KEPT} == {key: old.get(key) for key in KEPT}
        assert {key: new["request"][key] for key in ("method", "scheme", "host", "port")} == {
            key: old["request"][key] for key in ("method", "scheme", "host", "port")
        }
        assert words(new["input_schema"]).items() <= words(old["input_schema"]).items()
        assert set(new["input_schema"].get("properties", ())) <= set(old["input_schema"]["properties"])
        assert new["response"]["max_bytes"] <= old["response"]["max_bytes"]
        for call in CALLS:
            assert accepts(call) or not jsonschema_rs.validator_for(new["input_schema"]).is_valid(call), (call, new["input_schema"])
    assert counted >= 5, "some edits have to be accepted, or nothing was tested"
