"""A project in which a call waits for a person: the server's side of a challenge, and the world of who answers it. Real keys, a real database."""

from contextlib import closing
from pathlib import Path
from typing import Any, Final

from caskmcp import canon
from caskmcp.ports import World
from caskmcp.runtime.commands import Binding, Confirm, Standing
from caskmcp.runtime.confirm import Confirmations
from caskmcp.runtime.state import State
from caskmcp.store.layout import Pack
from caskmcp.workflows.serve import PackOnDisk
from tests.support import packs
from tests.support.world import NOON, CountingEntropy, ScriptedConsole, world

PASSPHRASE: Final = "correct horse"
ARGUMENTS: Final = {"order_id": 7, "note": "hi\x1b[31m"}
CHALLENGES: Final = CountingEntropy("challenges")


def person(tmp_path: Path, config: Path, *answers: tuple[str, str], terminal: bool = True) -> World:
    """The world of a person with a project in which `w` asks."""
    project = tmp_path / "project"
    if not project.exists():
        packs.write(packs.approved_pack(), project / ".caskmcp")
    return world(project, console=ScriptedConsole(answers, interactive=terminal), config=config)


def binding(of: World, arguments: dict[str, Any] = ARGUMENTS, tool: str = "w") -> Binding:
    """What a challenge of a call is bound to."""
    laid = Pack(of.cwd / ".caskmcp" / "toolpacks" / "shop")
    source = PackOnDisk(of, laid, packs.ID, None, None)
    return Binding("shop", tool, str(canon.digest(arguments)), str(source.admit(source.read()).lock), "stdio")


def asking(of: World, arguments: dict[str, Any] = ARGUMENTS, at: str = NOON, tool: str = "w") -> Standing:
    """The server's side: ask for a confirmation of a call."""
    with closing(State(of.cwd / ".caskmcp" / "state" / "confirmations.db")) as state:
        return Confirmations(state, CHALLENGES).standing(Confirm(binding(of, arguments, tool), arguments, {packs.T1.id: packs.T1.key}, at))
