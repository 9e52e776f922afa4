"""What sites offer to agents, gathered from all parts: a union, the same for any cut of it into documents. Nothing of it becomes an operation."""

from collections.abc import Mapping
from typing import Any

from caskmcp import canon

Plain = dict[str, Any]


def coverage(parts: Mapping[str, Plain]) -> Plain:
    """The field `proposals` of the coverage, in the sites' words; empty if there is none."""
    rows = {canon.compact(made): made for part in parts.values() for item in part.get("proposed", ()) if (made := _row(item))}
    return {"proposals": [rows[key] for key in sorted(rows, key=lambda key: (*_order(rows[key]), key))]} if rows else {}


def told(parts: Mapping[str, Plain]) -> str:
    """What to add where there is no operation: that offers are none."""
    count = len(coverage(parts).get("proposals", ()))
    return f" (of what sites offer to agents, {count} listed, none is an operation)" if count else ""


def _row(item: Plain) -> Plain:
    port = f":{item['port']}" if item["port"] else ""
    given = {"input_schema": item.get("schema"), "title": item.get("title"), "description": item.get("description"), "url": item.get("url")}
    head = {"source": item["source"], "origin": f"{item['scheme']}://{item['host']}{port}", "kind": item["kind"], "name": item["name"]}
    return head | {name: value for name, value in given.items() if value}


def _order(row: Plain) -> tuple[str, ...]:
    return row["source"], row["origin"], row["name"], row["kind"]
