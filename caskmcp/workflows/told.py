"""What a build says of its `coverage.json`: what a list of the tools costs and what a person should look at. Reads the file, decides nothing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp.ports import Files
from caskmcp.store.layout import Pack

FILE: Final = "coverage.json"


def coverage(files: Files, pack: Pack) -> Mapping[str, Any]:
    """The file as plain JSON; empty where there is none."""
    path = pack.artifact(FILE)
    found: Mapping[str, Any] = json.loads(files.read(path)) if files.exists(path) else {}
    return found


def summary(found: Mapping[str, Any]) -> dict[str, int]:
    """Counts for the report's summary: tokens of the toolset `default`, how often documents and traffic differ and evidence is doubtful, if they do."""
    chosen, differing = found.get("selection"), len(found.get("disagreements", ()))
    counts = {"disagreements": differing, "doubts": len(found.get("doubts", ()))}
    return ({"tokens": chosen["tokens"]} if chosen else {}) | {name: count for name, count in counts.items() if count}


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """One line each, for whoever built."""
    if chosen := found.get("selection"):
        yield _cost(chosen)
    if differing := len(found.get("disagreements", ())):
        yield f"{differing} times documents and traffic differ: see `disagreements` in {FILE}"
    if doubtful := len(found.get("doubts", ())):
        yield f"{doubtful} times the evidence is doubtful: see `doubts` in {FILE}, and cask explain TOOL for what to do"
    if offers := len(found.get("proposals", ())):
        yield f"{offers} offered by sites to agents, none a tool here: see `proposals` in {FILE}"


def _cost(chosen: Mapping[str, Any]) -> str:
    whole = f"about {chosen['all_tokens']} tokens in a list"
    if not chosen.get("left_out"):
        return whole
    covered = f", covering {chosen['covered']} of {chosen['sessions']} sessions" if chosen.get("covered") else ""
    kept = f"toolset default: {chosen['tools']} tools, about {chosen['tokens']}{covered}"
    return f"{whole}; {kept}; see `selection` in {FILE}"
