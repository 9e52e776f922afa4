"""Nodes as JSON: the candidate form of `model.observation.Shape`, and the bare form that holds no value.

The candidate form has the same counts, plus what the value rule needs to be decided over all sources together (`settle`): candidate
values, digests of the first distinct ones, true bounds. It is private and stays in the cache.
"""

import math
from typing import Any, Final

from caskmcp import canon
from caskmcp.compiler.normalize import variants
from caskmcp.compiler.normalize.node import FEWEST_DISTINCT, Node

PRIVATE: Final = frozenset({"candidates", "figures", "range"})
"""Keys of the candidate form that an artifact never holds."""
_COUNTS: Final = ("nulls", "booleans", "integers", "numbers", "strings", "arrays", "objects", "empty_arrays", "maps", "empties")
_LARGEST: Final = 1 << 63


def plain(node: Node) -> dict[str, Any]:
    """The candidate form of a node: counts, and what `settle` decides on."""
    node.finish()
    out: dict[str, Any] = {name: count for name in _COUNTS if (count := getattr(node, name))}
    if node.kept:
        out["strings"] = sum(seen[0] for seen in node.kept.values())
        out["candidates"] = {text: seen[:2] for text, seen in node.kept.items()}
    out |= {name: dict(found) for name in ("redacted", "formats") if (found := getattr(node, name))}
    if node.figures:
        out |= {"figures": few({repr(_one_figure(figure)) for figure in node.figures}), "range": _range(node)}
    fields = {key: plain(child) for key, child in (node.fields | node.doubtful).items()}
    out |= {"properties": fields} if fields else {}
    out |= {"forms": forms} if (forms := variants.plain(node.forms)) else {}
    out |= {"items": plain(node.items)} if node.items else {}
    out |= {"map_values": plain(node.rest)} if node.rest else {}
    return out


def bare(shape: dict[str, Any]) -> dict[str, Any]:
    """A candidate form without anything private: what is the same for every cut of a recording and holds no value."""
    out = {name: value for name, value in shape.items() if name not in PRIVATE}
    if "forms" in out:
        out["forms"] = variants.without_tags(out["forms"])
    if "properties" in out:
        out["properties"] = {key: bare(child) for key, child in out["properties"].items()}
    for name in ("items", "map_values"):
        if name in out:
            out[name] = bare(out[name])
    return out


def few(texts: set[str]) -> list[str]:
    """Digests of fewer than five distinct texts, sorted; five or more are told by an empty list, whichever they were."""
    if len(texts) >= FEWEST_DISTINCT:
        return []
    return sorted(canon.hexadecimal(canon.digest_bytes(text.encode("utf-8", "surrogatepass")))[:16] for text in texts)


def _one_figure(figure: float) -> float:
    """1 and 1.0 are one value."""
    return int(figure) if -_LARGEST < figure < _LARGEST and int(figure) == figure else figure


def _range(node: Node) -> list[int] | None:
    if not -_LARGEST < node.low <= node.high < _LARGEST:
        return None
    return [math.floor(node.low), math.ceil(node.high)]
