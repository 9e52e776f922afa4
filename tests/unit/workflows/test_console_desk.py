"""What the console answers, without a socket: what is shown is what is signed, whatever is written into the database meanwhile, and how it ends."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import keys, pins
from caskmcp.model.statement import SignedGrant
from caskmcp.model.trust import Root
from caskmcp.ports import World
from caskmcp.runtime.commands import Binding
from caskmcp.runtime.keeper import Challenge
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import asked, confirm
from caskmcp.workflows import keys as story
from caskmcp.workflows.console import server
from caskmcp.workflows.console.desk import Desk
from caskmcp.workflows.console.door import GUESSES, Visit, session
from caskmcp.workflows.console.page import Answer
from caskmcp.workflows.person import from_agent as person_of_agent
from tests.support import packs
from tests.support.asking import ARGUMENTS, PASSPHRASE, asking, person
from tests.support.sshagent import make_key, needs_openssh, ssh_agent
from tests.support.world import NOON, FixedClock, ScriptedConsole

PORT: Final = 4711
BOUND: Final = Binding("shop", "w", str(canon.digest(ARGUMENTS)), "", "stdio")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("config") / "caskmcp"
    keys.save(LocalFiles(), folder, packs.T1, PASSPHRASE)
    pins.write(LocalFiles(), folder, packs.PIN)
    return folder


@pytest.fixture
def of(tmp_path: Path, config: Path) -> World:
    return person(tmp_path, config)


def at(of: World, key: str | None = None) -> Iterator[Desk]:
    """A console that was opened in a browser."""
    with closing(confirm.state(of)) as held:
        desk = Desk(of, held, session(PORT, of.entropy, NOON), key)
        assert desk.answer(visit(desk, f"/{desk.session.link}")).status == 303
        yield desk


@pytest.fixture
def desk(of: World) -> Iterator[Desk]:
    yield from at(of)


def visit(desk: Desk, target: str, body: str = "") -> Visit:
    own = desk.session
    headers = (("Host", f"127.0.0.1:{PORT}"), ("Cookie", f"cask_console={own.cookie}"), ("Origin", own.origin))
    return Visit("POST" if body else "GET", target, headers, body.encode())


def look(desk: Desk, rest: str = "") -> str:
    """A page of the session; what it redirects to, if it does."""
    answer = desk.answer(visit(desk, f"/{desk.session.room}/{rest}"))
    return look(desk) if answer.status == 303 else answer.body


def say(desk: Desk, verdict: str, passphrase: str = "") -> Answer:
    """Answer the question that was shown last."""
    form = list(desk.session.forms)[-1]
    return desk.answer(visit(desk, f"/{desk.session.room}/", f"form={form}&verdict={verdict}&passphrase={passphrase.replace(' ', '+')}"))


def edited(of: World, sql: str, *values: str) -> None:
    """Write into the database, as an agent with the user's shell could."""
    with closing(sqlite3.connect(of.cwd / ".caskmcp" / "state" / "confirmations.db")) as connection, connection:
        connection.execute(sql, values)


def test_the_list_names_what_waits_and_who_asked(of: World, desk: Desk) -> None:
    assert "No call waits for a person." in look(desk)
    challenge = asking(of).challenge
    listed = look(desk)
    for part in (f'href="./{challenge}"', ">w<", ">stdio<", "0 s ago"):
        assert part in listed


def test_a_grant_is_signed_for_the_call_that_was_shown_though_another_stands_in_its_row_by_then(of: World, desk: Desk) -> None:
    shown, other = asking(of).challenge, {"order_id": 666}
    assert "/orders/7/w" in look(desk, shown)
    second = asking(of, other).challenge
    edited(of, "DELETE FROM challenges WHERE id = ?", shown)
    edited(of, "UPDATE challenges SET id = ? WHERE id = ?", shown, second)
    say(desk, "grant", PASSPHRASE)
    with pytest.raises(CaskError) as error:
        asking(of, other)
    assert error.value.code == "CASK-R006"  # the signature that lies there is for order 7
    row = desk._held.find(shown)
    assert row is not None
    assert SignedGrant.from_json(row.answer.encode(), "grant").grant.arguments != row.binding.arguments


def test_a_form_answers_once(of: World, desk: Desk) -> None:
    look(desk, asking(of).challenge)
    form = list(desk.session.forms)[-1]
    assert say(desk, "deny").status == 303
    again = desk.answer(visit(desk, f"/{desk.session.room}/", f"form={form}&verdict=deny"))
    assert (again.status, "Refused: form." in again.body) == (403, True)


@pytest.mark.parametrize("verdict", ["", "allow", "_grant", "GRANT"])
def test_another_verdict_answers_nothing(of: World, desk: Desk, verdict: str) -> None:
    look(desk, asking(of).challenge)
    say(desk, verdict)
    assert "Nothing was answered." in look(desk)
    assert asking(of).state == "waiting"


def test_five_wrong_passphrases_end_the_session(of: World, desk: Desk) -> None:
    look(desk, asking(of).challenge)
    desk.session.wrong = GUESSES - 1
    assert "CASK-K002" in say(desk, "grant", "wrong").body
    assert (say(desk, "grant", PASSPHRASE).status, desk.over()) == (403, True)
    assert asking(of).state == "waiting"


def test_a_session_in_which_nothing_was_done_for_a_quarter_of_an_hour_has_ended(of: World, desk: Desk) -> None:
    desk._world = replace(of, clock=FixedClock("2026-11-21T12:15:00Z"))
    look(desk)
    desk._world = replace(of, clock=FixedClock("2026-11-21T12:30:00Z"))
    assert "No call waits" in look(desk)
    desk._world = replace(of, clock=FixedClock("2026-11-21T12:45:01Z"))
    assert "This console has ended" in look(desk)


def test_a_challenge_that_was_answered_elsewhere_is_told(of: World, desk: Desk) -> None:
    challenge = asking(of).challenge
    look(desk, challenge)
    confirm.deny(of, challenge=challenge)
    say(desk, "grant", PASSPHRASE)
    assert "CASK-R006: the challenge was answered already" in look(desk)
    assert "CASK-R006: the challenge was answered already" in look(desk, challenge)
    assert "CASK-I010: there is no such challenge" in look(desk, "absent")


def test_what_is_approved_must_not_have_changed_since_the_page_was_shown(of: World, desk: Desk) -> None:
    challenge = asking(of).challenge
    look(desk, challenge)
    packs.write(packs.approve(packs.approved_pack(), "tool:r", sequence=5), of.cwd / ".caskmcp")
    say(desk, "grant", PASSPHRASE)
    assert "what is approved has changed" in look(desk)
    assert desk.done == {"granted": 0, "denied": 0}


def test_arguments_that_somebody_swapped_are_not_shown(of: World, desk: Desk) -> None:
    challenge = asking(of).challenge
    edited(of, "UPDATE challenges SET content = ? WHERE id = ?", '{"order_id":1}', challenge)
    assert "not those of the call" in look(desk, challenge)


def test_a_challenge_s_id_that_somebody_wrote_is_no_address_elsewhere(of: World, desk: Desk) -> None:
    edited(of, "UPDATE challenges SET id = '//evil.test/' WHERE id = ?", asking(of).challenge)
    assert 'href="./%2F%2Fevil.test%2F"' in look(desk)


def test_without_a_confirmer_s_key_a_person_may_only_deny(tmp_path: Path) -> None:
    config = tmp_path / "none" / "caskmcp"
    pins.write(LocalFiles(), config, packs.PIN)
    of = person(tmp_path, config)
    for desk in at(of):
        told = look(desk, asking(of).challenge)
        assert "CASK-K004: no key here is a confirmer" in told
        assert ('value="grant"' in told, 'value="deny"' in told) == (False, True)
        say(desk, "deny")
        assert asking(of).state == "denied"


def test_a_key_that_is_no_confirmer_grants_nothing(tmp_path: Path) -> None:
    config = tmp_path / "other" / "caskmcp"
    keys.save(LocalFiles(), config, packs.U1, PASSPHRASE)
    pins.write(LocalFiles(), config, packs.PIN)
    of = person(tmp_path, config)
    for desk in at(of, "u1"):
        look(desk, asking(of).challenge)
        say(desk, "grant", PASSPHRASE)
        assert "the key u1 is no confirmer" in look(desk)
        assert asking(of).state == "waiting"


@needs_openssh
def test_a_key_that_an_ssh_agent_holds_signs_without_a_passphrase_of_ours(tmp_path: Path) -> None:
    with ssh_agent() as real:
        real.add(make_key(tmp_path / "laptop"))
        of = replace(person(tmp_path, tmp_path / "config" / "caskmcp"), environ=real.environ)
        story.new(of, name="alice", held="")
        held = keys.referred(of.files, keys.place(of.config, "alice"))
        assert held is not None
        root = packs.root(packs.T1, person_of_agent(of, held))
        files = packs.with_roots(packs.pack_files(), packs.sign.sign_root(root, packs.T1))
        packs.write(packs.approve(files, "tool:r", "tool:w", *packs.SHARED), of.cwd / ".caskmcp")
        pins.write(LocalFiles(), of.config, packs.pin_of(root))
        challenge = asking_of(of, root)
        for desk in at(of):
            told = look(desk, challenge)
            assert ("The ssh-agent signs." in told, 'type="password"' in told) == (True, False)
            say(desk, "grant")
            assert desk.done == {"granted": 1, "denied": 0}


def asking_of(of: World, root: Root) -> str:
    """A challenge of a call, under another trust root than the usual one."""
    pack = asked.pack_of(of, packs.ID, None)
    assert pack.root_version == root.version
    row = Challenge("c0ffee", replace(BOUND, lock=str(pack.lock)), canon.dump(ARGUMENTS).decode(), NOON, "2026-11-21T12:10:00Z")
    with closing(confirm.state(of)) as held:
        held.add(row)
    return row.id


def test_the_terminal_is_told_what_was_answered_and_never_the_link_or_the_passphrase(of: World, desk: Desk) -> None:
    look(desk, asking(of, ARGUMENTS).challenge)
    say(desk, "grant", PASSPHRASE)
    assert isinstance(of.console, ScriptedConsole)
    assert "The page was opened in a browser" in of.console.text
    assert "Granted: w may be called once" in of.console.text
    assert PASSPHRASE not in of.console.text
    assert desk.session.link not in of.console.text


def test_without_a_terminal_there_is_no_console(tmp_path: Path, config: Path) -> None:
    of = person(tmp_path, config, terminal=False)
    with pytest.raises(CaskError) as error:
        server.run(of, key=None, port=0, protect=lambda: None)
    assert error.value.code == "CASK-A001"
    assert isinstance(of.console, ScriptedConsole)
    assert of.console.printed == []


def test_a_key_that_is_not_there_is_named_before_anything_listens(of: World) -> None:
    with pytest.raises(CaskError) as error:
        server.run(of, key="absent", port=0, protect=lambda: None)
    assert error.value.code == "CASK-K004"


def test_a_port_that_is_taken_is_the_world_s_fault(of: World) -> None:
    with server.Server(0) as taken, pytest.raises(CaskError) as error:
        server.run(of, key=None, port=taken.server_address[1], protect=lambda: None)
    assert error.value.code == "CASK-W001"
