"""`cask propose`: drafts of tools that agents and people file, and what a person makes of them.

Promises: filing takes data alone, of a bounded size, without hidden characters, orders to models or credentials, and changes nothing but the box;
promotion is a person's at a terminal, writes the draft as a specification of the project and builds it, and ends in a tool that waits for
`gate allow` like any other. No approval is made here.
"""

import re
import shlex
from collections.abc import Iterator
from typing import Any, Final

from caskmcp import canon, text
from caskmcp.compiler.emit import hygiene
from caskmcp.errors import CaskError
from caskmcp.govern.proposals import Box, Standing
from caskmcp.model.finding import Report
from caskmcp.model.proposal import LARGEST, Draft, Filed, Wanted
from caskmcp.ports import World
from caskmcp.runtime.clean import clean
from caskmcp.store import pipes, project
from caskmcp.text import Document
from caskmcp.workflows import build, capture, here, person

FOLDER: Final = "specs"
COMMAND: Final = "command line"
BETWEEN: Final = re.compile(r"[_.-]+")
"""What stands between the words of a name."""


def box(world: World) -> Box:
    """The box of drafts of this root."""
    return Box(world.files, here.root(world).drafts)


# ---------------------------------------------------------------- filing
def taken(data: bytes, name: str) -> Draft:
    """A draft out of JSON bytes. Raises CASK-F001 for one that is too large or whose texts may not stand in it, CASK-I003, I004 for no draft."""
    if len(data) > LARGEST:
        raise CaskError(
            "CASK-F001", f"a draft has at most {LARGEST} bytes, this one has {len(data)}", place=name, mend="cask propose file --help"
        )
    try:
        return judged(text.parse_json(data, name), name)
    except CaskError as no:
        raise CaskError(no.code, no.what, place=no.place, mend=no.mend or "cask propose file --help") from no


def judged(value: Any, name: str) -> Draft:
    """A draft out of a JSON value. Raises as `taken`."""
    draft = Draft.of(Document(name, value, {}))
    for place, said in _texts(draft):
        if problem := _problem(said):
            raise CaskError("CASK-F001", f"`{place}` {problem}", place=name, mend="cask propose file --help")
    return draft


def _texts(draft: Draft) -> Iterator[tuple[str, str]]:
    yield from (("name", draft.name), ("host", draft.host), ("summary", draft.summary), ("reason", draft.reason), ("path", draft.path))
    for number, row in enumerate(draft.arguments):
        yield from ((f"arguments.{number}.name", row.name), (f"arguments.{number}.description", row.description))


def _problem(said: str) -> str:
    """Why a text may not stand in a draft; it is never repeated."""
    if not hygiene.is_visible(said):
        return "holds characters that nobody sees, or more than one line"
    if order := hygiene.order_in(said) or hygiene.order_in(BETWEEN.sub(" ", said)):
        return f"reads as an order to a model ({order})"
    return "holds something that looks like a credential" if clean(said) != said else ""


def file(world: World, given: str, *, by: str | None) -> Report:
    """File the draft in a file, or on stdin where that is `/dev/stdin`."""
    path = pipes.path_of(given, world.cwd)
    data = pipes.read(path)
    draft = taken(world.files.read(path, 64 << 20) if data is None else data, given)
    held = box(world)
    row = held.file(draft, by=_named(by or COMMAND), at=world.clock.now())
    status = held.find(row.id).status
    lines = (f"{row.id} {'waits for a person' if status == 'open' else f'was filed before and {status}'}: cask propose show {row.id}",)
    return Report(report="propose-file", summary={"id": row.id, "tool": draft.name, "by": row.by}, lines=lines)


def _named(by: str) -> str:
    """Who files, as plain words."""
    shown = text.visible(" ".join(by.split()))[:80]
    return shown or COMMAND


# ---------------------------------------------------------------- reading
def listing(world: World, *, everything: bool) -> Report:
    """The drafts that wait, or all of them."""
    rows = [row for row in box(world).all() if everything or row.settled is None]
    shown = tuple(
        {
            "id": row.filed.id,
            "tool": row.filed.draft.name,
            "request": _request(row.filed.draft),
            "by": row.filed.by,
            "at": row.filed.at,
            "status": row.status,
        }
        for row in rows
    )
    lines = () if rows else ("No draft waits.",)
    return Report(report="propose-list", summary={"drafts": len(rows)}, tables={"drafts": shown}, lines=lines)


def show(world: World, name: str) -> Report:
    """One draft, whole."""
    row = box(world).find(name)
    tables = {
        "draft": tuple({"what": what, "says": says} for what, says in _told(row)),
        "arguments": tuple(each.model_dump(mode="json") for each in row.filed.draft.arguments),
    }
    lines = (f"Next: cask propose promote {name}, or cask propose reject {name}",) if row.settled is None else ()
    return Report(report="propose-show", summary={"id": name, "status": row.status}, tables=tables, lines=lines)


def _told(row: Standing) -> Iterator[tuple[str, str]]:
    draft = row.filed.draft
    yield from (("tool", draft.name), ("request", _request(draft)), ("summary", draft.summary), ("reason", draft.reason))
    yield "filed", f"by {row.filed.by} at {row.filed.at}; who files is not verified"
    if row.settled is not None:
        yield row.settled.verdict, f"at {row.settled.at}{': ' + row.settled.reason if row.settled.reason else ''}"


def _request(draft: Draft) -> str:
    return f"{draft.method} {draft.host}{draft.path}"


# ---------------------------------------------------------------- deciding
def reject(world: World, name: str, *, reason: str) -> Report:
    """Take a draft off the list. Works anywhere: it takes away. Raises CASK-F003 for one that was decided."""
    held = box(world)
    row = _open(held, name)
    held.settle(row, "rejected", at=world.clock.now(), reason=text.visible(" ".join(reason.split()))[:300])
    return Report(
        report="propose-reject", summary={"id": name, "tool": row.draft.name}, lines=(f"{name} is rejected; its file stays in the box.",)
    )


def promote(world: World, name: str) -> Report:
    """Write a draft as a specification of the project and build it. Raises CASK-A001 without a terminal, CASK-A002, CASK-F003.

    The tool then waits: `gate allow` alone lets it run. What was written before something failed stays, and the draft stays open.
    """
    person.require(world, "cask propose promote")
    held = box(world)
    row = _open(held, name)
    judged(row.draft.model_dump(mode="json"), name)  # a file in the box may have been put there by other means
    loaded = project.load_project(world.files, world.cwd)
    if row.draft.host not in loaded.project.hosts:
        what = f"{row.draft.host} is none of this project's hosts ({', '.join(loaded.project.hosts)}); who adds one says so in cask.yaml"
        raise CaskError("CASK-F001", what, mend=f"cask propose reject {name}")
    for what, says in _told(Standing(row, None)):
        world.console.note(f"{what}: {says}")
    person.type_name(world, row.draft.name)
    place = loaded.folder / FOLDER / f"{name}.json"
    world.files.write(place, canon.pretty(document(row.draft)))
    added = capture.take(world, sources=(str(place),), hosts=())
    built = build.run(world)
    held.settle(row, "promoted", at=world.clock.now())
    lines = (
        *added.lines[: added.lines.index("Next:")],
        *built.lines,
        "Next:",
        "  cask diff",
        f"  cask gate allow {shlex.quote(row.draft.name)}",
    )
    facts = {**built.summary, "id": name, "tool": row.draft.name, "file": str(place)}
    return Report(report="propose-promote", summary=facts, findings=built.findings, lines=lines)


def _open(held: Box, name: str) -> Filed:
    row = held.find(name)
    if row.settled is not None:
        raise CaskError("CASK-F003", f"{name} was {row.settled.verdict} at {row.settled.at}", mend="cask propose list --all")
    return row.filed


# ---------------------------------------------------------------- as a specification
def document(draft: Draft) -> dict[str, Any]:
    """The draft as an OpenAPI 3.1 document of one operation."""
    body = [row for row in draft.arguments if row.place == "body"]
    operation: dict[str, Any] = {
        "operationId": draft.name,
        "summary": draft.summary,
        "parameters": [_parameter(row) for row in draft.arguments if row.place != "body"],
        "responses": {"200": {"description": "An answer; its form was not stated."}},
    }
    if body:
        operation["requestBody"] = {
            "required": any(row.required for row in body),
            "content": {"application/json": {"schema": _object(body)}},
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Proposed: {draft.name}", "version": "1"},
        "servers": [{"url": f"https://{draft.host}"}],
        "paths": {draft.path: {draft.method.lower(): operation}},
    }


def _parameter(row: Wanted) -> dict[str, Any]:
    said = {"description": row.description} if row.description else {}
    return {"name": row.name, "in": row.place, "required": row.required or row.place == "path", "schema": {"type": row.type}, **said}


def _object(rows: list[Wanted]) -> dict[str, Any]:
    fields = {row.name: {"type": row.type, **({"description": row.description} if row.description else {})} for row in rows}
    return {"type": "object", "properties": fields, "required": [row.name for row in rows if row.required]}
