"""A review: the state by itself, and as plain prompts that end in the functions of `gate allow` and `gate block`."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from caskmcp import ports as port
from caskmcp import text
from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.model.statement import Basis
from caskmcp.workflows import block, build, gate, reviewing
from caskmcp.workflows.approve import Proven, Request
from caskmcp.workflows.review import Board, Item, Review, Said
from caskmcp.workflows.reviewing import PROMPT
from tests.support.world import ScriptedConsole
from tests.unit.workflows.test_gate import NAME, PASS, Desk, built, rebuilt_with  # noqa: F401 - `built` is a fixture

CALM = Item("tool:r", "r", "low", "pending", "not approved yet", ("  r",))
HIGH = Item("tool:w", "w", "high", "pending", "changed since it was approved", ("  w",), needs_reason=True)
SHARED = Item("policy", "policy", "", "pending", "not approved yet", ())
FRESH = Review((SHARED, CALM, HIGH))


# ---------------------------------------------------------------- the state
def test_items_are_asked_for_in_their_order_and_the_review_ends_after_the_last() -> None:
    one = FRESH.decided("policy", "skip")
    two = one.decided("tool:r", "allow")
    assert [review.current for review in (FRESH, one, two, two.decided("tool:w", "block"))] == [SHARED, CALM, HIGH, None]
    assert FRESH.said == {}, "a review is a value"


def test_all_that_was_allowed_is_one_request_with_each_reason() -> None:
    review = FRESH.decided("tool:w", "allow", " PR 9 ").decided("policy", "allow").decided("tool:r", "skip")
    found = review.outcome(key="alice", expires="90d")
    assert found.allow == Request(("policy", "tool:w"), reasons={"policy": "", "tool:w": "PR 9"}, key="alice", expires="90d")
    assert found.block == {}


def test_blocks_are_gathered_by_reason() -> None:
    review = FRESH.decided("tool:w", "block", "leaks").decided("tool:r", "block", "leaks").decided("policy", "block")
    assert (review.outcome().allow, review.outcome().block) == (None, {"": ("policy",), "leaks": ("tool:r", "tool:w")})


def test_another_answer_takes_the_place_of_the_first() -> None:
    review = FRESH.decided("tool:r", "block", "x").decided("tool:r", "allow")
    assert review.said == {"tool:r": Said("allow")}


def test_what_was_decided_before_the_end_counts_and_the_rest_does_not() -> None:
    ended = FRESH.decided("policy", "allow").end()
    assert ended.current is None
    assert ended.outcome().allow == Request(("policy",), reasons={"policy": ""})
    assert (FRESH.end().outcome().allow, FRESH.outcome().block) == (None, {})


def test_what_may_not_be_allowed_is_not() -> None:
    barred = replace(CALM, barred="the trust root does not let this key approve it")
    for review, subject, reason, code in (
        (FRESH, "tool:w", "  ", "CASK-A003"),
        (Review((barred,)), "tool:r", "x", "CASK-K004"),
        (FRESH, "tool:nothing", "x", "CASK-I010"),
    ):
        with pytest.raises(CaskError) as caught:
            review.decided(subject, "allow", reason)
        assert caught.value.code == code
    assert Review((barred,)).decided("tool:r", "block").said == {"tool:r": Said("block")}


def test_a_board_changes_by_the_same_function_and_can_be_dropped() -> None:
    board = Board(FRESH)
    board.decide("tool:w", "allow", " PR 9 ")
    assert (board.sheets, board.said("tool:w"), board.said("policy")) == ((SHARED, CALM, HIGH), ("allow", "PR 9"), ("", ""))
    with pytest.raises(CaskError):
        board.decide("tool:w", "allow", "")
    assert board.said("tool:w") == ("allow", "PR 9"), "what cannot be said changes nothing"
    board.end(keep=True)
    assert board.review == FRESH.decided("tool:w", "allow", "PR 9").end()
    board.end(keep=False)
    assert board.review == FRESH.end()


# ---------------------------------------------------------------- as prompts
@pytest.fixture
def desk(built: Path, tmp_path: Path) -> Desk:  # noqa: F811
    for name in ("project", "project-config"):
        shutil.copytree(built / name, tmp_path / name)
    return Desk(tmp_path)


def reviewed(desk: Desk, *answers: tuple[str, str]) -> tuple[Report, ScriptedConsole]:
    here = desk.world(*answers, interactive=True)
    assert isinstance(here.console, ScriptedConsole)
    report = reviewing.run(here)
    assert here.console.asked == [prompt for prompt, _ in answers]
    return report, here.console


def answer(letter: str) -> tuple[str, str]:
    return (PROMPT, letter)


ALLOW, BLOCK, SKIP, QUIT = map(answer, ("a", "b", "s", "q"))


def reason(given: str) -> tuple[str, str]:
    return ("Reason:", given)


@pytest.mark.feature(58)
def test_what_waits_is_shown_shared_subjects_first_and_the_riskiest_last(desk: Desk) -> None:
    report, console = reviewed(desk, QUIT)
    listed = console.notes[0].splitlines()
    assert listed[0] == "8 wait for a decision:"
    assert [line.split()[0] for line in listed[1:4]] == ["auth:api.shop.example", "env:local", "policy"]
    risks = [line.split()[1] for line in listed[4:]]
    assert risks == sorted(risks, key=("safe", "low", "medium", "high", "critical").index)
    assert 'from: "env:SHOP_TOKEN"' in console.text, "the first one is shown whole"
    assert (report.exit, report.lines) == (0, ("Nothing was decided.",))


def test_one_signature_at_the_end_signs_all_that_was_allowed_with_its_reasons(desk: Desk) -> None:
    order = [item.name for item in reviewing.items(desk.world(), desk.pack)]
    given = {"get_order": [ALLOW], "delete_order": [ALLOW, reason("PR 9")], "list_orders": [BLOCK, reason("wrong data")], "policy": [ALLOW]}
    critical = {row["id"] for row in gate.status(desk.world()).tables["tools"] if row["risk"] == "critical"}
    typed = [("Type `delete_order` to sign:", "delete_order")] if "delete_order" in critical else []
    answers = [each for name in order for each in given.get(name, [SKIP])]
    report, _ = reviewed(desk, *answers, PASS, NAME, *typed)
    assert report.summary == {"toolpack": "shop", "signed": 3, "blocked": 1}
    rows = {row["subject"]: row for row in gate.listing(desk.world()).tables["statements"]}
    assert {subject: (row["verdict"], row["reason"], row["by"]) for subject, row in rows.items()} == {
        "policy": ("allow", "", "alice"),
        "tool:get_order": ("allow", "", "alice"),
        "tool:delete_order": ("allow", "PR 9", "alice"),
        "tool:list_orders": ("block", "wrong data", "unsigned"),
    }
    assert len({rows[subject]["sequence"] for subject in rows if rows[subject]["verdict"] == "allow"}) == 1


def test_a_changed_tool_is_shown_with_its_difference_and_its_evidence(desk: Desk) -> None:
    desk.allow(reason="x")
    rebuilt_with(desk, "list_orders", "Lists every order, reworded")
    waiting = [item.name for item in reviewing.items(desk.world(), desk.pack)]
    assert "list_orders" in waiting
    assert "get_order" not in waiting, "only what changed waits"
    _, console = reviewed(desk, *[SKIP] * len(waiting))
    assert "reworded" in next(note for note in console.notes if note.strip().startswith("~ "))
    assert "0 exchanges in 1 parts of the observations" in console.text


def test_a_rejected_tool_is_settled_and_one_that_changed_since_waits_with_the_reason(desk: Desk) -> None:
    block.block(desk.world(), subjects=("get_order", "list_orders"), reason="wrong data")
    rebuilt_with(desk, "list_orders", "Lists every order, reworded")
    found = {item.name: item for item in reviewing.items(desk.world(), desk.pack)}
    assert "get_order" not in found
    assert found["list_orders"].why == "changed since it was blocked: wrong data"
    assert "    now pending: changed since it was blocked: wrong data" in found["list_orders"].lines


def test_an_unknown_answer_and_a_missing_reason_ask_again(desk: Desk) -> None:
    order = [item.name for item in reviewing.items(desk.world(), desk.pack)]
    given = {"delete_order": [answer("yes"), answer(""), answer("absolutely not"), answer("Allow"), reason("  "), answer("skip")]}
    _, console = reviewed(desk, *[each for name in order for each in given.get(name, [SKIP])])
    assert "a reason is needed for delete_order; skip it, or answer otherwise" in console.notes
    assert not desk.pack.lock.exists()


def test_what_no_key_here_may_sign_cannot_be_allowed(desk: Desk) -> None:
    for path in (desk.world().config / "keys").iterdir():
        path.unlink()
    _, console = reviewed(desk, ALLOW, QUIT)
    assert (
        "auth:api.shop.example cannot be allowed here: no key on this machine may sign it now; skip it, or answer otherwise"
        in console.notes
    )


def test_blocks_stand_even_where_the_signature_fails(desk: Desk) -> None:
    order = [item.name for item in reviewing.items(desk.world(), desk.pack)]
    answers = [each for name in order for each in {"get_order": [BLOCK, reason("")], "policy": [ALLOW]}.get(name, [SKIP])]
    here = desk.world(*answers, ("Passphrase for alice:", "ward"), interactive=True)
    with pytest.raises(CaskError) as caught:
        reviewing.run(here)
    assert caught.value.code == "CASK-K002"
    assert (desk.status()["get_order"], desk.status()["policy"]) == ("rejected", "pending")


@pytest.mark.feature(56)
def test_without_a_terminal_and_on_edited_artifacts_there_is_no_review(desk: Desk) -> None:
    with pytest.raises(CaskError) as caught:
        reviewing.run(desk.world())
    assert caught.value.code == "CASK-A001"
    path = desk.pack.artifact("policy.yaml")
    value = text.parse_yaml(path.read_bytes(), "policy").value
    path.write_bytes(text.dump_yaml({**value, "default": "deny "}))
    with pytest.raises(CaskError) as caught:
        reviewing.run(desk.world(interactive=True))
    assert caught.value.code in ("CASK-L006", "CASK-L007")
    assert build.derive(desk.world()).files["policy.yaml"] != path.read_bytes()


# ---------------------------------------------------------------- on a screen
class Seen(ScriptedConsole):
    """A person who decides on a screen: what is written down is said there, and the prompts come after it."""

    def screen(self, board: port.Board) -> bool:
        self.sheets = {sheet.name: sheet for sheet in board.sheets}
        board.decide("policy", "allow", "")
        board.decide("tool:list_orders", "block", "wrong data")
        board.end(keep=True)
        return True


def test_what_was_decided_on_a_screen_is_blocked_and_signed_with_the_prompts_of_allow(desk: Desk) -> None:
    console = Seen([PASS, NAME])
    report = reviewing.run(replace(desk.world(interactive=True), console=console))
    assert report.summary == {"toolpack": "shop", "signed": 1, "blocked": 1}
    assert console.asked == [PASS[0], NAME[0]]
    assert (desk.status()["policy"], desk.status()["list_orders"], desk.status()["get_order"]) == ("approved", "rejected", "pending")


def test_where_nothing_waits_no_screen_is_shown(desk: Desk) -> None:
    assert reviewing.decided(replace(desk.world(), console=Seen()), Review(())) == Review(())


def test_a_sheet_holds_the_tool_its_changes_with_their_verdicts_its_evidence_and_its_tier(desk: Desk) -> None:
    desk.allow(reason="first review")
    rebuilt_with(desk, "list_orders", "Lists every order, reworded")
    proven = Proven("observations", "shop", {})
    found = {item.name: item for item in reviewing.items(desk.world(), desk.pack, proven=proven)}
    parts = {section.title: section.lines for section in found["list_orders"].sections}
    assert list(parts) == ["tool", "what changed", "evidence", "why this tier"]
    assert parts["tool"][0].startswith("list_orders  ")
    assert any(line.startswith("~ description: ") for line in parts["what changed"])
    assert any(line.startswith("review: list_orders reads differently than what was approved") for line in parts["what changed"])
    assert any("{+" in line and "[-" in line for line in parts["what changed"]), "old and new words"
    assert "0 exchanges in 1 parts of the observations" in parts["evidence"][0]
    assert "LOW EVIDENCE: look closer before you allow it" in parts["evidence"]
    assert "an approval would rest on: observations" in parts["evidence"]
    assert "allow by alice at 1 on spec (first review): it is on other content" in parts["evidence"]
    assert parts["why this tier"][0].startswith(f"{found['list_orders'].risk} by ")
    flat = [line.strip() for line in found["list_orders"].lines]
    assert flat == [line.strip() for section in found["list_orders"].sections for line in section.lines], "prompts show the same"


def test_the_redaction_receipts_are_told_where_an_approval_rests_on_traffic(desk: Desk) -> None:
    def last(basis: Basis) -> str:
        item = next(reviewing.items(desk.world(), desk.pack, proven=Proven(basis, "shop", {}, "sha256:aa")))
        return {section.title: section.lines for section in item.sections}["evidence"][-1]

    assert last("traffic") == "an approval would rest on: traffic, redaction receipts sha256:aa"
    assert last("spec") == "an approval would rest on: spec"


def test_a_new_tool_has_no_verdict_and_a_shared_subject_no_tier(desk: Desk) -> None:
    found = {item.name: item for item in reviewing.items(desk.world(), desk.pack)}
    assert {section.title: section.lines for section in found["get_order"].sections}["what changed"] == ("new",)
    assert [section.title for section in found["policy"].sections] == ["shared by tools", "what changed"]
