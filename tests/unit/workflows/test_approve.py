"""Approving: what is shown, what is asked, what is written; and what is not, if any question is answered otherwise."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caskmcp import text
from caskmcp.errors import CaskError
from caskmcp.govern import admit, content, offer, pins, sign
from caskmcp.govern import keys as private
from caskmcp.model.finding import Report
from caskmcp.model.pack import AdmittedPack, PackFiles
from caskmcp.model.statement import Basis
from caskmcp.model.trust import Approver, Root
from caskmcp.ports import World
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack
from caskmcp.workflows import here as places
from caskmcp.workflows.approve import Proven, Request, approve
from caskmcp.workflows.period import ends
from caskmcp.workflows.shown import request_line
from tests.support import packs
from tests.support.packs import HOST, SHARED
from tests.support.world import NOON, ScriptedConsole, world

ALICE = packs.signer("alice")
BOB = packs.signer("bob")
PASS = ("Passphrase for alice:", "word")
REASON = ("Reason:", "needed for support")
NAME = ("Type `shop` to sign:", "shop")
ROOT = packs.root(ALICE)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration folder with the keys `alice` and `bob`, and alice's root pinned; each test takes a copy."""
    folder = tmp_path_factory.mktemp("keys")
    for by in (ALICE, BOB):
        private.save(LocalFiles(), folder, by, "word")
    return folder


@pytest.fixture
def desk(tmp_path: Path, config: Path) -> "Desk":
    return Desk(tmp_path, config)


class Desk:
    """A person's desk: a project with a toolpack, keys, and a pin."""

    def __init__(self, folder: Path, keys: Path) -> None:
        self.folder, self.keys = folder, keys
        self.cwd = folder / "project"

    def lay(self, files: PackFiles, *, root: Root | None = ROOT, keys: tuple[str, ...] = ("alice",)) -> "Desk":
        """Put a toolpack there, with the trust root that alice signed, pinned."""
        files = packs.with_roots(files, sign.sign_root(root, ALICE)) if root else files
        packs.write(files, self.cwd / ".caskmcp")
        here = self.world()
        for name in keys:
            for file in (name, f"{name}.pub"):
                here.files.write(here.config / "keys" / file, (self.keys / "keys" / file).read_bytes(), private=True)
        if root:
            pins.write(here.files, here.config, packs.pin_of(root))
        return self

    def rebuilt(self, files: PackFiles) -> None:
        """What a build leaves: other artifacts, the same lock and trust root."""
        for role, name in offer.NAMES.items():
            self.pack.artifact(name).write_bytes(getattr(files, role))

    def world(self, *answers: tuple[str, str], interactive: bool = True) -> World:
        return world(self.cwd, console=ScriptedConsole(answers, interactive=interactive))

    @property
    def pack(self) -> Pack:
        return places.pack(self.world())

    def proven(self, basis: Basis) -> Proven:
        """The artifacts that lie there, as if the inputs had given them."""
        return Proven(basis, "shop", {name: self.pack.artifact(name).read_bytes() for name in offer.NAMES.values()})

    def approve(self, *answers: tuple[str, str], basis: Basis = "traffic", **request: Any) -> "Outcome":
        here = self.world(*answers)
        assert isinstance(here.console, ScriptedConsole)
        report = approve(here, self.pack, Request(**request), self.proven(basis))
        assert here.console.asked == [prompt for prompt, _ in answers], "every written answer was asked for"
        return Outcome(report, here.console.text)

    def refuses(self, *answers: tuple[str, str], basis: Basis = "traffic", **request: Any) -> CaskError:
        """Approve, and find that nothing at all was written."""
        before = snapshot(self.folder)
        with pytest.raises(CaskError) as caught:
            approve(self.world(*answers), self.pack, Request(**request), self.proven(basis))
        assert snapshot(self.folder) == before
        return caught.value

    def admitted(self, at: str = NOON) -> AdmittedPack:
        here = self.world()
        files = offer.read(here.files, self.pack)
        return admit.admit(files, pin=pins.stored(here.files, here.config, "shop"), condition=None, environment=None, at=at)

    def statement(self, subject: str) -> dict[str, Any]:
        value = text.parse_yaml(self.pack.lock.read_bytes(), "lock").value
        found: dict[str, Any] = value["subjects"][subject][-1]["statement"]
        return found


class Outcome:
    def __init__(self, report: Report, notes: str) -> None:
        self.report, self.notes = report, notes
        self.signed = [row["subject"] for row in report.tables["signed"]]
        self.left_out = {row.subject: row.message for row in report.findings}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name not in ("lock", ".lock")}


# ---------------------------------------------------------------- --all
@pytest.mark.feature(58)
def test_all_that_waits_is_signed_with_the_shared_subjects(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    done = desk.approve(PASS, NAME, everything=True, reason="first review")
    assert done.report.exit == 0
    assert done.signed == [f"auth:{HOST}", "env:local", "policy", "tool:r", "tool:w", "tool:x"]
    assert list(desk.admitted().tools) == ["r", "w", "x"]
    assert desk.admitted().environment == {}


@pytest.mark.feature(61)
def test_all_leaves_out_critical_tools_and_high_ones_on_low_evidence_and_lists_them(desk: Desk) -> None:
    doubtful = packs.tool("doubtful", method="POST", risk="high", effect="write", confidence="low")
    desk.lay(packs.pack_files((packs.R, packs.W, packs.C, doubtful)))
    done = desk.approve(PASS, NAME, everything=True, reason="first review")
    assert {"tool:r", "tool:w"} <= set(done.signed)
    assert done.left_out == {
        "tool:c": "left out: critical: has to be named",
        "tool:doubtful": "left out: high risk on low evidence: has to be named",
    }
    assert "Left out: c (critical: has to be named)" in done.notes
    assert list(desk.admitted().tools) == ["r", "w"]


def test_committed_observations_are_low_evidence_for_tier_high(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    done = desk.approve(PASS, NAME, everything=True, basis="observations")
    assert list(done.left_out) == ["tool:w"]
    assert desk.statement("tool:r")["basis"] == "observations"


def test_all_does_not_lift_a_block(desk: Desk) -> None:
    desk.lay(packs.block(packs.pack_files(), "tool:r", sequence=4))
    done = desk.approve(PASS, NAME, everything=True, reason="x")
    assert done.left_out == {"tool:r": "left out: blocked; a block is lifted by name alone"}
    done = desk.approve(PASS, NAME, names=("r",))
    assert "now rejected: blocked" in done.notes
    assert desk.statement("tool:r")["sequence"] == 6
    assert "r" in desk.admitted().tools


def test_a_toolset_narrows_all_to_its_members_and_the_shared_subjects(desk: Desk) -> None:
    desk.lay(packs.pack_files((packs.R, packs.W, packs.X, packs.C)))
    done = desk.approve(PASS, NAME, everything=True, toolset="readonly")
    assert done.signed == [f"auth:{HOST}", "env:local", "policy", "tool:r", "tool:x"]
    assert desk.approve(everything=True, toolset="support").signed == []
    assert list(desk.approve(PASS, NAME, everything=True, toolset="high_risk", reason="x").left_out) == ["tool:c"]
    assert desk.refuses(everything=True, toolset="mine").code == "CASK-I010"


def test_what_is_approved_is_not_signed_again(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    desk.approve(PASS, NAME, everything=True, reason="x")
    before = desk.pack.lock.read_bytes()
    done = desk.approve(everything=True)
    assert done.report.lines == ("Nothing was signed: nothing that may be signed here waits.",)
    assert desk.pack.lock.read_bytes() == before


@pytest.mark.feature(58)
def test_a_pattern_means_what_waits_among_the_tools_it_fits(desk: Desk) -> None:
    tools = (
        packs.tool("list_a"),
        packs.tool("list_b"),
        packs.tool("get_a"),
        packs.tool("list_c", method="DELETE", risk="critical", effect="destructive"),
    )
    desk.lay(packs.pack_files(tools, declared={}))
    done = desk.approve(PASS, NAME, names=("list_*",))
    assert done.signed == ["tool:list_a", "tool:list_b"], "nothing shared, nothing else, and a pattern names no critical tool"
    assert done.left_out == {"tool:list_c": "left out: critical: has to be named"}
    assert desk.approve(names=("list_*",)).signed == [], "they wait no longer"
    assert desk.approve(PASS, NAME, names=("env:*", "get_?")).signed == ["env:local", "tool:get_a"]


def test_a_name_beside_a_pattern_is_signed_as_if_it_stood_alone(desk: Desk) -> None:
    desk.lay(packs.pack_files((packs.R, packs.X, packs.C), declared={}))
    assert desk.approve(PASS, NAME, ("Type `c` to sign:", "c"), names=("c", "[rx]"), reason="x").signed == ["tool:c", "tool:r", "tool:x"]


def test_a_pattern_that_fits_nothing_is_an_error(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    refused = desk.refuses(names=("list_*",))
    assert (refused.code, refused.what) == ("CASK-I010", f"`list_*` means nothing here; there is auth:{HOST}, env:local, policy, r, w, x")


def test_a_tier_means_what_waits_up_to_it_and_the_shared_subjects(desk: Desk) -> None:
    medium = packs.tool("m", method="PUT", risk="medium", effect="write")
    desk.lay(packs.pack_files((packs.R, medium, packs.W, packs.C), declared={}))
    shared = [f"auth:{HOST}", "env:local", "policy"]
    assert desk.approve(PASS, NAME, everything=True, risk="low").signed == [*shared, "tool:r"]
    assert desk.approve(PASS, NAME, everything=True, risk="medium").signed == ["tool:m"]
    done = desk.approve(PASS, NAME, everything=True, risk="critical", reason="x")
    assert (done.signed, list(done.left_out)) == (["tool:w"], ["tool:c"]), "a tier names no critical tool"


def test_a_name_outside_the_tier_or_toolset_is_an_error_and_not_left_away_silently(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    assert desk.refuses(names=("w", "r"), risk="low").what == "w was named, but is not of that toolset or risk; nothing was signed"
    assert desk.refuses(names=("x",), toolset="support").code == "CASK-I001"


# ---------------------------------------------------------------- what changed
@pytest.mark.feature(59)
def test_approvals_of_unchanged_tools_survive_a_rebuild_and_the_changed_one_waits_with_its_difference(desk: Desk) -> None:
    tools = tuple(packs.tool(f"t{number:02}") for number in range(50))
    desk.lay(packs.pack_files(tools, declared={}))
    desk.approve(PASS, NAME, everything=True)
    first = desk.pack.lock.read_bytes()
    changed = tools[7].model_copy(update={"title": "Another title"})
    desk.rebuilt(packs.pack_files((*tools[:7], changed, *tools[8:]), declared={}))
    assert len(desk.admitted().tools) == 49
    assert [row.subject for row in desk.admitted().withheld] == ["tool:t07"]
    done = desk.approve(PASS, NAME, everything=True)
    assert done.signed == ["tool:t07"]
    assert '~ title: "Order by t07" -> "Another title"' in done.notes
    assert len(desk.admitted().tools) == 50
    kept = [line for line in desk.pack.lock.read_bytes().splitlines() if line in first.splitlines()]
    assert len(kept) >= len(first.splitlines()) - 5


def test_what_is_signed_is_shown(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    notes = desk.approve(PASS, NAME, everything=True, reason="x").notes
    assert "w  high, write  POST https://api.example.com/orders/{order_id}/w" in notes
    assert "Order by w: Works on one order through w." in notes
    assert "arguments: [note] order_id [state]; policy: confirm (ask-for-w)" in notes
    for content_ in offer.parse(packs.pack_files()).contents.values():
        assert packs.canon.digest(content_) in notes
    assert 'from: "env:SHOP_TOKEN"' in notes


def test_what_a_tool_sends_unasked_is_shown(desk: Desk) -> None:
    row = next(row for row in packs.W.request.query if row.argument == "state")
    request = packs.W.request.model_copy(update={"query": (row.model_copy(update={"default": "every one"}),)})
    desk.lay(packs.pack_files((packs.R, packs.W.model_copy(update={"request": request}), packs.X)))
    notes = desk.approve(PASS, NAME, everything=True, reason="x").notes
    assert "state: sent as `every one` where it is not given" in notes


def test_a_difference_whose_old_content_is_gone_says_so(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    desk.approve(PASS, NAME, everything=True, reason="x")
    for path in desk.pack.contents.iterdir():
        path.write_text("{}")
    desk.rebuilt(packs.pack_files((packs.R.model_copy(update={"title": "T"}), packs.W, packs.X)))
    assert "the approved content was edited" in desk.approve(PASS, NAME, everything=True).notes


# ---------------------------------------------------------------- what is written
def test_the_content_that_was_approved_lies_beside_the_lock(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    desk.approve(PASS, NAME, names=("r",))
    kept = content.read(LocalFiles(), desk.pack, desk.statement("tool:r")["digest"])
    assert kept == offer.parse(packs.pack_files()).contents["tool:r"]


def test_a_statement_says_who_when_why_and_for_how_long(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    desk.approve(PASS, NAME, names=("w",), reason="  PR 12  ", expires="90d")
    row = desk.statement("tool:w")
    assert (row["key"], row["reason"], row["basis"], row["sequence"], row["root_version"]) == (ALICE.id, "PR 12", "traffic", 1, 1)
    assert (row["issued_at"], row["not_after"]) == (NOON, "2027-02-19T12:00:00Z")


def test_an_approval_that_ends_is_served_until_then(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    desk.approve(PASS, NAME, everything=True, reason="x")
    desk.approve(PASS, NAME, names=("r",), expires="24h")
    assert "r" in desk.admitted(at="2026-11-22T12:00:00Z").tools
    late = desk.admitted(at="2026-11-22T12:00:01Z")
    assert "r" not in late.tools
    assert [(row.subject, row.status) for row in late.withheld] == [("tool:r", "expired")]


def test_the_pin_remembers_what_was_signed_at_once(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    desk.approve(PASS, NAME, names=("r",))
    here = desk.world()
    pin = pins.stored(here.files, here.config, "shop")
    assert pin is not None
    assert pin.sequences == {"tool:r": {ALICE.id: 1}}


def test_a_sequence_rises_above_the_lock_and_above_what_was_seen(desk: Desk) -> None:
    desk.lay(packs.approve(packs.pack_files(), "tool:x", by=ALICE, sequence=5))
    here = desk.world()
    pins.write(here.files, here.config, packs.pin_of(ROOT, sequences={"tool:r": {ALICE.id: 8}}))
    desk.approve(PASS, NAME, names=("r",))
    assert desk.statement("tool:r")["sequence"] == 9


def test_a_forged_sequence_raises_nothing(desk: Desk) -> None:
    files = packs.approve(packs.pack_files(), "tool:x", by=packs.U1, sequence=2**52)
    desk.lay(files)
    desk.approve(PASS, NAME, names=("r",))
    assert desk.statement("tool:r")["sequence"] == 1


def test_what_does_not_verify_on_a_subject_goes_with_its_new_approval(desk: Desk) -> None:
    desk.lay(packs.approve(packs.pack_files(), "tool:r", by=packs.U1))
    desk.approve(PASS, NAME, everything=True, reason="x")
    assert "r" in desk.admitted().tools
    assert [row["statement"]["key"] for row in text.parse_yaml(desk.pack.lock.read_bytes(), "lock").value["subjects"]["tool:r"]] == [
        ALICE.id
    ]


# ---------------------------------------------------------------- questions
@pytest.mark.feature(61)
def test_a_critical_tool_takes_its_own_name(desk: Desk) -> None:
    desk.lay(packs.pack_files((packs.R, packs.C)))
    done = desk.approve(REASON, PASS, NAME, ("Type `c` to sign:", "c"), names=("r", "c"))
    assert done.signed == ["tool:c", "tool:r"]
    assert desk.statement("tool:c")["reason"] == "needed for support"


def test_critical_tools_alone_take_their_names_and_not_the_toolpacks(desk: Desk) -> None:
    desk.lay(packs.pack_files((packs.R, packs.C)))
    assert desk.approve(PASS, ("Type `c` to sign:", "c"), names=("c",), reason="x").signed == ["tool:c"]


def test_the_toolpacks_name_does_not_sign_a_critical_tool(desk: Desk) -> None:
    desk.lay(packs.pack_files((packs.R, packs.C)))
    assert desk.refuses(PASS, ("Type `c` to sign:", "shop"), names=("c",), reason="x").code == "CASK-A002"
    assert desk.refuses(PASS, NAME, ("Type `c` to sign:", ""), names=("c", "r"), reason="x").code == "CASK-A002"


@pytest.mark.parametrize("typed", ["", "shops", "SHOP", "y", "yes"])
def test_another_word_than_the_name_signs_nothing(desk: Desk, typed: str) -> None:
    desk.lay(packs.pack_files())
    assert desk.refuses(PASS, ("Type `shop` to sign:", typed), everything=True, reason="x").code == "CASK-A002"


def test_a_wrong_passphrase_signs_nothing(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    assert desk.refuses(("Passphrase for alice:", "ward"), everything=True, reason="x").code == "CASK-K002"


@pytest.mark.feature(61)
def test_from_tier_high_a_reason_is_needed(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    assert desk.refuses(("Reason:", "  "), names=("w",)).code == "CASK-A003"
    assert desk.refuses(("Reason:", ""), names=("w",), reason=" ").code == "CASK-A003"
    assert desk.approve(PASS, NAME, names=("r",)).signed == ["tool:r"]


@pytest.mark.parametrize("period", ["", "90", "d", "0d", "-1d", "1.5d", "90 d", "99999d", "1y", "90D"])
def test_a_period_of_another_form_is_refused_before_anything_is_asked(desk: Desk, period: str) -> None:
    desk.lay(packs.pack_files())
    assert desk.refuses(everything=True, expires=period).code == "CASK-I001"


@pytest.mark.parametrize(
    ("period", "end"), [("12h", "2026-11-22T00:00:00Z"), ("90d", "2027-02-19T12:00:00Z"), ("4w", "2026-12-19T12:00:00Z"), (None, None)]
)
def test_periods_are_hours_days_and_weeks(period: str | None, end: str | None) -> None:
    assert ends(NOON, period) == end


# ---------------------------------------------------------------- names
@pytest.mark.parametrize("name", ["nothing", "env:staging", "auth:evil.example", "tool:policy", "R", ""])
def test_a_subject_that_is_not_here_is_named_with_those_that_are(desk: Desk, name: str) -> None:
    desk.lay(packs.pack_files())
    error = desk.refuses(names=(name,))
    assert error.code == "CASK-I010"
    assert "policy" in error.what


def test_shared_subjects_are_signed_alone_by_their_names(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    assert desk.approve(PASS, NAME, names=("policy", "env:local", f"auth:{HOST}")).signed == sorted(SHARED)


def test_a_record_that_cannot_be_read_is_not_signed(desk: Desk) -> None:
    desk.lay(packs.edited_tools(packs.pack_files(), "r", lambda row: row.update(risk="none")))
    assert desk.refuses(names=("r",)).code == "CASK-L002"
    assert "tool:r" not in desk.approve(PASS, NAME, everything=True, reason="x").signed


# ---------------------------------------------------------------- keys and trust
def test_the_only_key_that_fits_is_taken(desk: Desk) -> None:
    desk.lay(packs.pack_files(), keys=("alice", "bob"))
    assert desk.approve(PASS, NAME, names=("r",)).report.summary["key"] == "alice"


def test_where_several_keys_fit_one_has_to_be_named(desk: Desk) -> None:
    desk.lay(packs.pack_files(), root=packs.root(ALICE, BOB), keys=("alice", "bob"))
    error = desk.refuses(names=("r",))
    assert (error.code, error.what) == ("CASK-I001", "several keys fit: alice, bob; say which")
    assert desk.approve(("Passphrase for bob:", "word"), NAME, names=("r",), key="bob").report.summary["key"] == "bob"


def test_a_key_that_the_trust_root_does_not_know_signs_nothing(desk: Desk) -> None:
    desk.lay(packs.pack_files(), keys=("bob",))
    assert desk.refuses(everything=True).code == "CASK-K004"
    assert desk.refuses(names=("r",), key="bob").code == "CASK-K002"
    assert desk.refuses(names=("r",), key="carol").code == "CASK-K004"


def test_a_key_that_others_can_read_signs_nothing(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    (desk.world().config / "keys" / "alice").chmod(0o644)
    assert desk.refuses(names=("r",)).code == "CASK-K001"


@pytest.mark.feature(57)
def test_two_people_approve_a_critical_tool_one_after_the_other(desk: Desk) -> None:
    rows = (Approver(keys=(ALICE.id, BOB.id), threshold=2, tiers=("critical",)), Approver(keys=(ALICE.id, BOB.id)))
    desk.lay(packs.pack_files((packs.R, packs.C)), root=packs.root(ALICE, BOB, approvers=rows), keys=("alice", "bob"))
    own = ("Type `c` to sign:", "c")
    desk.approve(PASS, NAME, own, names=("r", "c", *SHARED), key="alice", reason="x")
    assert desk.admitted().tools == {}, "the shared subjects need two as well"
    again = desk.approve(everything=True, key="alice")
    assert again.left_out["policy"] == "left out: signed by this key already: 1 of 2 signatures"
    desk.approve(("Passphrase for bob:", "word"), NAME, everything=True, key="bob")
    assert list(desk.admitted().tools) == ["r"]
    desk.approve(("Passphrase for bob:", "word"), own, names=("c",), key="bob", reason="x")
    assert list(desk.admitted().tools) == ["c", "r"]


def test_where_the_trust_root_is_not_accepted_here_nothing_is_signed(desk: Desk) -> None:
    desk.lay(packs.pack_files())
    here = desk.world()
    pins.place(here.config, "shop").unlink()
    assert desk.refuses(everything=True).code == "CASK-T001"
    pins.write(here.files, here.config, packs.pin_of(packs.root(BOB)))
    assert desk.refuses(everything=True).code == "CASK-T002"


def test_a_key_and_a_trust_root_are_made_where_there_are_none(desk: Desk) -> None:
    desk.lay(packs.pack_files(), root=None, keys=())
    ask = ("Passphrase for approver:", "long word")
    done = desk.approve(ask, ask, NAME, everything=True, reason="x")
    assert "making version 1, held by the key approver" in done.notes
    assert list(desk.admitted().tools) == ["r", "w", "x"]


def test_a_trust_root_is_made_with_the_key_that_is_there(desk: Desk) -> None:
    desk.lay(packs.pack_files(), root=None)
    desk.approve(PASS, NAME, everything=True, reason="x")
    assert list(desk.admitted().tools) == ["r", "w", "x"]


def test_no_trust_root_is_made_where_a_pin_remembers_another(desk: Desk) -> None:
    desk.lay(packs.pack_files(), root=None)
    here = desk.world()
    pins.write(here.files, here.config, packs.PIN)
    assert desk.refuses(everything=True).code == "CASK-T005"


def test_an_expired_trust_root_approves_nothing(desk: Desk) -> None:
    desk.lay(packs.pack_files(), root=packs.root(ALICE, expires="2026-11-21T11:00:00Z"))
    assert desk.refuses(everything=True).code == "CASK-T003"


def test_the_request_line_shows_port_and_arguments() -> None:
    assert request_line(packs.R.request.model_copy(update={"port": 8443})) == "GET https://api.example.com:8443/orders/{order_id}/r"


def test_a_lock_that_cannot_be_read_is_not_written_over(desk: Desk) -> None:
    desk.lay(replace(packs.pack_files(), lock=b"subjects: 1\n"))
    assert desk.refuses(everything=True).code == "CASK-L001"
