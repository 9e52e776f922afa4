"""A small toolpack to attack: three tools, a policy, a toolset, an environment and an auth reference; and people who sign it.

`r` reads (low), `w` writes and asks (high), `x` was compiled and never approved. `T1` is trusted, `U1` is not. Records are built here
and written through the program's own writers; nothing here judges.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from caskmcp import canon, text
from caskmcp.govern import lockfile, offer, sign, trust
from caskmcp.govern.lockfile import ReadLock
from caskmcp.govern.sign import FileSigner, Signer
from caskmcp.model.artifact import Auth, Environments
from caskmcp.model.auth import AuthRule
from caskmcp.model.pack import PackFiles
from caskmcp.model.policy import Budget, Match, Policy, Rule
from caskmcp.model.project import EnvironmentHost
from caskmcp.model.statement import Lock, Pending, PendingTool, Signed, Statement
from caskmcp.model.tool import Annotations, BodyPlan, Field_, PathPiece, PathSegment, Reason, RequestPlan, ResponsePlan, Tool
from caskmcp.model.toolset import EMITTED, Toolset, Toolsets, emitted
from caskmcp.model.trust import Approver, Pin, Role, Root, SignedRoot
from caskmcp.store.layout import Pack
from tests.support.world import CountingEntropy

ID: Final = "shop"
HOST: Final = "api.example.com"
EARLIER: Final = "2026-11-20T09:00:00Z"
SHARED: Final = ("policy", "env:local", f"auth:{HOST}")


def signer(name: str) -> FileSigner:
    """A person's key; the same in each run."""
    return sign.generate(CountingEntropy(name), name)


T1: Final = signer("t1")
T2: Final = signer("t2")
U1: Final = signer("u1")


# ---------------------------------------------------------------- artifacts
def tool(name: str, *, method: str = "GET", risk: str = "low", effect: str = "read", host: str = HOST, confidence: str = "high") -> Tool:
    """A tool with something in every part that a signature covers."""
    note = (Field_(argument="note", wire="note"),)
    constants = {"act": {"name": name}}
    writes = BodyPlan(media="application/json", kind="json", fields=note, constants=constants, within=("act", "with"))
    body = writes if effect != "read" else None
    return Tool.model_validate_json(
        json.dumps(
            {
                "name": name,
                "operation": f"{method} {host}/orders/{{order_id}}/{name}",
                "title": f"Order by {name}",
                "description": f"Works on one order through {name}.",
                "input_schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "order_id": {"type": "integer", "description": "The order's number"},
                        "state": {"type": "string", "enum": ["open", "paid", "sent"]},
                        "note": {"type": "string", "maxLength": 200},
                    },
                    "required": ["order_id"],
                },
                "output_schema": {"type": "object", "properties": {"id": {"type": "integer"}}},
                "annotations": Annotations(
                    read_only=effect == "read", destructive=False, idempotent=effect == "read", open_world=True
                ).plain(),
                "request": RequestPlan(
                    method=method,
                    scheme="https",
                    host=host,
                    segments=(
                        PathSegment(pieces=(PathPiece(text="orders"),)),
                        PathSegment(pieces=(PathPiece(argument="order_id", charset="integer", max_length=20),)),
                        PathSegment(pieces=(PathPiece(text=name),)),
                    ),
                    query=(Field_(argument="state", wire="state"),),
                    body=body,
                ).plain(),
                "response": ResponsePlan(max_bytes=5000, media=("application/json",)).plain(),
                "effect": effect,
                "risk": risk,
                "reasons": [Reason(rule="get-is-safe", evidence=method).plain()],
                "scope": "orders:read",
                "confidence": confidence,
            }
        )
    )


R: Final = tool("r")
W: Final = tool("w", method="POST", risk="high", effect="write")
X: Final = tool("x")
C: Final = tool("c", method="DELETE", risk="critical", effect="destructive")

POLICY: Final = Policy(
    rules=(
        Rule(id="never-at-night", effect="deny", match=Match(tools=("w",), methods=("PUT",))),
        Rule(id="ask-for-w", effect="confirm", match=Match(tools=("w",)), reason="money"),
        Rule(id="allow-calm", effect="allow", match=Match(risk=("safe", "low", "medium"))),
        Rule(id="ask-high", effect="confirm", match=Match(risk=("high",))),
    ),
    budgets={"*": Budget(calls=100, per_seconds=60)},
)
ENVIRONMENTS: Final = Environments(environments={"local": {HOST: EnvironmentHost(url="http://127.0.0.1:8080", private=True)}})
AUTH: Final = Auth(hosts={HOST: AuthRule.model_validate({"scheme": "bearer", "from": "env:SHOP_TOKEN"})})


def toolsets(tools: Iterable[Tool], declared: Mapping[str, tuple[str, ...]]) -> Toolsets:
    """The file as the compiler writes it."""
    tools = tuple(tools)
    rows = {name: Toolset(tools=emitted(name, tools)) for name in EMITTED}
    rows["default"] = Toolset(tools=tuple(sorted(tool.name for tool in tools)))
    rows.update({name: Toolset(tools=members, declared=True) for name, members in declared.items()})
    return Toolsets(toolsets=rows)


def dumped(record: Any, schema: str) -> dict[str, Any]:
    """A record as it stands in a file."""
    return {"schema": schema, **record.plain()}


def pack_files(
    tools: tuple[Tool, ...] = (R, W, X),
    *,
    policy: Policy = POLICY,
    environments: Environments = ENVIRONMENTS,
    auth: Auth = AUTH,
    declared: Mapping[str, tuple[str, ...]] | None = None,
) -> PackFiles:
    """A compiled toolpack, with nothing approved and no trust root."""
    sets = toolsets(tools, {"support": ("r",)} if declared is None else declared)
    return PackFiles(
        id=ID,
        tools=canon.pretty({"schema": "caskmcp/tools/1", "tools": [row.plain() for row in sorted(tools, key=lambda row: row.name)]}),
        toolsets=text.dump_yaml(dumped(sets, "caskmcp/toolsets/1")),
        policy=text.dump_yaml(dumped(policy, "caskmcp/policy/1")),
        environments=text.dump_yaml(dumped(environments, "caskmcp/environments/1")),
        auth=text.dump_yaml(dumped(auth, "caskmcp/auth/1")),
        lock=None,
        roots=(),
    )


# ---------------------------------------------------------------- trust
def root(
    *holders: Signer,
    version: int = 1,
    toolpack: str = ID,
    threshold: int = 1,
    approvers: tuple[Approver, ...] | None = None,
    expires: str | None = None,
) -> Root:
    """A trust root in which each of the holders has every role."""
    ids = tuple(holder.id for holder in holders)
    return Root(
        toolpack=toolpack,
        version=version,
        issued_at=EARLIER,
        expires=expires,
        keys={holder.id: holder.key for holder in holders},
        root=Role(keys=ids, threshold=threshold),
        approvers=(Approver(keys=ids, threshold=threshold),) if approvers is None else approvers,
        confirmer=Role(keys=ids),
    )


def root_bytes(signed: SignedRoot) -> bytes:
    """`<version>.root.json`."""
    return canon.pretty(signed.model_dump(mode="json", by_alias=True))


def with_roots(files: PackFiles, *signed: SignedRoot) -> PackFiles:
    """The pack with these versions of the trust root."""
    return replace(files, roots=tuple(root_bytes(row) for row in signed))


def pin_of(first: Root, **more: Any) -> Pin:
    """The pin of somebody who accepted this root."""
    return Pin(toolpack=first.toolpack, root=trust.root_digest(first), **more)


ROOT: Final = root(T1)
PIN: Final = pin_of(ROOT)


# ---------------------------------------------------------------- statements
def statement(files: PackFiles, subject: str, by: Signer, **changes: Any) -> Statement:
    """What a person would say of a subject as it is."""
    contents = offer.parse(files).contents
    fields: dict[str, Any] = {
        "toolpack": files.id,
        "subject": subject,
        "digest": canon.digest(contents.get(subject)),
        "basis": "traffic",
        "verdict": "allow",
        "key": by.id,
        "sequence": 1,
        "issued_at": EARLIER,
        "root_version": 1,
        **changes,
    }
    return Statement(**fields)


def approve(files: PackFiles, *subjects: str, by: Signer = T1, **changes: Any) -> PackFiles:
    """The pack with one more signature on each subject; the same key's earlier statement on it goes."""
    lock = lockfile.read(files.lock, files.id)
    for subject in subjects:
        made = sign.sign_statement(by, statement(files, subject, by, **changes))
        kept = [row for row in lock.lock.subjects.get(subject, ()) if row.statement.key != by.id]
        lock = lockfile.replaced(lock, subject, [*kept, made])
    return with_lock(files, lock)


def block(files: PackFiles, subject: str, *, sequence: int, by: Signer | None = None) -> PackFiles:
    """The pack with a block on a subject, unsigned if nobody is named."""
    lock = lockfile.read(files.lock, files.id)
    said = statement(files, subject, by or T1, verdict="block", sequence=sequence, **({} if by else {"key": ""}))
    row = sign.sign_statement(by, said) if by else Signed(statement=said)
    return with_lock(files, lockfile.replaced(lock, subject, [*lock.lock.subjects.get(subject, ()), row]))


def with_lock(files: PackFiles, lock: ReadLock) -> PackFiles:
    """The pack with this lock."""
    return replace(files, lock=lockfile.dump(lock))


def lock_value(files: PackFiles) -> dict[str, Any]:
    """The lock as plain values, to be edited by hand."""
    value: dict[str, Any] = text.parse_yaml(files.lock or b"", "lock").value
    return value


def edited_lock(files: PackFiles, value: Mapping[str, Any]) -> PackFiles:
    """The pack with a lock that was written by hand."""
    return replace(files, lock=text.dump_yaml(value))


def edited_tools(files: PackFiles, name: str, edit: Any) -> PackFiles:
    """The pack with one tool's record passed through `edit`."""
    value = json.loads(files.tools)
    for row in value["tools"]:
        if row["name"] == name:
            edit(row)
    return replace(files, tools=canon.pretty(value))


def approved_pack(**more: Any) -> PackFiles:
    """`r` and `w` approved by T1 with all shared subjects, `x` not."""
    files = with_roots(pack_files(**more), sign.sign_root(ROOT, T1))
    return approve(files, "tool:r", "tool:w", *SHARED)


# ---------------------------------------------------------------- disk
def pending(files: PackFiles) -> bytes:
    """The pending lock that the compiler writes."""
    offered = offer.parse(files)
    rows = {
        row.name: PendingTool(digest=row.digest, risk=row.tool.risk, operation=row.tool.operation, confidence=row.tool.confidence)
        for row in offered.tools
        if row.tool
    }
    shared = {subject: str(canon.digest(content)) for subject, content in offered.shared.items()}
    record = Pending(toolpack=files.id, tools=rows, shared=shared)
    return text.dump_yaml(record.model_dump(mode="json", by_alias=True))


def write(files: PackFiles, root_folder: Path) -> Pack:
    """Lay a pack out under a root (`.caskmcp`), as a build and a gate would."""
    pack = Pack(root_folder / "toolpacks" / files.id)
    handoff = {"schema": "caskmcp/toolpack/1", "id": files.id, "toolchain": {"cask": "0", "digest": "", "libraries": {}}, "artifacts": {}}
    placed = {
        pack.toolpack: text.dump_yaml(handoff),
        pack.pending: pending(files),
        **{pack.artifact(name): getattr(files, role) for role, name in offer.NAMES.items()},
        **{pack.trust_root(number): data for number, data in enumerate(files.roots, 1)},
    }
    if files.lock is not None:
        placed[pack.lock] = files.lock
    for path, data in placed.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return pack


def empty_lock(toolpack: str = ID) -> ReadLock:
    """A lock without statements."""
    return ReadLock(Lock(toolpack=toolpack))
