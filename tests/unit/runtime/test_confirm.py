"""Challenges and grants on a real database with real keys: bound to one call, verified when spent, spent once."""

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import sign
from caskmcp.govern.sign import Signer
from caskmcp.model.statement import Grant
from caskmcp.runtime import confirm
from caskmcp.runtime.commands import Binding, Confirm, Said
from caskmcp.runtime.confirm import Confirmations, later
from caskmcp.runtime.state import State
from tests.support.world import NOON, CountingEntropy

CONFIRMER = sign.generate(CountingEntropy("confirmer"), "carol")
STRANGER = sign.generate(CountingEntropy("stranger"), "mallory")
ARGUMENTS = {"order_id": 7, "amount": 3}
BINDING = Binding("shop", "pay_order", str(canon.digest(ARGUMENTS)), str(canon.digest("lock")), "stdio")


@pytest.fixture
def state(tmp_path: Path) -> Any:
    opened = State(tmp_path / "state" / "confirmations.db")
    yield opened
    opened.close()


def ask(binding: Binding = BINDING, at: str = NOON) -> Confirm:
    return Confirm(binding, ARGUMENTS, {CONFIRMER.id: CONFIRMER.key}, at)


def book(state: State) -> Confirmations:
    return Confirmations(state, CountingEntropy("challenges"))


def granted(state: State, challenge: str, by: Signer = CONFIRMER, **changes: Any) -> None:
    """Grant a challenge as `cask confirm grant` does; changes: what the grant says otherwise."""
    fields: dict[str, Any] = {
        "toolpack": BINDING.toolpack,
        "challenge": challenge,
        "tool": BINDING.tool,
        "arguments": BINDING.arguments,
        "lock": BINDING.lock,
        "caller": BINDING.caller,
        "verdict": "grant",
        "key": by.id,
        "issued_at": NOON,
        "not_after": later(NOON, 600),
        **changes,
    }
    signed = sign.sign_grant(by, Grant(**fields))
    assert state.settle(challenge, before="open", after="granted", answer=signed.model_dump_json(by_alias=True))


def test_the_first_call_makes_a_challenge_that_waits(state: State) -> None:
    standing = book(state).standing(ask())
    assert (standing.state, standing.expires) == ("waiting", "2026-11-21T12:10:00Z")
    assert len(standing.challenge) == 24


def test_the_same_call_again_waits_on_the_same_challenge(state: State) -> None:
    both = book(state)
    assert both.standing(ask()) == both.standing(ask())


@pytest.mark.parametrize("field", ["toolpack", "tool", "arguments", "lock", "caller"])
def test_a_call_that_differs_in_anything_gets_a_challenge_of_its_own_and_no_grant_of_the_other(state: State, field: str) -> None:
    calls = book(state)
    first = calls.standing(ask()).challenge
    granted(state, first)
    other = calls.standing(ask(replace(BINDING, **{field: "sha256:" + "0" * 64})))
    assert other.state == "waiting"
    assert other.challenge != first
    assert calls.standing(ask()).state == "granted"


def test_a_grant_is_spent_once(state: State) -> None:
    calls = book(state)
    first = calls.standing(ask()).challenge
    granted(state, first)
    assert calls.standing(ask()).state == "granted"
    second = calls.standing(ask())
    assert second.state == "waiting"
    assert second.challenge != first


def test_of_twenty_servers_at_once_one_gets_the_grant(tmp_path: Path) -> None:
    path = tmp_path / "confirmations.db"
    state = State(path)
    granted(state, book(state).standing(ask()).challenge)
    barrier, states = threading.Barrier(20), []

    def spend(number: int) -> None:
        own = State(path)
        calls = Confirmations(own, CountingEntropy(str(number)))
        barrier.wait()
        states.append(calls.standing(ask()).state)
        own.close()

    threads = [threading.Thread(target=spend, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state.close()
    assert sorted(states) == ["granted", *["waiting"] * 19]


def test_setting_the_database_back_does_not_spend_a_grant_twice(state: State) -> None:
    calls = book(state)
    first = calls.standing(ask()).challenge
    granted(state, first)
    assert calls.standing(ask()).state == "granted"
    assert state.settle(first, before="spent", after="granted")
    assert calls.standing(ask()).state == "waiting"


@pytest.mark.parametrize(
    ("by", "changes"),
    [
        (STRANGER, {}),
        (CONFIRMER, {"challenge": "another"}),
        (CONFIRMER, {"tool": "wipe"}),
        (CONFIRMER, {"arguments": "sha256:" + "0" * 64}),
        (CONFIRMER, {"lock": "sha256:" + "0" * 64}),
        (CONFIRMER, {"caller": "http"}),
        (CONFIRMER, {"toolpack": "other"}),
        (CONFIRMER, {"verdict": "deny"}),
        (CONFIRMER, {"not_after": "2026-11-21T11:59:59Z"}),
    ],
    ids=["stranger", "challenge", "tool", "arguments", "lock", "caller", "toolpack", "verdict", "expired"],
)
def test_a_grant_that_does_not_hold_is_void_and_the_call_refused(state: State, by: Signer, changes: dict[str, Any]) -> None:
    calls = book(state)
    first = calls.standing(ask()).challenge
    fields = {"challenge": first, **changes}
    signed = sign.sign_grant(by, _grant(by, fields))
    assert state.settle(first, before="open", after="granted", answer=signed.model_dump_json(by_alias=True))
    with pytest.raises(CaskError) as error:
        calls.standing(ask())
    assert error.value.code == "CASK-R006"
    assert calls.standing(ask()).challenge != first


def _grant(by: Signer, changes: dict[str, Any]) -> Grant:
    fields = {
        "toolpack": BINDING.toolpack, "tool": BINDING.tool, "arguments": BINDING.arguments, "lock": BINDING.lock, "caller": BINDING.caller,
        "verdict": "grant", "key": by.id, "issued_at": "2026-11-21T11:59:00Z", "not_after": later(NOON, 600),
    }  # fmt: skip
    return Grant(**{**fields, **changes})


@pytest.mark.parametrize("answer", ["", "{}", "garbage", '{"grant":1}'])
def test_a_row_that_somebody_wrote_grants_nothing(state: State, answer: str) -> None:
    calls = book(state)
    first = calls.standing(ask()).challenge
    assert state.settle(first, before="open", after="granted", answer=answer)
    with pytest.raises(CaskError) as error:
        calls.standing(ask())
    assert error.value.code == "CASK-R006"


def test_a_grant_whose_signature_was_touched_does_not_hold(state: State) -> None:
    calls = book(state)
    first = calls.standing(ask()).challenge
    signed = sign.sign_grant(CONFIRMER, _grant(CONFIRMER, {"challenge": first}))
    touched = signed.model_copy(update={"signature": ("A" if signed.signature[0] != "A" else "B") + signed.signature[1:]})
    assert state.settle(first, before="open", after="granted", answer=touched.model_dump_json(by_alias=True))
    with pytest.raises(CaskError) as error:
        calls.standing(ask())
    assert error.value.code == "CASK-R006"


def test_a_denial_is_told_once_and_ends_the_challenge(state: State) -> None:
    calls = book(state)
    first = calls.standing(ask()).challenge
    assert state.settle(first, before="open", after="denied")
    assert calls.standing(ask()).state == "denied"
    assert calls.standing(ask()).state == "waiting"


def test_a_challenge_ends_after_ten_minutes(state: State) -> None:
    calls = book(state)
    first = calls.standing(ask()).challenge
    granted(state, first)
    assert calls.standing(ask(at="2026-11-21T12:10:00Z")).challenge != first


def test_a_caller_cannot_bury_the_challenge_that_matters(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm, "MOST", 3)
    calls = book(state)
    states = [calls.standing(ask(replace(BINDING, arguments=f"sha256:{number:064}"))).state for number in range(5)]
    assert states == ["waiting", "waiting", "waiting", "full", "full"]
    assert calls.standing(ask(at="2026-11-21T12:30:00Z")).state == "waiting"


def test_arguments_that_nobody_can_read_are_not_put_to_a_person(state: State) -> None:
    large = {"note": "x" * 70_000}
    with pytest.raises(CaskError) as error:
        book(state).standing(Confirm(BINDING, large, {}, NOON))
    assert error.value.code == "CASK-R005"
    assert state.waiting(NOON) == ()


def test_the_database_is_private(state: State) -> None:
    book(state).standing(ask())
    folder = state._path.parent
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_database_that_cannot_be_used_refuses_the_call(tmp_path: Path) -> None:
    path = tmp_path / "confirmations.db"
    path.write_bytes(b"this is no database, whatever its name says" * 50)
    with pytest.raises(CaskError) as error, closing(State(path)) as state:
        book(state).standing(ask())
    assert error.value.code == "CASK-W001"
    with closing(State(path)) as state, pytest.raises(CaskError):
        state.take("shop", "c0ffee", (), NOON)


def test_the_grants_row_outlives_the_server(tmp_path: Path) -> None:
    path = tmp_path / "confirmations.db"
    first = State(path)
    granted(first, book(first).standing(ask()).challenge)
    first.close()
    second = State(path)
    assert book(second).standing(ask()).state == "granted"
    second.close()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


# ---------------------------------------------------------------- the client's dialogue
def said(challenge: str, *, yes: bool = True, binding: Binding = BINDING, at: str = NOON) -> Confirm:
    return replace(ask(binding, at), said=Said(challenge, yes))


@pytest.mark.parametrize(("yes", "standing"), [(True, "granted"), (False, "denied")])
def test_an_answer_of_a_dialogue_counts_once(state: State, yes: bool, standing: str) -> None:
    of = book(state)
    challenge = of.standing(ask()).challenge
    assert of.standing(said(challenge, yes=yes)).state == standing
    for _ in range(2):
        with pytest.raises(CaskError) as error:
            of.standing(said(challenge))
        assert error.value.code == "CASK-R006"
    assert of.standing(ask()).challenge != challenge


def test_an_answer_of_a_dialogue_counts_once_though_the_database_was_set_back(state: State) -> None:
    of = book(state)
    challenge = of.standing(ask()).challenge
    of.standing(said(challenge))
    state.settle(challenge, before="spent", after="open")
    with pytest.raises(CaskError):
        of.standing(said(challenge))


@pytest.mark.parametrize(
    "other",
    [
        {"binding": replace(BINDING, arguments=str(canon.digest({"order_id": 8})))},
        {"binding": replace(BINDING, tool="wipe")},
        {"binding": replace(BINDING, lock=str(canon.digest("another")))},
        {"binding": replace(BINDING, caller="token mallory")},
        {"binding": replace(BINDING, toolpack="bank")},
        {"at": later(NOON, 600)},
    ],
    ids=["arguments", "tool", "lock", "caller", "toolpack", "expired"],
)
def test_an_answer_of_a_dialogue_is_for_the_call_that_was_asked_about_and_in_time(state: State, other: dict[str, Any]) -> None:
    of = book(state)
    challenge = of.standing(ask()).challenge
    with pytest.raises(CaskError) as error:
        of.standing(said(challenge, **other))
    assert error.value.code == "CASK-R006"
    assert of.standing(said(challenge)).state == "granted"


def test_an_answer_to_a_question_that_nobody_asked_is_refused(state: State) -> None:
    with pytest.raises(CaskError) as error:
        book(state).standing(said("absent"))
    assert error.value.code == "CASK-R006"


def test_of_answers_at_the_same_time_one_counts(state: State) -> None:
    of = book(state)
    challenge = of.standing(ask()).challenge
    found: list[str] = []

    def answer() -> None:
        try:
            found.append(of.standing(said(challenge)).state)
        except CaskError as no:
            found.append(no.code)

    threads = [threading.Thread(target=answer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["CASK-R006"] * 7 + ["granted"]
