"""`cask trust edit`: what a person sees before a new version is signed, who may sign it, and what lies there until enough did."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.govern import content, offer, pins, sign
from caskmcp.govern import keys as private
from caskmcp.model.finding import Report
from caskmcp.model.trust import Root, SignedRoot
from caskmcp.ports import World
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import amend, block, check, doctor, gate, trust
from caskmcp.workflows.amend import Asked
from tests.support import packs
from tests.support.world import NOON, ScriptedConsole, world

ALICE, BOB, CAROL = (packs.signer(name) for name in ("alice", "bob", "carol"))
NAME = ("Type `shop` to sign:", "shop")
ROOT = packs.root(ALICE)
PAIR = packs.root(ALICE, BOB, threshold=2)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everybody's private keys; each person takes a copy of their own."""
    folder = tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(private, "ROUNDS", 1)  # a passphrase that is written down here needs no protection
        for by in (ALICE, BOB, CAROL):
            private.save(LocalFiles(), folder, by, "word")
    return folder


class Team:
    """One project, and people with a configuration folder each."""

    def __init__(self, folder: Path, sealed: Path, first: SignedRoot) -> None:
        self.folder, self.sealed = folder, sealed
        files = packs.with_roots(packs.pack_files((packs.R, packs.C)), first)
        files = packs.approve(files, "tool:r", "tool:c", *packs.SHARED, by=ALICE)
        self.pack = packs.write(files, folder / "project" / ".caskmcp")
        self.first = first.signed

    def person(self, who: str, *answers: tuple[str, str], keys: tuple[str, ...] | None = None, interactive: bool = True) -> World:
        here = world(
            self.folder / "project", console=ScriptedConsole(answers, interactive=interactive), config=self.folder / who / "caskmcp"
        )
        for key in (who,) if keys is None else keys:
            for name in (key, f"{key}.pub"):
                here.files.write(here.config / "keys" / name, (self.sealed / "keys" / name).read_bytes(), private=True)
        if not pins.stored(here.files, here.config, "shop"):
            pins.write(here.files, here.config, packs.pin_of(self.first))
        return here

    def trust(self) -> list[str]:
        return sorted(path.name for path in self.pack.trust.iterdir())


@pytest.fixture
def alone(tmp_path: Path, sealed: Path) -> Team:
    return Team(tmp_path, sealed, sign.sign_root(ROOT, ALICE))


@pytest.fixture
def pair(tmp_path: Path, sealed: Path) -> Team:
    return Team(tmp_path, sealed, sign.sign_root(PAIR, ALICE, BOB))


def word(who: str) -> tuple[str, str]:
    return (f"Passphrase for {who}:", "word")


def run(here: World, asked: Asked = Asked(), *, key: str | None = None, sign: bool = False, discard: bool = False) -> Report:  # noqa: B008
    return amend.run(here, asked, key=key, sign=sign, discard=discard)


def refused(here: World, asked: Asked = Asked(), **more: object) -> CaskError:  # noqa: B008
    with pytest.raises(CaskError) as caught:
        run(here, asked, **more)  # type: ignore[arg-type]
    return caught.value


def notes(here: World) -> str:
    assert isinstance(here.console, ScriptedConsole)
    return here.console.text


CRITICAL = Asked(add=("bob.pub",), tiers="critical", threshold=2)


def with_bobs_key(team: Team) -> None:
    (team.folder / "project" / "bob.pub").write_bytes((team.sealed / "keys" / "bob.pub").read_bytes())


# ---------------------------------------------------------------- one person
def test_the_change_and_what_it_means_are_shown_before_anything_is_signed(alone: Team) -> None:
    with_bobs_key(alone)
    here = alone.person("alice", word("alice"), NAME)
    report = run(here, CRITICAL)
    assert alone.trust() == ["1.root.json", "2.root.json"]
    assert (report.summary["version"], report.summary["signed_by"]) == (2, ["alice"])
    assert notes(here).splitlines() == [
        f"Version 2 of the trust root of shop, made at {NOON}:",
        "  + approver of critical: 2 of alice, bob",
        f"  + bob is {BOB.id} (ed25519)",
        "What it means:",
        "  auth:api.example.com: approved -> pending (1 of 2 signatures)",
        "  env:local: approved -> pending (1 of 2 signatures)",
        "  policy: approved -> pending (1 of 2 signatures)",
        "  c: approved -> pending (1 of 2 signatures)",
        "It needs 1 signature of alice; it has 0.",
    ]
    pin = pins.stored(here.files, here.config, "shop")
    assert pin is not None
    assert pin.root_version == 2


def test_the_door_judges_by_the_new_version_what_was_foretold(alone: Team) -> None:
    with_bobs_key(alone)
    run(alone.person("alice", word("alice"), NAME), CRITICAL)
    report = gate.status(alone.person("alice"))
    assert [(row["id"], row["status"], row["approved_by"]) for row in report.tables["tools"]] == [
        ("c", "pending", ["alice"]),
        ("r", "approved", ["alice"]),
    ]
    assert {row.subject: row.message for row in report.findings}["tool:c"] == "1 of 2 signatures"


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ((("Passphrase for alice:", "ward"),), "CASK-K002"),
        ((word("alice"), ("Type `shop` to sign:", "shops")), "CASK-A002"),
    ],
)
def test_a_wrong_answer_writes_nothing(alone: Team, answers: tuple[tuple[str, str], ...], code: str) -> None:
    assert refused(alone.person("alice", *answers), Asked(expires="365d")).code == code
    assert alone.trust() == ["1.root.json"]


@pytest.mark.parametrize("asked", [Asked(expires="365d"), Asked()])
@pytest.mark.parametrize("more", [{}, {"sign": True}, {"discard": True}])
def test_without_a_terminal_it_is_refused_whatever_else_is_said(alone: Team, asked: Asked, more: dict[str, bool]) -> None:
    assert refused(alone.person("alice", interactive=False), asked, **more).code == "CASK-A001"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Asked(), "CASK-I001"),
        (Asked(expires="soon"), "CASK-I001"),
        (Asked(tiers="cheap", threshold=1), "CASK-I001"),
        (Asked(add=("nobody",), roles=("root",)), "CASK-K004"),
        (Asked(add=("cask.yaml",), roles=("root",)), "CASK-K002"),
        (Asked(add=("empty.json",), roles=("root",)), "CASK-I004"),
        (Asked(roles=("root",), threshold=2), "CASK-T010"),
        (Asked(file="nowhere.yaml"), "CASK-I002"),
        (Asked(file="cask.yaml", expires="365d"), "CASK-I001"),
        (Asked(toolsets=("suport",), roles=("approver",), threshold=1), "CASK-I010"),
    ],
)
def test_what_cannot_be_done_is_said_before_a_passphrase_is_asked_for(alone: Team, asked: Asked, code: str) -> None:
    (alone.folder / "project" / "cask.yaml").write_text("version: 1\n")
    (alone.folder / "project" / "empty.json").write_text("{}")
    assert refused(alone.person("alice"), asked).code == code
    assert alone.trust() == ["1.root.json"]


def test_a_row_for_a_declared_toolset_is_made(alone: Team) -> None:
    with_bobs_key(alone)
    run(alone.person("alice", word("alice"), NAME), Asked(add=("bob.pub=robert",), toolsets=("support",)))
    rows = trust.show(alone.person("alice")).tables["roles"]
    assert rows[1] == {
        "role": "approver",
        "threshold": 1,
        "keys": ["alice", "robert"],
        "tiers": ["safe", "low", "medium", "high", "critical"],
        "toolsets": ["support"],
    }


def test_a_file_that_show_wrote_is_edited_and_taken(alone: Team) -> None:
    trust.show(alone.person("alice"), out="roles.yaml")
    path = alone.folder / "project" / "roles.yaml"
    path.write_text(path.read_text().replace("auto_narrowing: false", "auto_narrowing: true"))
    run(alone.person("alice", word("alice"), NAME), Asked(file="roles.yaml"))
    assert trust.show(alone.person("alice")).summary["auto_narrowing"] == "on"


def test_somebody_whose_key_is_not_in_the_root_role_signs_nothing(alone: Team) -> None:
    assert refused(alone.person("carol"), Asked(expires="365d")).code == "CASK-K002"
    named = refused(alone.person("carol", word("carol")), Asked(expires="365d"), key="carol")
    assert named.what == "the key carol does not count in the root role of version 1; nothing was signed"
    assert alone.trust() == ["1.root.json"]


def test_a_machine_that_did_not_accept_the_root_cannot_change_it(alone: Team) -> None:
    here = alone.person("alice")
    pins.place(here.config, "shop").unlink()
    assert refused(here, Asked(expires="365d")).code == "CASK-T001"


def test_the_next_version_mends_an_expired_one(tmp_path: Path, sealed: Path) -> None:
    team = Team(tmp_path, sealed, sign.sign_root(packs.root(ALICE, expires="2026-11-21T11:00:00Z"), ALICE))
    run(team.person("alice", word("alice"), NAME), Asked(expires="365d"))
    assert trust.show(team.person("alice")).summary["expires"] == "2027-11-21T12:00:00Z"


def test_an_end_within_a_month_is_shown_as_advice(tmp_path: Path, sealed: Path) -> None:
    team = Team(tmp_path, sealed, sign.sign_root(packs.root(ALICE, expires="2026-12-01T00:00:00Z"), ALICE))
    at = team.person("alice")
    (finding,) = trust.show(at).findings
    told = "version 1 of the trust root ends at 2026-12-01T00:00:00Z; after that nothing is served"
    assert gate.status(at).lines == (f"Soon: {told}.",)
    signatures = check.run(at, only=("signatures",))
    assert (signatures.exit, [row.message for row in signatures.findings]) == (0, [told])
    assert [(row.message, row.severity) for row in doctor.run(at).findings if row.code == "CASK-T008"] == [(told, "review")]
    assert (finding.code, finding.severity, finding.mend) == ("CASK-T008", "info", "cask trust edit --expires 365d")


def test_what_turning_narrowing_on_lets_through_is_shown_before(alone: Team) -> None:
    """The contents are read for that although the present version does not let them count."""
    less = packs.R.model_copy(update={"response": packs.R.response.model_copy(update={"max_bytes": 10})})
    files = offer.read(LocalFiles(), alone.pack)
    for each in offer.parse(files).contents.values():
        content.keep(LocalFiles(), alone.pack, each)
    packs.write(replace(packs.pack_files((less, packs.C)), lock=files.lock, roots=files.roots), alone.folder / "project" / ".caskmcp")
    assert [row["status"] for row in gate.status(alone.person("alice")).tables["tools"]] == ["approved", "pending"]
    here = alone.person("alice", word("alice"), NAME)
    run(here, Asked(auto_narrowing=True))
    assert "  r: pending -> approved" in notes(here).splitlines()
    row = gate.status(alone.person("alice")).tables["tools"][1]
    assert (row["status"], row["why"]) == ("approved", f"narrowed from {offer.parse(files).tools[1].digest}")
    alone.pack.content(offer.parse(files).tools[1].digest).write_bytes(b"{}")
    assert gate.status(alone.person("alice")).tables["tools"][1]["status"] == "pending"


def test_an_approval_that_a_renamed_tool_carries_on_is_not_dropped_as_that_of_a_vanished_one(tmp_path: Path, sealed: Path) -> None:
    first = ROOT.model_copy(update={"auto_narrowing": True})
    team = Team(tmp_path, sealed, sign.sign_root(first, ALICE))
    files = packs.approve(
        packs.with_roots(packs.pack_files((packs.R, packs.C), declared={}), sign.sign_root(first, ALICE)), "tool:r", by=ALICE
    )
    for each in offer.parse(files).contents.values():
        content.keep(LocalFiles(), team.pack, each)
    other = packs.R.model_copy(update={"name": "get_order"})
    packs.write(replace(packs.pack_files((other,), declared={}), lock=files.lock, roots=files.roots), tmp_path / "project" / ".caskmcp")
    at = team.person("alice")
    assert block.sync(at).summary["dropped"] == 0
    assert [row["status"] for row in gate.status(at).tables["tools"]] == ["approved"]
    packs.write(packs.pack_files((packs.X,), declared={}), tmp_path / "project" / ".caskmcp")
    assert block.sync(at).summary["dropped"] == 1


# ---------------------------------------------------------------- several people
def test_a_version_waits_for_the_second_person_and_counts_for_nothing_until_then(pair: Team) -> None:
    first = run(pair.person("alice", word("alice"), NAME), Asked(expires="365d"))
    assert pair.trust() == ["1.root.json", "2.root.pending.json"]
    assert (first.summary["signatures"], first.summary["of"]) == (1, 2)
    shown = trust.show(pair.person("bob"))
    assert (shown.summary["version"], shown.summary["expires"]) == (1, None)
    assert shown.tables["pending"] == (
        {"version": 2, "signatures": "1 of 2", "signed_by": ["alice"], "changes": ["- expires: never", "+ expires: 2027-11-21T12:00:00Z"]},
    )
    bob = pair.person("bob", word("bob"), NAME)
    run(bob, sign=True)
    assert "it has 1 (alice)" in notes(bob)
    assert "+ expires: 2027-11-21T12:00:00Z" in notes(bob)
    assert pair.trust() == ["1.root.json", "2.root.json"]
    assert trust.show(pair.person("alice")).summary["version"] == 2


def test_one_person_with_two_commands_is_still_one_person(pair: Team) -> None:
    run(pair.person("alice", word("alice"), NAME), Asked(expires="365d"))
    assert refused(pair.person("alice"), sign=True, key="alice").code == "CASK-T009"
    assert refused(pair.person("alice"), sign=True).code == "CASK-K002"
    assert pair.trust() == ["1.root.json", "2.root.pending.json"]


def test_another_change_waits_until_the_first_is_signed_or_taken_away(pair: Team) -> None:
    run(pair.person("alice", word("alice"), NAME), Asked(expires="365d"))
    again = refused(pair.person("bob"), Asked(auto_narrowing=True))
    assert (again.code, again.mend) == ("CASK-T009", "cask trust edit --sign")
    assert run(pair.person("bob"), discard=True).summary["discarded"] == 1
    assert pair.trust() == ["1.root.json"]


def test_a_pending_version_that_was_edited_is_signed_by_nobody(pair: Team) -> None:
    run(pair.person("alice", word("alice"), NAME), Asked(expires="365d"))
    path = pair.pack.trust_pending(2)
    value = json.loads(path.read_bytes())
    value["signed"]["auto_narrowing"] = True
    path.write_text(json.dumps(value))
    error = refused(pair.person("bob"), sign=True)
    assert (error.code, error.mend) == ("CASK-T009", "cask trust edit --discard")
    assert trust.show(pair.person("bob")).findings[0].code == "CASK-T009"


def test_a_pending_version_whose_base_changed_is_refused(pair: Team) -> None:
    run(pair.person("alice", word("alice"), NAME), Asked(expires="365d"))
    other = PAIR.model_copy(update={"expires": "2028-01-01T00:00:00Z"})
    replaced: Root = other
    pair.pack.trust_root(1).write_bytes(packs.root_bytes(sign.sign_root(replaced, ALICE, BOB)))
    here = pair.person("bob")
    pins.write(here.files, here.config, packs.pin_of(replaced))
    assert "made upon another version 1" in refused(here, sign=True).what


def test_what_a_cut_of_the_power_leaves_behind_is_read_by_nobody(pair: Team) -> None:
    run(pair.person("alice", word("alice"), NAME), Asked(expires="365d"))
    left = pair.pack.trust_pending(2).read_bytes()
    run(pair.person("bob", word("bob"), NAME), sign=True)
    pair.pack.trust_pending(2).write_bytes(left)
    assert refused(pair.person("bob"), sign=True).what == "no version of the trust root waits for a signature"
    assert trust.show(pair.person("bob")).tables["pending"] == ()


def test_a_root_that_changed_while_the_passphrase_was_asked_for_is_not_written_over(alone: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    here = alone.person("alice", word("alice"), NAME)
    other = packs.root_bytes(sign.sign_root(packs.root(ALICE, version=2), ALICE))
    meanwhile(monkeypatch, lambda: alone.pack.trust_root(2).write_bytes(other))
    assert refused(here, Asked(expires="365d")).code == "CASK-T009"
    assert alone.pack.trust_root(2).read_bytes() == other


def meanwhile(patch: pytest.MonkeyPatch, event: Callable[[], object]) -> None:
    """Something that happens once, while a passphrase is asked for."""
    asked, events = amend.person.open_key, [event]

    def slowly(at: World, name: str) -> sign.Signer:
        while events:
            events.pop()()
        return asked(at, name)

    patch.setattr(amend.person, "open_key", slowly)


def test_two_people_who_sign_at_once_lose_no_signature(tmp_path: Path, sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    team = Team(tmp_path, sealed, sign.sign_root(packs.root(ALICE, BOB, CAROL, threshold=3), ALICE, BOB, CAROL))
    run(team.person("alice", word("alice"), NAME), Asked(expires="365d"))
    meanwhile(monkeypatch, lambda: run(team.person("carol", word("carol"), NAME), sign=True))
    report = run(team.person("bob", word("bob"), NAME), sign=True)
    assert (report.summary["signed_by"], team.trust()) == (["alice", "bob", "carol"], ["1.root.json", "2.root.json"])


def test_another_version_that_waits_meanwhile_is_not_written_over(pair: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: run(pair.person("bob", word("bob"), NAME), Asked(auto_narrowing=True)))
    assert refused(pair.person("alice", word("alice"), NAME), Asked(expires="365d")).code == "CASK-T009"
    assert trust.show(pair.person("alice")).tables["pending"][0]["signed_by"] == ["bob"]


def test_several_keys_of_one_person_have_to_be_told_apart(pair: Team) -> None:
    both = pair.person("alice", keys=("alice", "bob"))
    assert refused(both, Asked(expires="365d")).code == "CASK-I001"
