"""Attacks on governance that worked once: each is tried for real, and must be refused; where a guard of ours refuses it, it works without the guard."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp import canon, text
from caskmcp.analyze import drift
from caskmcp.analyze.drift_classes import BY_ID
from caskmcp.analyze.drift_shapes import Difference
from caskmcp.calculus import tools as calculus
from caskmcp.errors import CaskError
from caskmcp.govern import admit, amend, offer, pins, sign
from caskmcp.govern import keys as private
from caskmcp.model.artifact import Baseline
from caskmcp.model.contract import Contracts
from caskmcp.model.finding import Severity
from caskmcp.model.pack import AdmittedPack, PackFiles
from caskmcp.model.shared import refuse_forged
from caskmcp.model.tool import Tool
from caskmcp.model.trust import RolesFile, SignedRoot
from caskmcp.ports import World
from caskmcp.workflows import amend as amending
from caskmcp.workflows import block, check, gate, gitdrivers, install, keys, selection, state
from caskmcp.workflows import here as places
from caskmcp.workflows.approve import Proven, Request, approve
from tests.support import bundles, packs
from tests.support.packs import SHARED, T1, C, R
from tests.support.world import NOON, ScriptedConsole, world

LENIENT: Final = packs.root(T1).model_copy(update={"auto_narrowing": True})
Edit = Callable[[dict[str, Any]], Any]


@pytest.fixture(autouse=True)
def _no_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase that is written down here needs no protection."""
    monkeypatch.setattr(private, "ROUNDS", 1)


def changed(tool: Tool, edit: Edit) -> Tool:
    value = json.loads(json.dumps(tool.plain()))
    edit(value)
    return Tool.model_validate_json(json.dumps(value))


def approved(*tools: Tool) -> PackFiles:
    """Tools that a person approved, with the contents of what was signed, under a trust root that lets less count."""
    files = packs.with_roots(packs.pack_files(tools, declared={}), sign.sign_root(LENIENT, T1))
    files = packs.approve(files, *(f"tool:{tool.name}" for tool in tools), *SHARED)
    contents = offer.parse(files).contents.values()
    return replace(files, contents={canon.digest(content): canon.pretty(content) for content in contents})


def built(before: PackFiles, *tools: Tool) -> PackFiles:
    """The pack with other tools, in this very order; what people signed stays."""
    return replace(before, tools=canon.pretty({"schema": "caskmcp/tools/1", "tools": [tool.plain() for tool in tools]}))


def served(files: PackFiles) -> AdmittedPack:
    return admit.admit(files, pin=packs.pin_of(LENIENT), condition=None, environment=None, at=NOON)


# ---------------------------------------------------------------- auto narrowing
RENAMED: Final = changed(R, lambda value: value.update(name="get_order"))


def test_a_read_that_only_took_another_name_is_served() -> None:
    """What the next attack hides behind."""
    assert list(served(built(approved(R), RENAMED)).tools) == ["get_order"]


@pytest.mark.parametrize("is_last", [True, False])
def test_another_record_of_the_name_that_a_renamed_tool_took_is_not_served_on_its_proof(is_last: bool) -> None:
    """It was: a DELETE that nobody approved, since a standing goes by the name and the last record of a name won."""
    deletes = changed(C, lambda value: value.update(name="get_order"))
    assert served(built(approved(R), *((RENAMED, deletes) if is_last else (deletes, RENAMED)))).tools == {}


def no_query(value: dict[str, Any]) -> None:
    value["request"]["query"] = []


def by_state(value: dict[str, Any]) -> None:
    """`DELETE /orders/{state}`."""
    no_query(value)
    value["request"]["segments"][1] = {"pieces": [{"argument": "state", "charset": "token"}]}
    value["input_schema"]["required"] = ["state"]


def by_one_state(value: dict[str, Any]) -> None:
    value["request"]["segments"][1] = {"pieces": [{"text": "open"}]}


def with_a_body(value: dict[str, Any]) -> None:
    value["request"]["body"] = {"media": "application/json", "kind": "json", "fields": [{"argument": "note", "wire": "note"}]}


def without_a_body(value: dict[str, Any]) -> None:
    value["request"]["body"] = None


IGNORING: Final = {
    "a filter in the query": (lambda value: None, no_query),
    "what the path was made of": (by_state, by_one_state),
    "a field of the body": (with_a_body, without_a_body),
}


@pytest.mark.parametrize(("before", "after"), IGNORING.values(), ids=IGNORING)
def test_a_tool_that_takes_an_argument_and_leaves_it_out_is_not_less_of_the_same(
    before: Edit, after: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request could be made before. But who asks to delete what was sent, by these arguments, would delete what is open, or all."""
    old = changed(R, before)
    files = built(approved(old), changed(old, after))
    assert served(files).tools == {}
    monkeypatch.setattr(calculus, "still_sent", lambda old, new: True)
    assert list(served(files).tools) == ["r"]


BOUNDS: Final[dict[str, dict[str, Any]]] = {"note": {"maxLength": 9}, "state": {"enum": ["open", "sent"]}, "order_id": {"maximum": 9}}
WORDED: Final = changed(
    R, lambda value: value["input_schema"]["properties"]["state"].update(description="Only says what would happen", default="open")
)


@pytest.mark.parametrize(
    ("argument", "words"),
    [("note", {"description": "Only says what would happen"}), ("state", {"default": "sent"}), ("order_id", {"default": 7})],
)
@pytest.mark.parametrize("inside", ["allOf", "anyOf"])
def test_the_words_of_one_argument_are_none_for_another(
    argument: str, words: dict[str, Any], inside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were, inside of a narrower schema: each of the words was known, and a person had read them of something else."""

    def reworded(value: dict[str, Any]) -> None:
        value["input_schema"]["properties"][argument][inside] = [{**BOUNDS[argument], **words}]

    files = built(approved(WORDED), changed(WORDED, reworded))
    assert served(files).tools == {}
    monkeypatch.setattr(calculus, "_as_worded", lambda old, new: True)
    assert list(served(files).tools) == ["r"]


def test_an_argument_that_goes_with_its_place_is_less() -> None:
    def no_state(value: dict[str, Any]) -> None:
        no_query(value)
        del value["input_schema"]["properties"]["state"]

    assert list(served(built(approved(R), changed(R, no_state))).tools) == ["r"]


# ---------------------------------------------------------------- blocks
GOOD: Final = packs.approved_pack()
TIED: Final = packs.approve(GOOD, "tool:r", sequence=2)
"""What the maker hands over next, not knowing that somebody blocked `r`: the next sequence there is the block's here."""


def bundle_of(tmp_path: Path, files: PackFiles) -> str:
    members = bundles.made(bundles.laid(files, tmp_path / "maker"))
    return str(bundles.put(members, tmp_path / "shop.zip"))


def test_an_approval_of_the_same_sequence_brings_back_nothing_that_was_blocked_here(tmp_path: Path) -> None:
    """It did: the block went with the folder, and the tool was served."""
    here = world(tmp_path / "there", console=ScriptedConsole(()))
    packs.write(packs.block(GOOD, "tool:r", sequence=2), here.cwd / ".caskmcp")
    lock = here.cwd / ".caskmcp/toolpacks/shop/lockfile/caskmcp.lock.yaml"
    before = lock.read_bytes()
    with pytest.raises(CaskError, match="tool:r: a block with sequence 2 is installed, the bundle lacks it") as caught:
        install.run(here, file=bundle_of(tmp_path, TIED), trust_pin=packs.PIN.root)
    assert (caught.value.code, lock.read_bytes() == before) == ("CASK-T004", True)


def test_a_bundle_that_brings_the_block_along_is_installed(tmp_path: Path) -> None:
    here = world(tmp_path / "there", console=ScriptedConsole(()))
    packs.write(packs.block(GOOD, "tool:r", sequence=2), here.cwd / ".caskmcp")
    report = install.run(here, file=bundle_of(tmp_path, packs.block(TIED, "tool:r", sequence=2)), trust_pin=packs.PIN.root)
    assert (report.summary["changed"], report.summary["served"]) == (True, 1)


class Late(ScriptedConsole):
    """A person; while they are asked for the passphrase, somebody else blocks what they are about to sign."""

    def __init__(self, answers: tuple[tuple[str, str], ...], meanwhile: Callable[[], object]) -> None:
        super().__init__(answers, interactive=True)
        self.meanwhile = meanwhile

    def ask_secret(self, prompt: str) -> str:
        self.meanwhile()
        return super().ask_secret(prompt)


def test_a_block_that_comes_while_a_person_is_asked_is_not_lifted_unseen(tmp_path: Path) -> None:
    """It was: the approval took a higher sequence than a block that nobody had been shown."""
    person = Late(
        (("Passphrase for t1:", "word"), ("Type `shop` to sign:", "shop")), lambda: block.block(here, subjects=("x",), reason="it deletes")
    )
    here = world(tmp_path / "there", console=person)
    packs.write(GOOD, here.cwd / ".caskmcp")
    private.save(here.files, here.config, T1, "word")
    pins.write(here.files, here.config, packs.PIN)
    pack = places.pack(here)
    proven = Proven("traffic", "shop", {name: pack.artifact(name).read_bytes() for name in offer.NAMES.values()})
    with pytest.raises(CaskError, match="x was blocked while it was looked at; nothing was signed"):
        approve(here, pack, Request(("x",)), proven)
    standing = {row.name: said.status for row, said in gate.look(here).survey.tools}
    assert standing == {"r": "approved", "w": "approved", "x": "rejected"}


def without_block(rows: list[Any]) -> list[Any]:
    return [row for row in rows if row["statement"]["verdict"] != "block"]


def forged_block(rows: list[Any]) -> list[Any]:
    return [{**row, "statement": {**row["statement"], "reason": "edited"}} for row in rows]


@pytest.mark.parametrize("spoil", [without_block, forged_block, lambda rows: []], ids=["cut out", "edited", "all statements gone"])
@pytest.mark.parametrize("request_", [Request(everything=True), Request(("*",))], ids=["--all", "a pattern"])
def test_a_signed_block_that_was_cut_out_of_the_lock_is_not_lifted_by_all(
    tmp_path: Path, spoil: Callable[[list[Any]], list[Any]], request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was, since only a block that still stands there was left out: with every statement gone the tool was even shown as new."""
    person = ScriptedConsole((("Passphrase for t1:", "word"), ("Type `shop` to sign:", "shop")) * 2, interactive=True)
    here = world(tmp_path / "there", console=person)
    files = packs.block(GOOD, "tool:r", sequence=2, by=T1)
    value = packs.lock_value(files)
    value["subjects"]["tool:r"] = spoil(value["subjects"]["tool:r"])
    value["subjects"] = {subject: rows for subject, rows in value["subjects"].items() if rows}
    packs.write(packs.edited_lock(files, value), here.cwd / ".caskmcp")
    private.save(here.files, here.config, T1, "word")
    pins.write(here.files, here.config, packs.pin_of(packs.ROOT, sequences={"tool:r": {T1.id: 2}}))
    pack = places.pack(here)
    proven = Proven("traffic", "shop", {name: pack.artifact(name).read_bytes() for name in offer.NAMES.values()})
    signed = [row["subject"] for row in approve(here, pack, request_, proven).tables["signed"]]
    assert signed == ["tool:x"]
    assert "Left out: r (" in person.text
    monkeypatch.setattr(selection, "_lost", lambda *_: "")
    assert [row["subject"] for row in approve(here, pack, request_, proven).tables["signed"]] == ["tool:r"]


# ---------------------------------------------------------------- definitions that schemas share
@pytest.mark.parametrize(
    "row",
    [
        {},
        {"schema": []},
        {"schema": "A"},
        {"schema": {}, "needs": None},
        {"schema": {}, "needs": ["B"]},
        {"schema": {}, "needs": {"B": {}}},
    ],
    ids=str,
)
@pytest.mark.parametrize("read", [Baseline.from_json, Contracts.from_json], ids=["a baseline", "contracts"])
def test_what_is_no_row_of_definitions_is_bad_input_and_no_fault(read: Callable[[bytes, str], object], row: dict[str, Any]) -> None:
    """It was a traceback, from a file that anybody who may commit can edit."""
    schema = {"type": "object", "$defs": {"A": {"$ref": "#/definitions/A.0"}}}
    tool = {"operation": "GET x/", "risk": "low", "input_schema": schema}
    body = {"media": "application/json", "kind": "json", "schema": schema}
    contract = {"id": "GET x/", "method": "GET", "scheme": "https", "host": "x", "template": "/", "segments": [], "bodies": [body]}
    rows = {"tools": {"t": tool}} if read == Baseline.from_json else {"contracts": [contract]}
    with pytest.raises(CaskError) as caught:
        read(json.dumps({**rows, "definitions": {"A.0": row}}).encode(), "file")
    assert (caught.value.code, caught.value.exit) == ("CASK-I004", 3)


def test_definitions_of_observations_that_are_no_rows_are_refused() -> None:
    with pytest.raises(CaskError, match="is no row of definitions"):
        refuse_forged({"A.0": {"needs": {}}})
    with pytest.raises(CaskError, match="is not what its key says"):
        refuse_forged({"A.0": {"schema": {}}})


# ---------------------------------------------------------------- the trust root
FILE: Final = amend.to_file(packs.ROOT)
NOBODY: Final = "A" * 43 + "="
"""A point of small order: a fixed signature by it holds over any message."""


@pytest.mark.parametrize(
    "change",
    [
        {"expires": "2027-01-31"},
        {"expires": "2027-02-30T00:00:00Z"},
        {"expires": "never"},
        {"keys": {"t1": {"scheme": "ed25519", "public": T1.key.public}, "bob": {"scheme": "ed25519", "public": NOBODY}}},
        {"keys": {"t1": {"scheme": "ed25519", "public": T1.key.public}, "bob": {"scheme": "ssh-ed25519", "public": T1.key.public}}},
    ],
    ids=["a day", "no day", "a word", "nobody's key", "one key as two people"],
)
def test_no_version_is_signed_that_could_not_be_read_again(change: dict[str, Any]) -> None:
    """`trust edit --file` took it: with the signature nothing was served any more, and no later version could be made."""
    wanted = RolesFile.from_yaml(
        text.dump_yaml({**FILE, "root": {"keys": ["t1", *change.get("keys", {})][-1:], "threshold": 1}, **change}), "roles.yaml"
    )
    with pytest.raises(CaskError) as caught:
        amend.successor(packs.ROOT, amend.from_file(packs.ROOT, wanted), NOON)
    assert caught.value.code == "CASK-T010"


# ---------------------------------------------------------------- what is accepted for a while
def drifted(kind: str, place: str, before: str, after: str) -> str:
    return drift.fingerprint(
        drift.Change("GET api.example.com/orders", BY_ID[kind], Severity.BREAKING, Difference(kind, place, before, after))
    )


@pytest.mark.parametrize(
    ("kind", "place", "before", "accepted", "worse"),
    [
        ("auth-changed", "auth", "bearer", "bearer, header:x-api-key", "none"),
        ("field-type", "answer 200 /total", "integer", "number", "string"),
        ("media-changed", "answer 200", "application/json", "application/problem+json", "text/html"),
        ("secret-appeared", "answer 200 /note", "none", "jwt", "private-key"),
    ],
)
def test_who_accepts_one_drift_has_accepted_no_other_of_its_class(kind: str, place: str, before: str, accepted: str, worse: str) -> None:
    """They had: a suppression went by class and place, so that what came later under it was `info`, breaking or not."""
    assert drifted(kind, place, before, accepted) != drifted(kind, place, before, worse)


def test_how_often_it_was_seen_makes_no_other_drift() -> None:
    assert drifted("status-changed", "status", "200 (40)", "200 (2), 201 (9)") == drifted(
        "status-changed", "status", "200 (41)", "200 (1), 201 (3)"
    )
    assert drifted("status-changed", "status", "200 (40)", "201 (9)") != drifted("status-changed", "status", "200 (40)", "202 (9)")
    assert drifted("host-added", "host", "unknown", "2 operations") == drifted("host-added", "host", "unknown", "31 operations")


# ---------------------------------------------------------------- what is typed
def project(tmp_path: Path, files: PackFiles, *answers: tuple[str, str]) -> World:
    here = world(tmp_path / "project", console=ScriptedConsole(answers, interactive=bool(answers)))
    packs.write(files, here.cwd / ".caskmcp")
    return here


def test_a_block_that_could_not_be_written_is_no_success(tmp_path: Path) -> None:
    """It said `Blocked`: who breaks a statement, waits and mends it had the tool back, against the block."""
    value = packs.lock_value(GOOD)
    value["subjects"]["tool:r"][0]["statement"]["more"] = "x"
    here = project(tmp_path, packs.edited_lock(GOOD, value))
    report = block.block(here, subjects=("*",), reason="they leak")
    assert [row["subject"] for row in report.tables["blocked"]] == ["tool:w", "tool:x"]
    assert [(row.code, row.subject) for row in report.findings] == [("CASK-L004", "tool:r")]
    assert report.exit == 4


@pytest.mark.parametrize("word", ["gr\udcfcn", "a" * 2000], ids=["bytes that are no text", "too long"])
def test_a_passphrase_that_cannot_be_used_is_bad_input_and_told_to_nobody(tmp_path: Path, word: str) -> None:
    """A fault of the encoding was raised, which holds the whole passphrase; and the public half of a key that is none was left behind."""
    here = project(tmp_path, GOOD, *[("Passphrase for zoe:", word)] * 2)
    with pytest.raises(CaskError) as caught:
        keys.new(here, name="zoe")
    assert (caught.value.code, caught.value.__cause__, caught.value.__suppress_context__) == ("CASK-K002", None, True)
    assert not here.files.listing(here.config / "keys")


def test_a_reason_that_is_no_text_blocks_nothing_and_is_no_fault(tmp_path: Path) -> None:
    here = project(tmp_path, GOOD)
    before = places.pack(here).lock.read_bytes()
    with pytest.raises(CaskError) as caught:
        block.block(here, subjects=("r",), reason="le\udcffks")
    assert (caught.value.exit, places.pack(here).lock.read_bytes()) == (3, before)


# ---------------------------------------------------------------- the gate
@pytest.mark.parametrize("only", [("drift",), ("contracts",), ("drift", "contracts", "budgets")])
def test_a_gate_that_judged_nothing_does_not_end_as_a_clean_one(tmp_path: Path, only: tuple[str, ...]) -> None:
    """It ended with 0: who deletes the baseline turns `check --only drift` off."""
    here = project(tmp_path, GOOD)
    with pytest.raises(CaskError, match=r"has nothing to look at \(no ") as caught:
        check.run(here, only=only)
    assert (caught.value.code, caught.value.exit) == ("CASK-I001", 3)


def test_contracts_are_seen_from_a_folder_below(tmp_path: Path) -> None:
    here = project(tmp_path, GOOD)
    (here.cwd / "cask.yaml").write_text("version: 1\nname: shop\nhosts: [api.example.com]\n", encoding="utf-8")
    (here.cwd / "verify.yaml").write_text("version: 1\n", encoding="utf-8")
    (here.cwd / "src").mkdir()
    below = replace(here, cwd=here.cwd / "src")
    assert [row.code for row in check.run(below, only=("contracts",)).findings] == ["contracts-unverified"]


DRAFT: Final = amend.successor(packs.ROOT, amend.edited(packs.ROOT, amend.Edit(expires="2099-01-01T00:00:00Z")), NOON)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"issued_at": "2098-12-31T00:00:00Z"}, "it says that it was made at 2098-12-31T00:00:00Z"),
        ({"expires": "2026-11-21T11:59:59Z"}, "it expired at 2026-11-21T11:59:59Z"),
        ({"expires": None}, "nothing would change"),
        ({"root": packs.ROOT.root.model_copy(update={"threshold": 2})}, "the role root would need 2 signatures and has 1 keys"),
        ({"root": packs.ROOT.root.model_copy(update={"keys": (T1.id, T1.id), "threshold": 2})}, "a key stands twice in the role root"),
    ],
)
def test_a_pending_version_that_no_command_would_have_drafted_is_not_signed(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    """It was, and `What it means` said that nothing changes: the file beside the chain needs no signature to lie there."""
    person = (("Passphrase for t1:", "word"), ("Type `shop` to sign:", "shop"))
    here = project(tmp_path, GOOD, *person)
    private.save(here.files, here.config, T1, "word")
    pins.write(here.files, here.config, packs.PIN)
    trust = places.pack(here).trust
    draft = DRAFT.model_copy(update=change)
    (trust / "2.root.pending.json").write_bytes(canon.pretty(SignedRoot(signed=draft, signatures=()).value()))
    with pytest.raises(CaskError) as caught:
        amending.sign_waiting(here, key="t1")
    assert (caught.value.code, caught.value.what) == ("CASK-T009", f"the pending version 2 of the trust root cannot be used: {problem}")
    assert not (trust / "2.root.json").exists()


def test_a_pending_version_as_a_command_drafts_it_is_signed(tmp_path: Path) -> None:
    here = project(tmp_path, GOOD, ("Passphrase for t1:", "word"), ("Type `shop` to sign:", "shop"))
    private.save(here.files, here.config, T1, "word")
    pins.write(here.files, here.config, packs.PIN)
    trust = places.pack(here).trust
    (trust / "2.root.pending.json").write_bytes(canon.pretty(SignedRoot(signed=DRAFT, signatures=()).value()))
    assert amending.sign_waiting(here, key="t1").summary["version"] == 2
    assert (trust / "2.root.json").exists()


# ---------------------------------------------------------------- what nobody needs
@pytest.mark.parametrize("link", ["toolpacks/shop/lockfile/content", "toolpacks/shop/lockfile"])
def test_gc_takes_nothing_away_behind_a_link_that_a_clone_holds(tmp_path: Path, link: str) -> None:
    """It did: approved contents of another project, which no lock here names."""
    here = project(tmp_path, GOOD)
    theirs = tmp_path / "another project" / "content" / f"{'a' * 64}.json"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("{}", encoding="utf-8")
    place = here.cwd / ".caskmcp" / link
    if place.is_dir():
        place.rename(tmp_path / "aside")
    place.symlink_to(theirs.parent if link.endswith("content") else theirs.parent.parent)
    with pytest.raises(CaskError) as caught:
        state.gc(here, dry_run=False)
    assert (caught.value.code, theirs.exists()) == ("CASK-I005", True)


# ---------------------------------------------------------------- what git shows
def told_by_git(tmp_path: Path, *tools: Tool) -> list[str]:
    here = world(tmp_path, console=ScriptedConsole(()))
    for name, rows in (("old.json", (R,)), ("new.json", tools)):
        (here.cwd / name).write_bytes(canon.pretty({"schema": "caskmcp/tools/1", "tools": [row.plain() for row in rows]}))
    gitdrivers.diff_surface(here, path="tools.json", old="old.json", new="new.json")
    assert isinstance(here.console, ScriptedConsole)
    return "\n".join(here.console.printed[1:]).split("\n")


def test_a_second_record_of_a_name_is_no_change_that_git_passes_over(tmp_path: Path) -> None:
    """It said `nothing that a tool is or does`: of two records of one name the last was compared."""
    (line,) = told_by_git(tmp_path, changed(C, lambda value: value.update(name="r")), R)
    assert line.startswith("cannot be compared tool by tool (two tools are called `r`)")


def test_a_name_and_a_text_write_no_line_of_their_own(tmp_path: Path) -> None:
    named = changed(R, lambda value: value.update(name="y\n~ r  low  reads differently"))
    worded = changed(R, lambda value: value.update(title="Order\n- r  low"))
    lines = told_by_git(tmp_path, worded, named)
    assert [line.split("  ")[0] for line in lines] == ["~ r", "+ y ~ r"]
