"""All parts become operations: the union of what is committed and what the sources here gave, templated, settled and added up.

Merging is map union over part ids, so it is commutative, associative and idempotent; totals are computed here and kept nowhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from caskmcp import canon
from caskmcp.compiler.normalize import alike, edges, identity, operations, proposals, sessions, settle, templates
from caskmcp.compiler.normalize.flows import PRIVATE as FLOWING
from caskmcp.compiler.normalize.group import Operation
from caskmcp.compiler.normalize.row import PRIVATE
from caskmcp.compiler.normalize.tree import is_success
from caskmcp.compiler.pipeline import Inputs, Outputs
from caskmcp.compiler.written import pretty
from caskmcp.errors import CaskError
from caskmcp.model.observation import SCHEMA, Part
from caskmcp.model.shared import refuse_forged
from caskmcp.text import Document

Plain = dict[str, Any]
Key = tuple[str, int, str, tuple[str, ...], str]

NO_OPERATIONS: Final = {"OPTIONS": "preflight", "HEAD": "head"}
_PAGE: Final = frozenset({"text/html", "application/xhtml+xml"})
_ASSET: Final = ("text/css", "text/javascript", "application/javascript", "application/x-javascript", "image/", "font/", "application/font", "audio/", "video/")  # fmt: skip


def run(inputs: Inputs) -> Outputs:
    """Stage `merge`. Raises CaskError CASK-N001 if no operation is left, CASK-I004 for a committed part of another form."""
    present: dict[str, list[Plain]] = {}
    # Of the bare parts the ids alone are wanted: with a hundred sources, their values would take as much memory as all the rest.
    ids = {step: canon.digest_compact(data) for step, data in inputs.files_of("normalize.part").items()}
    for step, candidates in inputs.value("normalize.candidates").items():
        present.setdefault(ids[step], []).append(candidates)
    committed = {name: _checked(part) for name, part in inputs.value("committed.parts").items()}
    chosen = {name: alike.standing(found) for name, found in present.items()}
    edges.carry(committed, chosen)
    merged = committed | chosen
    sessions.settle(merged, committed)
    wanted = [templates.parse(text) for text in inputs.value("project.paths") or ()]
    groups, coverage = merge(merged, wanted)
    observations = {"schema": SCHEMA, "parts": {name: published(part) for name, part in merged.items()}}
    definitions = canon.compact({key: row for part in merged.values() for key, row in part.get("definitions", {}).items()})
    return {"observations": pretty(observations), "groups": groups, "definitions": definitions, "coverage": pretty(coverage)}


def part_id(part: Plain) -> str:
    """The id of a part: the digest of it without vocabularies and bounds, which depend on the other parts."""
    return canon.digest(part)


def merge(parts: Mapping[str, Plain], wanted: Sequence[templates.Template]) -> tuple[dict[str, bytes], Plain]:
    """Groups by id, and the coverage. Settles the candidates in `parts` in place."""
    found, left_out = _operations(parts, wanted)
    identity.tell_apart(found.values())
    groups: dict[str, bytes] = {}
    coverage: Plain = {"schema": "caskmcp/coverage/1", "operations": {}}
    single: dict[str, int] = {}
    kept: dict[str, tuple[Operation, list[Plain]]] = {}
    for key in sorted(found):
        operation = found[key]
        segments = operation.segments()
        name = operation.id(segments)
        reason = _reason(operation)
        if reason:
            left_out[name] = reason
            _settle(operation)
            continue
        single |= {f"{name} {parameter}": count for parameter, count in operation.single(segments).items()}
        _settle(operation)
        kept[name] = operation, segments
    flows = edges.settle(kept)
    for name, (operation, segments) in kept.items():
        groups[name] = canon.compact(operation.plain(segments) | ({"flows": flows[name]} if name in flows else {}))
        coverage["operations"][name] = {"parts": _by_part(operation)} | _origins(operation)
    if not groups:
        what = _nothing(left_out) + proposals.told(parts)
        raise CaskError("CASK-N001", what, mend="add a recording or a document under `sources:` in cask.yaml")
    coverage |= ({"left_out": left_out} if left_out else {}) | proposals.coverage(parts)
    coverage |= sessions.coverage(parts, {name: operation.rows for name, (operation, _) in kept.items()})
    return groups, coverage | ({"single_valued": single} if single else {})


def rows_of(parts: Mapping[str, Plain], wanted: Sequence[templates.Template]) -> dict[str, list[tuple[str, Plain]]]:
    """Operation id -> (part id, row) of what was observed of it, for readers of committed parts."""
    found, _ = _operations(parts, wanted)
    identity.tell_apart(found.values())
    return {each.id(each.segments()): [*zip(each.owners, each.rows, strict=True)] for each in found.values()}


def published(part: Plain) -> Plain:
    """A settled part as it is committed."""
    if "rows" not in part:
        return part
    return part | {
        "rows": [{name: value for name, value in row.items() if name != PRIVATE and name not in FLOWING} for row in part["rows"]]
    }


def _operations(parts: Mapping[str, Plain], wanted: Sequence[templates.Template]) -> tuple[dict[Key, Operation], dict[str, str]]:
    body_words = frozenset(word for part in parts.values() for word in part.get("body_words", ()))
    found: dict[Key, Operation] = {}
    documents = _declare(parts, found, wanted)
    calls = identity.Calls(row["call"] for part in parts.values() for row in part.get("rows", ()) if "call" in row)
    left_out: dict[str, str] = {}
    for origin, rows in sorted(_by_origin(parts).items()):
        stated = documents.get(origin, {})
        shared = identity.shared(row for _, row in rows)
        kept = []
        for owner, row in rows:
            match = operations.matching(stated.get(row["method"], ()), tuple(row["segments"]))
            reason = identity.refused(row) or ("" if match else identity.unread(row, shared) or _no_operation(row))
            if reason:
                left_out[_raw(row)] = identity.joined(left_out.get(_raw(row), ""), reason)
                _settle_rows([row])
            else:
                kept.append((owner, row, match))
        paths = operations.resolve([row for _, row, _ in kept], body_words, wanted)
        placed = []
        for (owner, row, match), path in zip(kept, paths, strict=True):
            user = operations.matching(wanted, tuple(row["segments"]))
            slots = operations.slots(match) if match and not user else path
            placed.append((owner, row, slots, (row["method"], *(slot.structure for slot in slots)), match is not None))
        undivided = identity.undivided((row, place, known) for _, row, _, place, known in placed)
        for owner, row, slots, place, _ in placed:
            call = None if identity.is_chosen(row) and place in undivided else calls.of(row)
            operation = _at(found, origin, row["method"], slots, identity.of(call))
            operation.call = call
            operation.add(row, owner)
    return found, left_out


def _declare(parts: Mapping[str, Plain], found: dict[Key, Operation], wanted: Sequence[templates.Template]) -> dict[tuple[str, int], dict[str, list[templates.Template]]]:  # fmt: skip
    """Put every declared operation among the found ones; the templates by origin and method."""
    out: dict[tuple[str, int], dict[str, list[templates.Template]]] = {}
    endpoints = identity.endpoints(row for part in parts.values() for row in part.get("rows", ()))
    for owner in sorted(parts):
        for item in parts[owner].get("declared", ()):
            origin = (item["host"], item["port"])
            call = item.get("call")
            template = templates.parse(endpoints.get(origin, item["path"]) if item.get("assumed") else item["path"])
            user = operations.matching(
                wanted, tuple(f"{{{index}}}" if fixed is None else fixed for index, fixed in enumerate(template.fixed))
            )
            operation = _at(found, origin, item["method"], operations.slots(user or template), identity.of(call))
            operation.call = call
            operation.wire = operation.wire or template.segments
            if user is None:
                operation.path = tuple(slot if len(slot.pieces) > 1 else operations.Slot(slot.literal) for slot in operation.path)
            if item not in operation.declared:
                operation.declared.append(item)
            operation.declarers.append(owner)
            if call is None:
                out.setdefault(origin, {}).setdefault(item["method"], []).append(template)
    return out


def _at(found: dict[Key, Operation], origin: tuple[str, int], method: str, path: operations.Path, call: str = "") -> Operation:
    key = (*origin, method, tuple(slot.structure for slot in path), call)
    operation = found.get(key)
    if operation is None:
        operation = found[key] = Operation(*origin, method)
        operation.path = path
    elif any(slot.pieces for slot in path) and not operation.wire:
        operation.path = path
    return operation


def _by_origin(parts: Mapping[str, Plain]) -> dict[tuple[str, int], list[tuple[str, Plain]]]:
    out: dict[tuple[str, int], list[tuple[str, Plain]]] = {}
    for owner in sorted(parts):
        for row in (*parts[owner].get("rows", ()), *parts[owner].get("stated", ())):
            out.setdefault((row["host"], row.get("port", 0)), []).append((owner, row))
    return out


def _no_operation(row: Plain) -> str:
    """Why a raw row is no operation whatever the others are, or nothing."""
    if row.get("wanted"):
        return ""
    if row["method"] in NO_OPERATIONS:
        return NO_OPERATIONS[row["method"]]
    media = {name for status, bodies in row.get("responses", {}).items() if status.startswith("2") for name in bodies}
    if media and all(name in _PAGE for name in media):
        return "page"
    return "asset" if media and all(name.startswith(_ASSET) for name in media) else ""


def _reason(operation: Operation) -> str:
    """Why rows together are no operation, or nothing."""
    statuses = {status for row in operation.rows for status in row["statuses"]}
    if operation.declared or operation.stated or any(map(is_success, statuses)):
        return ""
    return "redirect" if any(status.startswith("3") for status in statuses) else "never succeeded"


def _settle(operation: Operation) -> None:
    _settle_rows(operation.rows)


def _settle_rows(rows: Sequence[Plain]) -> None:
    for name in ("query", "headers", "requests"):
        _settle_named([row.get(name, {}) for row in rows])
    for media in sorted({media for row in rows for media in row.get("requests", {})}):
        settle.tell_apart([row["requests"][media] for row in rows if media in row.get("requests", {})])
    statuses = {status for row in rows for status in row.get("responses", {})}
    for status in sorted(statuses):
        _settle_named([row.get("responses", {}).get(status, {}) for row in rows])


def _settle_named(found: Iterable[Mapping[str, Plain]]) -> None:
    by_name: dict[str, list[Plain]] = {}
    for named in found:
        for name, seen in named.items():
            if "shape" in seen:
                by_name.setdefault(name, []).append(seen["shape"])
    for shapes in by_name.values():
        settle.settle(shapes)


def _by_part(operation: Operation) -> dict[str, int]:
    out = dict.fromkeys((*operation.declarers, *operation.staters), 0)
    for owner, row in zip(operation.owners, operation.rows, strict=True):
        out[owner] = out.get(owner, 0) + row["count"]
    return out


def _origins(operation: Operation) -> Plain:
    """Where values that live for a session came from, added up."""
    out: dict[str, dict[str, int]] = {}
    for row in operation.rows:
        for place, found in row.get("origins", {}).items():
            into = out.setdefault(place, {})
            for origin, count in found.items():
                into[origin] = into.get(origin, 0) + count
    return {"origins": out} if out else {}


def _raw(row: Plain) -> str:
    port = f":{row['port']}" if row.get("port") else ""
    call = f"#{row['call']['protocol']}" if "call" in row else ""
    return f"{row['method']} {row['host']}{port}/{'/'.join(row['segments'])}{call}"


def _nothing(left_out: Mapping[str, str]) -> str:
    if not left_out:
        return "no source and no committed observation gives an operation"
    counts: dict[str, int] = {}
    for reason in left_out.values():
        counts[reason] = counts.get(reason, 0) + 1
    return "no operation is left: " + ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))


def _checked(part: Plain) -> Plain:
    Part.of(Document("observations.json", part, {}))
    refuse_forged(part.get("definitions", {}))
    return part
