"""Values of whatever type a tool wrote, as what we expect there; what is none of it is as good as absent."""

import json
from typing import Any

from caskmcp.model.exchange import Pair


def text(value: Any) -> str:
    """Text without lone surrogates, which no encoding can write; numbers and booleans as JSON writes them; empty for the rest."""
    if value is None or isinstance(value, dict | list):
        return ""
    found = value if isinstance(value, str) else json.dumps(value)
    return found.encode("utf-8", "replace").decode("utf-8")


def mapping(value: Any) -> dict[str, Any]:
    """An object."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def enabled(value: Any) -> list[dict[str, Any]]:
    """The objects of a list that are not switched off."""
    return [item for item in objects(value) if item.get("disabled") is not True and item.get("enabled") is not False]


def pairs(value: Any, key: str = "name") -> tuple[Pair, ...]:
    """`[{name, value}]` without those that are switched off or have no name."""
    return tuple((text(item.get(key)), text(item.get("value"))) for item in enabled(value) if text(item.get(key)))


def number(value: Any) -> int:
    """A status; 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599 else 0


def flat(value: Any, above: str = "", depth: int = 8) -> dict[str, str]:
    """Names and texts of an object, below objects with dots: `{"a": {"b": 1}}` -> `a.b`."""
    out: dict[str, str] = {}
    for name, item in mapping(value).items():
        if isinstance(item, dict) and depth:
            out |= flat(item, f"{above}{name}.", depth - 1)
        elif item is not None and not isinstance(item, dict | list):
            out[f"{above}{name}"] = text(item)
    return out
