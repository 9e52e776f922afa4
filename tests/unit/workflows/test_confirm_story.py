"""`cask confirm`: who may answer a challenge, what the person is shown, and that what is shown is what is signed. Real keys, a real database."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from caskmcp.errors import CaskError
from caskmcp.govern import keys, pins
from caskmcp.model.statement import SignedGrant
from caskmcp.ports import World
from caskmcp.runtime.state import State
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import confirm as story
from tests.support import packs
from tests.support.asking import PASSPHRASE, asking, binding, person
from tests.support.world import NOON, FixedClock, ScriptedConsole

ASKED: Final = (("Passphrase for t1:", PASSPHRASE),)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration folder of a person who holds a confirmer's key; made once, the key's cipher is slow on purpose."""
    folder = tmp_path_factory.mktemp("config") / "caskmcp"
    files = LocalFiles()
    keys.save(files, folder, packs.T1, PASSPHRASE)
    pins.write(files, folder, packs.PIN)
    return folder


def notes(of: World) -> str:
    assert isinstance(of.console, ScriptedConsole)
    return of.console.text


def test_a_person_reads_the_call_gives_the_passphrase_and_the_call_works_once(tmp_path: Path, config: Path) -> None:
    of = person(tmp_path, config, *ASKED)
    report = story.grant(of, challenge=asking(of).challenge, key=None)
    assert report.exit == 0
    assert report.summary["key"] == "t1"
    told = notes(of)
    assert "POST https://api.example.com/orders/7/w" in told
    assert '{"note": "hi\\u001b[31m", "order_id": 7}' in told
    assert "\x1b" not in told
    assert "risk high" in told
    assert asking(of).state == "granted"
    assert asking(of).state == "waiting"


def test_without_a_terminal_nothing_is_granted(tmp_path: Path, config: Path) -> None:
    of = person(tmp_path, config, *ASKED, terminal=False)
    challenge = asking(of).challenge
    with pytest.raises(CaskError) as error:
        story.grant(of, challenge=challenge, key="t1")
    assert error.value.code == "CASK-A001"
    assert asking(of).state == "waiting"


def refused(of: World, challenge: str, key: str | None = None) -> str:
    with pytest.raises(CaskError) as error:
        story.grant(of, challenge=challenge, key=key)
    return error.value.code


def test_a_wrong_passphrase_grants_nothing(tmp_path: Path, config: Path) -> None:
    of = person(tmp_path, config, ("Passphrase for t1:", "wrong"))
    assert refused(of, asking(of).challenge) == "CASK-K002"
    assert asking(of).state == "waiting"


def test_an_unknown_challenge_is_named_as_such(tmp_path: Path, config: Path) -> None:
    assert refused(person(tmp_path, config), "no-such-challenge") == "CASK-I010"


def test_an_expired_challenge_cannot_be_granted(tmp_path: Path, config: Path) -> None:
    of = person(tmp_path, config)
    challenge = asking(of).challenge
    late = replace(of, clock=FixedClock("2026-11-21T12:10:00Z"))
    assert refused(late, challenge) == "CASK-R006"


def test_a_challenge_is_answered_once(tmp_path: Path, config: Path) -> None:
    of = person(tmp_path, config, *ASKED)
    challenge = asking(of).challenge
    story.grant(of, challenge=challenge, key=None)
    assert refused(of, challenge) == "CASK-R006"


def test_a_key_that_is_no_confirmer_grants_nothing(tmp_path: Path) -> None:
    config = tmp_path / "config" / "caskmcp"
    keys.save(LocalFiles(), config, packs.U1, PASSPHRASE)
    pins.write(LocalFiles(), config, packs.PIN)
    of = person(tmp_path, config, ("Passphrase for u1:", PASSPHRASE))
    challenge = asking(of).challenge
    assert refused(of, challenge, "u1") == "CASK-R006"
    assert refused(of, challenge) == "CASK-K004"
    assert asking(of).state == "waiting"


def edited(of: World, sql: str, *values: str) -> None:
    """Write into the database, as an agent with the user's shell could."""
    with closing(sqlite3.connect(of.cwd / ".caskmcp" / "state" / "confirmations.db")) as connection, connection:
        connection.execute(sql, values)


def test_arguments_that_somebody_swapped_are_not_granted(tmp_path: Path, config: Path) -> None:
    of = person(tmp_path, config, *ASKED)
    challenge = asking(of).challenge
    edited(of, "UPDATE challenges SET content = ? WHERE id = ?", '{"order_id":1}', challenge)
    assert refused(of, challenge) == "CASK-R006"
    edited(of, "UPDATE challenges SET content = ? WHERE id = ?", "no json", challenge)
    assert refused(of, challenge) == "CASK-R006"


@pytest.mark.parametrize("tool", ["x", "absent"])
def test_a_tool_that_is_not_approved_cannot_be_granted(tmp_path: Path, config: Path, tool: str) -> None:
    of = person(tmp_path, config, *ASKED)
    challenge = asking(of).challenge
    edited(of, "UPDATE challenges SET tool = ? WHERE id = ?", tool, challenge)
    assert refused(of, challenge) == "CASK-R006"


def test_what_is_approved_must_not_have_changed_since_the_call(tmp_path: Path, config: Path) -> None:
    of = person(tmp_path, config, *ASKED)
    challenge = asking(of).challenge
    packs.write(packs.approve(packs.approved_pack(), "tool:r", sequence=5), of.cwd / ".caskmcp")
    assert refused(of, challenge) == "CASK-R006"


def test_the_grant_says_everything_that_it_is_bound_to(tmp_path: Path, config: Path) -> None:
    of = person(tmp_path, config, *ASKED)
    challenge = asking(of).challenge
    story.grant(of, challenge=challenge, key="t1")
    state = State(of.cwd / ".caskmcp" / "state" / "confirmations.db")
    row = state.find(challenge)
    state.close()
    assert row is not None
    grant = SignedGrant.from_json(row.answer.encode(), "grant").grant
    bound = binding(of)
    assert (grant.toolpack, grant.tool, grant.arguments, grant.lock, grant.caller) == (
        bound.toolpack, bound.tool, bound.arguments, bound.lock, bound.caller,
    )  # fmt: skip
    assert (grant.challenge, grant.verdict, grant.key) == (challenge, "grant", packs.T1.id)
    assert (grant.issued_at, grant.not_after) == (NOON, "2026-11-21T12:10:00Z")


def test_an_integer_of_any_size_is_shown_and_granted_exactly(tmp_path: Path, config: Path) -> None:
    of = person(tmp_path, config, *ASKED)
    arguments = {"order_id": 9007199254740995}
    story.grant(of, challenge=asking(of, arguments).challenge, key=None)
    assert "/orders/9007199254740995/w" in notes(of)
    assert asking(of, arguments).state == "granted"


@pytest.mark.parametrize("terminal", [True, False])
def test_anybody_may_deny_and_list(tmp_path: Path, config: Path, terminal: bool) -> None:
    of = person(tmp_path, config, terminal=terminal)
    challenge = asking(of).challenge
    listed = story.listing(of)
    row = listed.tables["challenges"][0]
    assert (row["challenge"], row["tool"], row["expires"]) == (challenge, "w", "2026-11-21T12:10:00Z")
    assert "\x1b" not in json.dumps(listed.json_value(), ensure_ascii=False)
    assert story.deny(of, challenge=challenge).exit == 0
    assert story.listing(of).lines == ("No call waits for a person.",)
    assert asking(of).state == "denied"


def test_a_denial_takes_a_grant_back(tmp_path: Path, config: Path) -> None:
    of = person(tmp_path, config, *ASKED)
    challenge = asking(of).challenge
    story.grant(of, challenge=challenge, key=None)
    story.deny(of, challenge=challenge)
    assert asking(of).state == "denied"
    with pytest.raises(CaskError) as error:
        story.deny(of, challenge=challenge)
    assert error.value.code == "CASK-R006"


def test_denying_what_is_not_there_is_an_error(tmp_path: Path, config: Path) -> None:
    with pytest.raises(CaskError) as error:
        story.deny(person(tmp_path, config), challenge="absent")
    assert error.value.code == "CASK-I010"


def edit_database(of: World, column: str, value: str) -> None:
    """What anybody can do who can write the project's files."""
    with closing(sqlite3.connect(of.cwd / ".caskmcp" / "state" / "confirmations.db")) as database, database:
        database.execute(f"UPDATE challenges SET {column} = ?", (value,))


@pytest.mark.parametrize("expires", ["2099-01-01T00:00:00Z", "never"])
def test_a_question_that_was_edited_to_stay_open_gets_an_answer_for_minutes(tmp_path: Path, config: Path, expires: str) -> None:
    of = person(tmp_path, config, *ASKED)
    challenge = asking(of).challenge
    edit_database(of, "expires", expires)
    story.grant(of, challenge=challenge, key=None)
    with pytest.raises(CaskError) as caught:
        asking(of, at="2026-11-21T12:10:01Z")
    assert caught.value.code == "CASK-R006"


@pytest.mark.parametrize(
    "content", ['{"order_id": {"$int": "seven"}}', '{"order_id": {"$int": 1.5}}', '{"order_id": {"$int": "' + "9" * 5000 + '"}}']
)
def test_arguments_that_were_edited_are_refused_and_no_bug(tmp_path: Path, config: Path, content: str) -> None:
    of = person(tmp_path, config)
    challenge = asking(of).challenge
    edit_database(of, "content", content)
    with pytest.raises(CaskError) as caught:
        story.grant(of, challenge=challenge, key=None)
    assert caught.value.code == "CASK-R006"
