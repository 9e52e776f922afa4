"""`cask verify --suggest`: contracts that observations bear out, written beside verify.yaml and in force nowhere.

A suggestion counts when a person moves it into verify.yaml. It says what every successful answer had: value-free, from the committed contracts.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp import text
from caskmcp.errors import CaskError
from caskmcp.model.contract import Contract, Contracts, Response
from caskmcp.model.finding import Report
from caskmcp.model.tool import Tools
from caskmcp.model.verification import VerifyFile
from caskmcp.ports import World
from caskmcp.workflows import here, places
from caskmcp.workflows.verify import stated

NAME: Final = "verify.suggested.yaml"
LEAST: Final = 3
"""Answers that a suggestion rests on."""
MOST: Final = 12
"""Assertions of one tool."""
DEEPEST: Final = 4
HEAD: Final = b"# Suggested from observations; in force nowhere. Move what you want to verify.yaml, and edit it there.\n"


def run(world: World) -> Report:
    """Write the suggestions. Raises CASK-I002 where no contracts were emitted, CASK-L002 for artifacts that cannot be read."""
    pack = here.pack(world)
    name = "contracts.yaml"
    if not world.files.exists(pack.artifact(name)):
        what = "contracts.yaml was not emitted, and suggestions come from it"
        raise CaskError("CASK-I002", what, place=str(pack.artifact(name)), mend="add `contracts` to `emit:` in cask.yaml, then cask build")
    known = {row.id: row for row in Contracts.from_yaml(world.files.read(pack.artifact(name)), name, code="CASK-L002").contracts}
    tools = Tools.from_json(world.files.read(pack.artifact("tools.json")), "tools.json", code="CASK-L002").tools
    reads = [row for row in tools if row.effect == "read" and row.operation in known]
    rows = [{"tool": row.name, "assert": asserted} for row in reads if (asserted := suggested(known[row.operation]))]
    value = {"version": 1, "contracts": rows}
    VerifyFile.of(text.Document(NAME, value, {}))
    place = stated.path(world).with_name(NAME)
    world.files.write(place, HEAD + text.dump_yaml(value))
    said = f"{places.shown(world, place)}: {len(rows)} tools; nothing of it is in force before it stands in {stated.NAME}"
    return Report(
        report="verify-suggest", summary={"tools": len(rows), "assertions": sum(len(row["assert"]) for row in rows)}, lines=(said,)
    )


def suggested(known: Contract) -> list[dict[str, Any]]:
    """What each success of an operation had: a status, fields, their words."""
    rows = [row for row in known.responses if row.status.startswith("2") and row.evidence.seen >= LEAST]
    if not rows:
        return []
    statuses = sorted({int(row.status) for row in rows if row.status.isdecimal()})
    head: list[dict[str, Any]] = [{"status": statuses}] if statuses else []
    return [*head, *(each for row in rows[:1] for each in _fields(row))][:MOST]


def _fields(row: Response) -> Iterator[dict[str, Any]]:
    schema = row.schema_ or {}
    yield from _below(schema, schema, "$", 0)


def _below(root: Mapping[str, Any], schema: Mapping[str, Any], path: str, depth: int) -> Iterator[dict[str, Any]]:
    """Required fields of objects, and vocabularies; of lists nothing but what they are, since they may be empty."""
    schema = _resolved(root, schema)
    if depth > DEEPEST:
        return
    if schema.get("enum"):
        yield {"path": path, "one_of": list(schema["enum"])}
    elif depth and "properties" not in schema:
        yield {"path": path, "exists": True}
    for name in schema.get("required", ()):
        below = schema.get("properties", {}).get(name, {})
        yield from _below(root, below, f"{path}{_step(name)}", depth + 1)


def _resolved(root: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = str(schema.get("$ref", ""))
    found = root.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {}) if reference else schema
    return found if isinstance(found, Mapping) else {}


def _step(name: str) -> str:
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f".{name}" if name.isidentifier() and name.isascii() else f"['{quoted}']"
