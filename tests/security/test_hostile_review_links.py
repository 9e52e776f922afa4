"""Links in a checkout: what a repository says of itself must not decide where else on the disk something is written, cut or removed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.ports import World
from caskmcp.runtime.commands import Binding
from caskmcp.runtime.state import State
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import capture, confirm, serve
from tests.support import packs
from tests.support.world import world


def test_the_record_of_calls_is_not_appended_to_what_a_link_leads_to(tmp_path: Path) -> None:
    """An agent chooses the name of the tool that is put on record; a shell reads the file that the link leads to."""
    profile = tmp_path / "profile"
    profile.write_bytes(b"export A=1\nexport B=2")
    (tmp_path / "decisions.jsonl").symlink_to(profile)
    with pytest.raises(CaskError) as caught:
        LocalFiles().append(tmp_path / "decisions.jsonl", b'{"tool":"$(touch owned)"}')
    assert caught.value.code == "CASK-W001"
    assert profile.read_bytes() == b"export A=1\nexport B=2"


def test_the_private_state_is_not_kept_in_what_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "confirmations.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CaskError) as caught:
        State(tmp_path / "confirmations.db").matching(Binding("shop", "r", "", "", ""), "2026-11-21T12:00:00Z")
    assert caught.value.code == "CASK-W001"
    assert not (tmp_path / "elsewhere").exists()


COMMANDS: list[tuple[str, Callable[[World], object]]] = [
    ("captures", lambda of: capture.forget(of, capture="vict")),
    ("captures", capture.listing),
    ("state", confirm.listing),
    ("state/audit", lambda of: serve.run(of, serve.Asked())),
]


@pytest.mark.parametrize(("folder", "command"), COMMANDS)
def test_no_command_works_in_a_folder_that_a_link_puts_outside_of_the_root(
    tmp_path: Path, folder: str, command: Callable[[World], object]
) -> None:
    packs.write(packs.approved_pack(), tmp_path / "project" / ".caskmcp")
    outside = tmp_path / "outside"
    (outside / "victim").mkdir(parents=True)
    link = tmp_path / "project" / ".caskmcp" / folder
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside)
    with pytest.raises(CaskError) as caught:
        command(world(tmp_path / "project"))
    assert caught.value.code == "CASK-I005"
    assert [path.name for path in outside.iterdir()] == ["victim"]
