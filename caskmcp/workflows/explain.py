"""`cask explain`: the evidence behind a tool or a field, from the committed artifacts of a toolpack alone. No traffic, no network, no build."""

from typing import Any

from caskmcp import text
from caskmcp.analyze import observed
from caskmcp.analyze.explain import Known, chosen, of_field, of_tool
from caskmcp.errors import CaskError
from caskmcp.model.artifact import Coverage, OperationCoverage
from caskmcp.model.contract import Contract, Contracts
from caskmcp.model.finding import Report
from caskmcp.model.observation import Observations
from caskmcp.model.tool import Tool, Tools
from caskmcp.ports import World
from caskmcp.store import project
from caskmcp.store.layout import Pack
from caskmcp.store.places import find_manifest
from caskmcp.workflows import gate, here


def run(world: World, subject: str) -> Report:
    """Explain `TOOL` or `TOOL.FIELD`.

    Raises CASK-I010 for a tool or field that is not there, CASK-I002 where no contracts were emitted, CASK-L002 for artifacts that cannot be read.
    """
    try:
        return _explained(world, subject)
    except CaskError as cause:
        raise cause.mended("cask build") from cause


def _explained(world: World, subject: str) -> Report:
    name, dot, field = subject.partition(".")
    pack = here.pack(world)
    tools = Tools.from_json(_read(world, pack, "tools.json"), "tools.json", code="CASK-L002").tools
    coverage = Coverage.from_json(_read(world, pack, "coverage.json"), "coverage.json", code="CASK-L002")
    left_out = {operation: row.reason for operation, row in coverage.operations.items() if row.reason} | dict(coverage.left_out)
    tool = chosen(tools, subject if subject in left_out else name, left_out)
    _refuse_composite(tool)
    known = Known(
        tool=tool,
        contract=_contract(world, pack, tool),
        coverage=coverage.operations.get(tool.operation, OperationCoverage(parts={})),
        rows=_rows(world, pack, tool),
        standing=_standing(world, tool.name),
    )
    return of_field(known, field) if dot else of_tool(known)


def _refuse_composite(tool: Tool) -> None:
    if tool.composite is not None:
        names = [step.tool for step in tool.composite.steps]
        what = f"`{tool.name}` is a composite: the evidence is that of the tools that it calls ({', '.join(names)})"
        raise CaskError("CASK-I010", what, place="tools.json", mend=f"cask explain {names[0]}")


def _read(world: World, pack: Pack, name: str) -> bytes:
    path = pack.artifact(name)
    if not world.files.exists(path):
        raise CaskError("CASK-I002", f"{name} is not in the toolpack, and the evidence stands in it", place=str(path), mend="cask build")
    return world.files.read(path)


def _contract(world: World, pack: Pack, tool: Tool) -> Contract:
    name = "contracts.yaml"
    if not world.files.exists(pack.artifact(name)):
        what = "contracts.yaml was not emitted, and the evidence stands in it"
        raise CaskError("CASK-I002", what, place=str(pack.artifact(name)), mend="add `contracts` to `emit:` in cask.yaml, then cask build")
    rows = Contracts.from_yaml(_read(world, pack, name), name, code="CASK-L002").contracts
    found = next((row for row in rows if row.id == tool.operation), None)
    if found is None:
        raise CaskError("CASK-L002", f"contracts.yaml has no operation `{tool.operation}`", place=name, mend="cask build")
    return found


def _rows(world: World, pack: Pack, tool: Tool) -> tuple[tuple[str, Any], ...]:
    """What the committed observations hold of the tool's operation; nothing where the pack was handed over without them."""
    if not world.files.exists(pack.observations):
        return ()
    value = text.parse_json(world.files.read(pack.observations), "observations.json")
    Observations.of(text.Document("observations.json", value, {}), code="CASK-L002")
    paths = project.load_project(world.files, world.cwd).project.paths if find_manifest(world.files, world.cwd) else ()
    return observed.rows(value["parts"], paths, tool.operation)


def _standing(world: World, tool: str) -> dict[str, Any]:
    """Who approved it; a pack whose lock cannot be read explains itself all the same."""
    try:
        survey = gate.look(world).survey
    except CaskError as cause:
        return {"status": f"not known ({cause.code})"}
    standing = next((standing for row, standing in survey.tools if row.name == tool), None)
    return {"status": standing.status, "approved_by": list(standing.approved_by)} if standing else {}
