"""`cask serve --twin`: the same server, whose calls go to twins of the upstreams on this machine.

Promises: every step of the gateway stays as it is; the place of every host is a twin's, and a connection to any other address or port is not made,
whatever an answer says; no credential is read, so none can leave. Who asks shows in the record and in confirmations as a caller at the twin: a
grant for a call to it is none for the real one.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from caskmcp.errors import CaskError, Exit
from caskmcp.govern import offer
from caskmcp.model.pack import AdmittedPack
from caskmcp.ports import World
from caskmcp.runtime.only import Only
from caskmcp.runtime.upstream import Upstream
from caskmcp.text import visible
from caskmcp.workflows import here, serve, twin
from caskmcp.workflows.serve import Asked
from caskmcp.workflows.twin import Running

PLACE: Final = "(twin)"
"""What stands for the environment's name in the caller's. No environment can be called so."""


@dataclass(frozen=True)
class Stage:
    """The twins of one server (`serve.Elsewhere`)."""

    twins: Mapping[str, Running]
    """By toolpack."""

    @property
    def name(self) -> str:
        """What the record calls the place."""
        return PLACE

    def instead(self, pack: AdmittedPack) -> AdmittedPack:
        """The admitted pack with its calls going to its twin."""
        return self.twins[pack.toolpack].instead(pack)

    def upstream(self) -> Upstream:
        """What sends: to the twins alone."""
        return Upstream(Only(("127.0.0.1", row.port) for row in self.twins.values()))


def run(world: World, asked: Asked) -> Exit:
    """Start the twins and serve. Raises CASK-I001 beside `--env`, and what `twin.running` and `serve.run` raise."""
    if asked.environment is not None:
        raise CaskError("CASK-I001", "`--twin` and `--env` exclude each other: each says where calls go", mend="cask serve --twin")
    with ExitStack() as stack:
        twins: dict[str, Running] = {}
        for name in asked.toolpacks or (world.toolpack,):
            of = replace(world, toolpack=name)
            pack = here.pack(of)
            twins[offer.identity(world.files, pack)] = stack.enter_context(twin.running(of, pack))
        world.console.note(visible("\n".join(_told(twins))))
        return serve.served(world, asked, Stage(twins))


def _told(twins: Mapping[str, Running]) -> Iterator[str]:
    """What the person who starts the server reads of where calls go."""
    for name, row in twins.items():
        made = "its captures" if row.source == "capture" else "its contracts: there is no capture here"
        yield f"cask: {name}: calls go to a twin on 127.0.0.1:{row.port}, made from {made}; no credential is read ({row.digest})"
