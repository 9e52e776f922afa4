"""The evidence of a verification: inputs, results, redacted samples and versions, under a name that follows from their digests.

Promises: the same run on the same root gives the same bytes, times apart; no answer is written that did not pass redaction; the folder is private.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from caskmcp import __version__, canon, text
from caskmcp.compiler.capture import codec
from caskmcp.errors import CaskError
from caskmcp.govern import offer, sign, trust
from caskmcp.model.evidence import Manifest, Signatures, Times
from caskmcp.model.exchange import RESTORABLE, Exchange
from caskmcp.model.finding import Report
from caskmcp.model.project import Project
from caskmcp.ports import World
from caskmcp.redact.cut import Redactor
from caskmcp.store import secret
from caskmcp.store.layout import Pack
from caskmcp.workflows import here, intake, person, probe
from caskmcp.workflows.probe import Heard
from caskmcp.workflows.trust import only_key
from caskmcp.workflows.verify.modes import NOT_RUN, Outcome
from caskmcp.workflows.verify.session import Against
from caskmcp.workflows.verify.stated import Stated

KIND: Final = "verify"
SUMMARY: Final = "evidence_summary.json"
SAMPLES: Final = 50
"""Answers that are kept: the first of each tool and status."""
LONGEST: Final = 1 << 16
"""Bytes of a sample."""
_PRIVATE: Final = ("kept", "session", "links", "echoes")
"""Fields of an exchange that never leave the root's captures."""


@dataclass(frozen=True)
class Facts:
    """What a run saw."""

    pack: Pack
    project: Project
    report: Report
    against: Against
    results: list[Outcome]
    stated: Stated
    heard: tuple[Heard, ...]
    times: tuple[str, str]


def require_person(world: World) -> None:
    """Raise CASK-A001 unless a person can sign."""
    person.require(world, "cask verify --sign")


def keep(world: World, facts: Facts, key: str | None = None) -> tuple[str, str]:
    """Write the evidence. key: who signs it; empty: the only key here. Returns its name, and the name of who signed."""
    redaction = secret.redaction_key(world.files, here.root(world), world.entropy)
    files = {
        "inputs.json": canon.pretty({"stated": _stated(facts, redaction), "modes": {row.mode: list(row.inputs) for row in facts.results}}),
        "report.json": canon.pretty(facts.report.json_value()),
        "results.json": canon.pretty({row.mode: _result(row) for row in facts.results}),
        "samples.ndjson": b"".join(_samples(facts.project, redaction, facts.heard)),
        "versions.json": canon.pretty(_versions(world, facts.pack)),
    }
    files |= _summary(facts)
    manifest = _manifest(world, facts, files).content()
    digest = str(canon.digest(manifest))
    times = _times(facts, digest)
    signed_by = _signature(world, facts.pack, (digest, times.digest), key) if key is not None else None
    name = f"{KIND}-{canon.hexadecimal(canon.digest(manifest))[:16]}"
    folder = here.root(world).evidence(name)
    world.files.remove_tree(folder)
    rows = {**files, "manifest.json": canon.pretty(manifest), "times.json": canon.pretty(times.plain())}
    rows |= {"signatures.json": canon.pretty(signed_by[1].plain())} if signed_by else {}
    for file, data in rows.items():
        world.files.write(folder / file, data, private=True)
    return name, signed_by[0] if signed_by else ""


def _manifest(world: World, facts: Facts, files: Mapping[str, bytes]) -> Manifest:
    pack = facts.pack
    return Manifest(
        kind="verify",
        toolpack=pack.path.name,
        lock=lock_digest(world, pack),
        handoff=str(canon.digest_bytes(world.files.read(pack.toolpack))),
        stated=facts.stated.digest,
        against=facts.against.kind,
        environment=facts.against.environment,
        twin=facts.against.digest,
        modes={row.mode: row.result for row in facts.results},
        files={name: str(canon.digest_bytes(data)) for name, data in sorted(files.items())},
    )


def lock_digest(world: World, pack: Pack) -> str:
    """Digest of the lock's bytes; empty without one."""
    return str(canon.digest_bytes(world.files.read(pack.lock))) if world.files.exists(pack.lock) else ""


def _times(facts: Facts, manifest: str) -> Times:
    bare = Times(started=facts.times[0], ended=facts.times[1], manifest=manifest)
    return bare.model_copy(update={"digest": str(canon.digest(bare.told()))})


def _summary(facts: Facts) -> dict[str, bytes]:
    """The two files that the mode `provenance` leaves, as earlier versions named them; none where it did not run."""
    row = next((row for row in facts.results if row.mode == "provenance" and row.result != NOT_RUN), None)
    if row is None:
        return {}
    data = canon.pretty({"schema": "caskmcp/evidence-summary/1", **_result(row), "playbooks": list(row.inputs)})
    digest = canon.hexadecimal(canon.digest_bytes(data))
    return {SUMMARY: data, f"{SUMMARY}.sha256": f"{digest}  {SUMMARY}\n".encode()}


def _result(row: Outcome) -> dict[str, Any]:
    return {
        "result": row.result,
        "checked": row.checked,
        "note": row.note,
        "figures": row.figures,
        "findings": [each.row() for each in row.findings],
    }


def _versions(world: World, pack: Pack) -> dict[str, Any]:
    handoff = text.parse_yaml(world.files.read(pack.toolpack), pack.toolpack.name).value
    return {"caskmcp": __version__, "toolchain": handoff.get("toolchain", {})}


def _stated(facts: Facts, key: bytes) -> Any:
    """What verify.yaml says, redacted as a capture is: arguments, and what a playbook fills in, may be somebody's."""
    said = facts.project.redact
    own = ((row.name, row.re) for row in said.patterns)
    return Redactor(key, said.profile, said.keys, said.keep, own).json(copy.deepcopy(facts.stated.document.value), "stated")


# ---------------------------------------------------------------- samples
def _samples(project: Project, key: bytes, heard: Iterable[Heard]) -> Iterator[bytes]:
    """Redacted exchanges, one a line: the first of each tool and status. A fault of redaction keeps none rather than a raw one."""
    first: dict[tuple[str, int], Heard] = {}
    for row in heard:
        first.setdefault((row.tool.name, row.answer.status), row)
    chosen = [row for _, row in sorted(first.items())][:SAMPLES]
    if not chosen:
        return
    whole = project.model_copy(update={"keep": RESTORABLE})
    items = (probe.recorded(number, row) for number, row in enumerate(chosen, 1))
    try:
        taken = intake.record(whole, items, key, kind="har", label=KIND)
    except CaskError as cause:
        if cause.code != "CASK-C003":
            raise
        return
    lines = [_line(row) for row in codec.decode_whole(taken.exchanges.blocks()) if isinstance(row, Exchange)]
    yield from (line for line in sorted(lines) if len(line) <= LONGEST)


def _line(row: Exchange) -> bytes:
    value = text.parse_json(codec.encode_line(row), "a sample")["exchange"]
    return canon.compact({name: held for name, held in value.items() if name not in _PRIVATE}) + b"\n"


# ---------------------------------------------------------------- signature
def _signature(world: World, pack: Pack, digests: tuple[str, str], key: str) -> tuple[str, Signatures]:
    """A person's signature over the manifest and the times. Raises CASK-V001 for a key that no reader of the evidence would know."""
    by = person.open_key(world, key or only_key(world))
    roots = tuple(world.files.read(pack.trust / name) for name in offer.root_files(world.files, pack))
    chain = trust.chain(roots, pack.path.name)
    if by.id not in chain.current.keys:
        what = f"{by.key.name} is no key of the trust root: nobody could tell whose signature it is"
        raise CaskError("CASK-V001", what, mend="cask trust show")
    person.type_name(world, pack.path.name)
    return by.key.name, Signatures(signatures=(sign.sign_evidence(by, *digests),))
