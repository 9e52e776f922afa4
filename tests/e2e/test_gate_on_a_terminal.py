"""Keys, trust root and gate as a person types them on a terminal, and as an agent tries them without one. Real processes throughout."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.terminal import CASK, Finished, Terminal, environment, without_terminal

SPEC = Path(__file__).parents[1] / "unit" / "workflows" / "shop.yaml"
MANIFEST = "version: 1\nname: shop\nhosts: [api.shop.example]\nsources: [{openapi: shop.yaml}]\n"
PASSPHRASE = "correct horse battery"
ASK = "Passphrase for alice:"
SIGN = "Type `shop` to sign:"


class Desk:
    """A project, and one person's home."""

    def __init__(self, folder: Path, home: str = "home") -> None:
        self.folder, self.project = folder, folder / "project"
        self.home = folder / home
        self.home.mkdir(exist_ok=True)
        self.env = environment(self.home)

    def person(self, *words: str) -> Terminal:
        return Terminal.spawn([*CASK, *words], self.project, self.env)

    def pipe(self, *words: str, **env: str) -> Finished:
        return without_terminal([*CASK, *words], cwd=self.project, env={**self.env, **env})

    def statuses(self) -> dict[str, str]:
        value: dict[str, Any] = json.loads(self.pipe("gate", "status", "--format", "json").transcript)
        return {row["id"]: row["status"] for row in (*value["tools"], *value["shared"])}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built project, and alice's home with her key; the trust root is made and pinned, nothing is approved."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "project").mkdir()
    (folder / "project" / "cask.yaml").write_text(MANIFEST, encoding="utf-8")
    shutil.copy(SPEC, folder / "project")
    desk = Desk(folder)
    done = desk.pipe("build")
    assert done.exit == 0, done.errors
    return folder


@pytest.fixture
def desk(built: Path, tmp_path: Path) -> Desk:
    shutil.copytree(built / "project", tmp_path / "project")
    return Desk(tmp_path)


def make_key_and_root(desk: Desk) -> None:
    with desk.person("keys", "new", "alice") as person:
        done = person.expect(ASK).send(PASSPHRASE).expect(ASK).send(PASSPHRASE).finish()
    assert done.exit == 0, done.transcript
    with desk.person("trust", "init", "--key", "alice") as person:
        done = person.expect(ASK).send(PASSPHRASE).finish()
    assert done.exit == 0, done.transcript


@pytest.mark.feature(58)
def test_the_long_way_key_trust_root_approval(desk: Desk) -> None:
    make_key_and_root(desk)
    with desk.person("gate", "allow", "--all", "--reason", "first review") as person:
        done = person.expect(ASK).send(PASSPHRASE).expect(SIGN).send("shop").finish()
    assert done.exit == 0, done.transcript
    assert PASSPHRASE not in done.transcript
    found = desk.statuses()
    assert (found["get_order"], found["list_orders"], found["policy"]) == ("approved", "approved", "approved")


def test_the_short_way_makes_what_is_missing(desk: Desk) -> None:
    ask = "Passphrase for approver:"
    with desk.person("gate", "allow", "--all", "--reason", "first review") as person:
        done = person.expect(ask).send(PASSPHRASE).expect(ask).send(PASSPHRASE).expect(SIGN).send("shop").finish()
    assert done.exit == 0, done.transcript
    assert desk.statuses()["get_order"] == "approved"


def test_a_high_tool_asks_for_the_reason_and_a_wrong_name_signs_nothing(desk: Desk) -> None:
    make_key_and_root(desk)
    with desk.person("gate", "allow", "refund_payment", "delete_order") as person:
        done = person.expect("Reason:").send("PR 12").expect(ASK).send(PASSPHRASE).expect("Type `").send("no").finish()
    assert done.exit == 4, done.transcript
    assert "CASK-A002" in done.transcript
    assert set(desk.statuses().values()) == {"pending"}


@pytest.mark.feature(56)
@pytest.mark.parametrize(
    "words",
    [
        ("keys", "new", "mallory"),
        ("trust", "init", "--key", "alice"),
        ("trust", "init", "--replace"),
        ("trust", "pin"),
        ("trust", "pin", "--replace", "--accept-older"),
        ("trust", "edit", "--auto-narrowing", "on", "--key", "alice"),
        ("gate", "allow", "--all", "--reason", "x", "--key", "alice"),
        ("gate", "allow", "get_order"),
        ("gate", "snapshot"),
        ("gate", "review"),
        ("gate", "block", "get_order", "--key", "alice"),
    ],
)
def test_without_a_terminal_it_is_exit_4_whatever_is_said(desk: Desk, words: tuple[str, ...]) -> None:
    before = {path: path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()}
    for env in ({}, {"CI": "1", "CASK_TRUST_PIN": "sha256:" + "0" * 64}):
        done = desk.pipe(*words, **env)
        assert (done.exit, done.transcript) == (4, ""), done
        assert "CASK-A001" in done.errors
    assert {path: path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()} == before


@pytest.mark.feature(56)
@pytest.mark.parametrize("form", ['"$@" | cat', '"$@" < /dev/null', 'echo shop | "$@"', '"$@" > /dev/null'])
def test_half_a_terminal_is_none(desk: Desk, form: str) -> None:
    shell = ["/bin/sh", "-c", f"{form} 2>&1; echo done", "sh", *CASK, "gate", "allow", "--all", "--reason", "x"]
    with Terminal.spawn(shell, desk.project, desk.env) as person:
        done = person.finish()
    assert "Passphrase" not in done.transcript
    assert not (desk.project / ".caskmcp/toolpacks/shop/lockfile/caskmcp.lock.yaml").exists()


def test_d14_two_approvals_at_once_are_both_kept(desk: Desk) -> None:
    make_key_and_root(desk)
    with desk.person("gate", "allow", "get_order") as one, desk.person("gate", "allow", "list_orders") as other:
        one.expect(ASK).send(PASSPHRASE).expect(SIGN)
        other.expect(ASK).send(PASSPHRASE).expect(SIGN)
        one.send("shop")
        other.send("shop")
        assert (one.finish().exit, other.finish().exit) == (0, 0)
    found = desk.statuses()
    assert (found["get_order"], found["list_orders"]) == ("approved", "approved")


def test_gates_at_once_lose_nothing_whatever_they_do(desk: Desk) -> None:
    """Two blocks, a sync and an approval that waits for its person meanwhile: each reads and writes the lock alone."""
    make_key_and_root(desk)
    with desk.person("gate", "allow", "get_order") as person:
        person.expect(ASK).send(PASSPHRASE).expect(SIGN)
        words = (("block", "list_orders"), ("block", "refund_payment", "--reason", "not yet"), ("sync",))
        argv = ([*CASK, "gate", *each] for each in words)
        at_once = [
            subprocess.Popen(each, cwd=desk.project, env=desk.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for each in argv
        ]
        person.send("shop")
        assert person.finish().exit == 0
        for process in at_once:
            process.communicate(timeout=60)
        assert [process.returncode for process in at_once] == [0, 0, 0]
    found = desk.statuses()
    assert (found["get_order"], found["list_orders"], found["refund_payment"]) == ("approved", "rejected", "rejected")


def test_a_clone_asks_once(desk: Desk) -> None:
    make_key_and_root(desk)
    with desk.person("gate", "allow", "--all", "--reason", "first review") as person:
        person.expect(ASK).send(PASSPHRASE).expect(SIGN).send("shop").finish()
    bob = Desk(desk.folder, "bob")
    assert json.loads(bob.pipe("gate", "status", "--format", "json").transcript)["summary"]["trust"] == "unpinned"
    refused = bob.pipe("gate", "check")
    assert refused.exit == 4
    assert "cask trust pin" in refused.transcript
    root = json.loads(bob.pipe("trust", "show", "--format", "json").transcript)["summary"]["root"]
    assert root in refused.transcript
    assert bob.pipe("gate", "check", "--trust-pin", root).exit == 0
    with bob.person("trust", "pin") as person:
        done = person.finish()
    assert done.exit == 0, done.transcript
    assert root in done.transcript
    assert bob.pipe("gate", "check").exit == 0


def test_interrupting_signs_nothing(desk: Desk) -> None:
    make_key_and_root(desk)
    with desk.person("gate", "allow", "get_order") as person:
        done = person.expect(ASK).send(PASSPHRASE).expect(SIGN).interrupt().finish()
    assert done.exit == 5, done.transcript
    assert desk.statuses()["get_order"] == "pending"


def test_a_block_works_anywhere_and_an_approval_lifts_it(desk: Desk) -> None:
    make_key_and_root(desk)
    with desk.person("gate", "allow", "--all", "--reason", "first review") as person:
        person.expect(ASK).send(PASSPHRASE).expect(SIGN).send("shop").finish()
    assert desk.pipe("gate", "block", "get_order", "--reason", "wrong data").exit == 0
    assert desk.statuses()["get_order"] == "rejected"
    with desk.person("gate", "allow", "get_order") as person:
        person.expect("now rejected: blocked: wrong data").expect(ASK).send(PASSPHRASE).expect(SIGN).send("shop").finish()
    assert desk.statuses()["get_order"] == "approved"
