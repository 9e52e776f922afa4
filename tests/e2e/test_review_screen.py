"""`cask gate review` as a process on a real terminal: the whole screen where one fits, prompts elsewhere, and the same lock after both."""

import shutil
from pathlib import Path

import pytest

from tests.support.terminal import CASK, Terminal, environment
from tests.unit.workflows.test_gate import Desk, built  # noqa: F401 - `built` is a fixture

PROMPT = "Allow, block, skip or quit [a/b/s/q]:"


@pytest.fixture
def desk(built: Path, tmp_path: Path) -> Desk:  # noqa: F811
    for name in ("project", "project-config"):
        shutil.copytree(built / name, tmp_path / name)
    return Desk(tmp_path)


def person(desk: Desk, *words: str, size: tuple[int, int] = (30, 100), **more: str) -> Terminal:
    env = {**environment(desk.folder, XDG_CONFIG_HOME=str(desk.folder / "project-config")), **more}
    return Terminal.spawn([*CASK, "gate", "review", *words], desk.cwd, env, size=size)


def test_keys_on_the_screen_then_the_prompts_of_gate_allow_then_a_signed_lock(desk: Desk) -> None:
    with person(desk, NO_COLOR="1") as alice:
        alice.expect("cask gate review: 8 wait, 0 to sign, 0 to block").press("a")
        alice.expect("1 to sign").press("/list_orders\r").expect("list_orders").press("b")
        alice.expect("reason to block it").press("wrong data\r")
        alice.expect("1 to block").press("\r")
        alice.expect("Passphrase for alice:").send("word").expect("Type `shop` to sign:").send("shop")
        done = alice.finish()
    assert done.exit == 0, done.transcript
    assert "signed: 1 · blocked: 1" in done.transcript
    found = desk.status()
    assert (found["auth:api.shop.example"], found["list_orders"], found["get_order"]) == ("approved", "rejected", "pending")


def test_a_narrow_terminal_gets_prompts(desk: Desk) -> None:
    with person(desk, size=(40, 20)) as alice:
        done = alice.expect(PROMPT[:18]).send("q").finish()
    assert done.exit == 0, done.transcript
    assert "Nothing was decided." in done.transcript
    assert "wait, 0 to sign" not in done.transcript
