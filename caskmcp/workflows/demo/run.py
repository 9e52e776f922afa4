"""`cask demo`: compile, approve in a throwaway root, serve, call, attack, rebuild, and say what held."""

import shlex
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import anyio

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.ports import World
from caskmcp.workflows import here
from caskmcp.workflows.demo.agent import Agent
from caskmcp.workflows.demo.attacks import ATTACKS
from caskmcp.workflows.demo.proof import Proof
from caskmcp.workflows.demo.scene import UNAPPROVED, Scene, approve, compile_, scene

CALLS: Final = (
    # tool,          arguments
    ("list_products", {"category": "kitchen"}),
    ("get_product", {"product_id": 2}),
    ("list_orders", {"status": "pending"}),
    ("get_order", {"order_id": 1003}),
    ("create_order", {"product_id": 1, "quantity": 2}),
    ("cancel_order", {"order_id": 1002}),
)
"""What the demo's agent calls. Personal data stays out of it: `get_customer` is called by an attack alone."""


def run(world: World, *, out: str | None = None) -> Report:
    """Run the demo. out: a folder that keeps the evidence. The report's exit status is 0 only if every proof held."""
    target = None if out is None else _place(world, out)
    with scene(world) as stage:
        first = compile_(stage)
        signed = approve(stage)
        proofs = (*_compiled(stage, first, signed), *anyio.run(_served, stage), _rebuilt(world, stage, first))
    report = _report(proofs)
    if target is not None:
        _keep(world, target, report)
    return report


def _compiled(stage: Scene, digests: Mapping[str, str], signed: int) -> tuple[Proof, ...]:
    tools = stage.pending()["tools"]
    seen = f"{len(tools)} tools, {len(digests)} artifacts, {signed} subjects signed"
    return (Proof("compile-and-approve", "compile the recording, approve all but one tool", "done", len(tools) > 1 and signed > 1, seen),)


# ---------------------------------------------------------------- served
async def _served(stage: Scene) -> tuple[Proof, ...]:
    async with stage.agent() as first:
        proofs = [proof async for proof in _first_server(stage, first)]
    return tuple(proofs)


async def _first_server(stage: Scene, agent: Agent) -> AsyncIterator[Proof]:
    names = await agent.names()
    yield Proof("list", "list the tools with an MCP client", "only what was approved", set(names) == _expected(stage), ", ".join(names))
    once = await _answers(stage, agent)
    async with stage.agent() as second:
        again = await _answers(stage, second)
    good = all(not answer.refused for name, answer in once if name != "cancel_order")
    yield Proof(
        "call",
        "call each tool twice in two servers",
        "equal answers",
        good and _digests(once) == _digests(again),
        f"{len(once)} answers, {canon.digest(_digests(once))[:23]}",
    )
    for attack in ATTACKS:
        seen = await attack.run(stage, agent)
        yield Proof(attack.id, attack.attempted, attack.blocked, seen.held, seen.evidence)


def _expected(stage: Scene) -> set[str]:
    return {name for name in stage.pending()["tools"] if name != UNAPPROVED}


async def _answers(stage: Scene, agent: Agent) -> list[tuple[str, Any]]:
    """Each call twice, on a shop that was just opened. A challenge has a number of its own, so of a question only the code counts."""
    stage.service.shop.reopen()
    rows = []
    for name, arguments in (*CALLS, *CALLS):
        answer = await agent.call(name, arguments)
        rows.append((name, answer._replace(text="", value=None) if answer.code == "CASK-R005" else answer))
    return rows


def _digests(answers: list[tuple[str, Any]]) -> list[str]:
    return [answer.digest for _, answer in answers]


# ---------------------------------------------------------------- rebuilt
def _rebuilt(world: World, stage: Scene, first: Mapping[str, str]) -> Proof:
    """The same project compiled again, elsewhere, from nothing."""
    again = compile_(stage.elsewhere())
    differ = sorted(name for name in {*first, *again} if first.get(name) != again.get(name))
    return Proof(
        "rebuild",
        "compile again in another folder",
        "the same bytes",
        not differ,
        f"{len(again)} artifacts, different: {', '.join(differ) or 'none'}",
    )


# ---------------------------------------------------------------- report
def _report(proofs: tuple[Proof, ...]) -> Report:
    failed = [proof for proof in proofs if not proof.held]
    findings = [
        Finding(code="CASK-D001", severity=Severity.REFUSED, subject=proof.id, message=f"{proof.attempted}: not held ({proof.evidence})")
        for proof in failed
    ]
    return Report(
        report="demo",
        summary={"proofs": len(proofs), "held": len(proofs) - len(failed)},
        findings=tuple(findings),
        tables={"proofs": tuple(proof.row() for proof in proofs)},
        lines=(
            "A recording of a small shop: compiled, approved with a key that never left memory, served to a real MCP client, attacked.",
        ),
    )


def _place(world: World, folder: str) -> Path:
    """Where the evidence goes. Raises, before anything runs, CASK-I010 for a place that holds something else."""
    target = here.export(world, folder)
    if world.files.exists(target / "demo.json"):
        raise CaskError("CASK-I010", "the folder holds evidence of an earlier demo", place=str(target), mend=f"rm -r {shlex.quote(folder)}")
    return target


def _keep(world: World, target: Path, report: Report) -> None:
    """Write the evidence: the report, and a manifest with its digest."""
    data = canon.pretty(report.json_value())
    world.files.write(target / "demo.json", data)
    world.files.write(
        target / "manifest.json", canon.pretty({"schema": "caskmcp/evidence/1", "files": {"demo.json": canon.digest_bytes(data)}})
    )
