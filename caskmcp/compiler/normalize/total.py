"""Add rows up: counts by name, shapes place by place. Commutative and associative; sorted when written."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from caskmcp.compiler.normalize import variants

Plain = dict[str, Any]
_SUMS: Final = ("redacted", "formats", "values", "statuses", "bodiless", "cookies", "auth")
_SKIP: Final = frozenset({"properties", "items", "map_values", "bounds", "forms"})


def shape(shapes: Sequence[Plain]) -> Plain:
    """The sum of settled shapes. A bucket holds only if every shape that has such values has one."""
    out = _counts(shapes)
    needed = [item for item in shapes if item.get("integers") or item.get("numbers")]
    found = [item["bounds"] for item in needed if "bounds" in item]
    if found and len(found) == len(needed):
        out["bounds"] = {"low": min(item["low"] for item in found), "high": max(item["high"] for item in found)}
    for name in ("items", "map_values"):
        if below := [item[name] for item in shapes if name in item]:
            out[name] = shape(below)
    if forms := variants.total(shapes):
        out["forms"] = forms
    fields = _by_key(item.get("properties", {}) for item in shapes)
    return out | ({"properties": {key: shape(found) for key, found in fields.items()}} if fields else {})


def row(rows: Sequence[Plain], head: Plain) -> Plain:
    """The sum of rows. `head`: the fields that tell rows apart, of the sum."""
    out = head | {"count": sum(item["count"] for item in rows)}
    for name in ("statuses", "bodiless", "cookies", "auth", "paged"):
        if found := _sum(item.get(name, {}) for item in rows):
            out[name] = found
    for name in ("query", "headers", "requests"):
        if fields := _by_key(item.get(name, {}) for item in rows):
            out[name] = {key: _seen(found) for key, found in fields.items()}
    if by_status := _by_key(item.get("responses", {}) for item in rows):
        out["responses"] = {status: {key: _seen(below) for key, below in _by_key(found).items()} for status, found in by_status.items()}
    if values := _by_key(item.get("values", {}) for item in rows):
        out["values"] = {index: _sum(found) for index, found in values.items()}
    return out


def _seen(found: Sequence[Plain]) -> Plain:
    out = {name: total for name in ("seen", "unread", "repeated", "loose") if (total := sum(item.get(name, 0) for item in found))}
    for name in ("statuses", "lists"):
        if counts := _sum(item.get(name, {}) for item in found):
            out[name] = counts
    kinds = _sum({item["kind"]: item["seen"]} for item in found if "kind" in item)
    json = sum(item["seen"] for item in found) - sum(kinds.values())
    if kinds and max(kinds.values()) >= json:
        out["kind"] = min(kinds, key=lambda name: (-kinds[name], name))
    if shapes := [item["shape"] for item in found if "shape" in item]:
        out["shape"] = shape(shapes)
    # Settled over all of them together, so one that does not say it has others.
    if all(item.get("same") for item in found if "shape" in item) and any("same" in item for item in found):
        out["same"] = True
    return out


def _counts(shapes: Sequence[Plain]) -> Plain:
    out: Plain = {}
    for item in shapes:
        for name, value in item.items():
            if name in _SKIP:
                continue
            if name in _SUMS:
                into = out.setdefault(name, {})
                for key, count in value.items():
                    into[key] = into.get(key, 0) + count
            else:
                out[name] = out.get(name, 0) + value
    return out


def _sum(found: Iterable[dict[str, int]]) -> dict[str, int]:
    out: dict[str, int] = {}
    for counts in found:
        for key, count in counts.items():
            out[key] = out.get(key, 0) + count
    return out


def _by_key(found: Iterable[Plain]) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {}
    for item in found:
        for key, value in item.items():
            out.setdefault(key, []).append(value)
    return out
