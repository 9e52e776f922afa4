"""Labelled pairs of signed records: `tests/cases/calculus/*.yaml` over the records of its `base.yaml`."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from caskmcp import text

FOLDER: Final = Path(__file__).parent.parent / "cases" / "calculus"
TOOLS: Final = ("request", "input", "governance")
"""Files of pairs of tools; the pairs of `shared` are of the other records."""


@dataclass(frozen=True)
class Pair:
    """Two records and what a careful reader says of them."""

    name: str
    record: str
    old: dict[str, Any]
    new: dict[str, Any]
    verdicts: frozenset[str]
    """More than one only where a decision cannot be expected."""
    changes: tuple[dict[str, Any], ...]


def base(record: str = "tool") -> dict[str, Any]:
    """A record to start from; each call gives a copy of its own."""
    return copy.deepcopy(_read("base")[record])


def pairs(*files: str) -> list[Pair]:
    """The pairs of some files, in their order."""
    return [_pair(name, row) for file in files for name, row in _read(file).items()]


def edited(record: dict[str, Any], places: dict[str, Any]) -> dict[str, Any]:
    """A copy of a record with values set at dotted places; `base` stands for the base record of that name."""
    made = copy.deepcopy(record)
    for place, value in places.items():
        _set(made, place.split("."), base(place) if value == "base" else value)
    return made


def said(row: Any) -> frozenset[str]:
    """A verdict, or several, as a set."""
    return frozenset(row if isinstance(row, list) else [row])


def _set(value: Any, steps: list[str], new: Any) -> None:
    *way, last = steps
    for step in way:
        value = value[int(step)] if isinstance(value, list) else value.setdefault(step, {})
    if not isinstance(value, list):
        value[last] = copy.deepcopy(new)
    elif int(last) == len(value):
        value.append(copy.deepcopy(new))
    else:
        value[int(last)] = copy.deepcopy(new)


def _pair(name: str, row: dict[str, Any]) -> Pair:
    record = row.get("record", "tool")
    old, new = (edited(base(record), row.get(side, {})) for side in ("old", "new"))
    return Pair(name, record, old, new, said(row["verdict"]), tuple(row["changes"]))


_FILES: dict[str, Any] = {}


def _read(file: str) -> dict[str, Any]:
    if file not in _FILES:
        _FILES[file] = text.parse_yaml((FOLDER / f"{file}.yaml").read_bytes(), file).value
    return dict(_FILES[file])


def schemas() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name and the two input schemas of each pair of tools."""
    for pair in pairs(*TOOLS):
        yield pair.name, pair.old["input_schema"], pair.new["input_schema"]
