"""The typed Python API: open a project, build it, judge it, admit what was approved, serve it. The commands call the same methods.

There is no method that approves, confirms or signs, and a project that was opened from Python has nobody who could be asked: that takes a
person at a terminal (`cask gate allow`). Nothing is imported before it is used, so that the commands that stand on this start fast.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caskmcp.errors import CaskError, Exit
from caskmcp.load import load
from caskmcp.ports import World

if TYPE_CHECKING:
    from caskmcp.model.finding import Report
    from caskmcp.model.pack import AdmittedPack
    from caskmcp.workflows.serve import Asked


@dataclass(frozen=True)
class Project:
    """A folder with a `cask.yaml`, or with a toolpack that was handed over. Every method raises `CaskError`, with a code and what mends it."""

    world: World
    """Its files, clock, credentials and console; `open_project` makes it of this machine's."""

    def build(
        self, *, locked: bool = False, explain: bool = False, jobs: int = 0, engine: str = "processes", out: str | None = None
    ) -> "Report":
        """Compile what is stale and nothing else. Returns the counts of steps and tools as its summary.

        locked: change nothing, and name what would change. explain: why each step ran, as the table `steps`. jobs: processes, 0 for as many as
        pay. engine: `processes` or `dask://HOST:PORT`. out: a folder for a copy of the toolpack. Raises CASK-I… for bad input.
        """
        report: Report = load("workflows.build:run")(self.world, locked=locked, explain=explain, jobs=jobs, engine=engine, out=out)
        return report

    def diff(self) -> "Report":
        """What was built against what is approved, by risk. `exit` of the report is what `cask diff` ends with."""
        report: Report = load("workflows.diff:run")(self.world)
        return report

    def lint(self, clients: tuple[str, ...] = ()) -> "Report":
        """Hygiene of what was compiled. clients: also what these take (`claude`, `openai`, `gemini`, `cursor`)."""
        report: Report = load("workflows.lint:run")(self.world, clients)
        return report

    def check(self, *, only: tuple[str, ...] = (), skip: tuple[str, ...] = (), trust_pin: str | None = None) -> "Report":
        """The one gate for CI. only, skip: names of steps. trust_pin: `sha256:ROOT[@N]`, the trust root that is accepted here."""
        report: Report = load("workflows.check:run")(self.world, only=only, skip=skip, trust_pin=trust_pin)
        return report

    def admit(self, *, environment: str | None = None, trust_pin: str | None = None) -> "AdmittedPack":
        """What may run, through the one door that `serve` takes: `tools` by name, and `withheld` with the reasons.

        environment: of the manifest. trust_pin: as for `check`. Raises CASK-L…, CASK-T… for a toolpack that is refused whole.
        """
        pack: AdmittedPack = load("workflows.serve:admitted")(self.world, environment=environment, trust_pin=trust_pin)
        return pack

    def serve(self, asked: "Asked | None" = None) -> Exit:
        """Serve the approved tools on this process's stdin and stdout, or over HTTP, until the client goes. asked: as `cask serve` is asked."""
        status: Exit = load("workflows.serve:run")(self.world, asked or load("workflows.serve:Asked")())
        return status


def open_project(folder: str | os.PathLike[str] = ".", *, root: str | None = None, toolpack: str | None = None) -> Project:
    """The project in a folder of this machine. Reads nothing yet.

    root: where its state lies, the nearest `.caskmcp` without it. toolpack: its id or path, if there are several. What happens is told to the
    logger `caskmcp`. Raises CASK-I002 where there is no such folder.
    """
    given: Mapping[str, Any] = {"root": root, "toolpack": toolpack}
    world: World = load("cli.world:build")(given)
    cwd = Path(os.path.normpath(world.cwd / folder))
    if not world.files.is_folder(cwd):
        raise CaskError("CASK-I002", "there is no such folder", place=str(cwd), mend="cask init")
    return Project(replace(world, cwd=cwd, console=load("report.logged:LoggedConsole")()))


def build(folder: str | os.PathLike[str] = ".", *, locked: bool = False, explain: bool = False) -> "Report":
    """`open_project(folder).build(…)`."""
    return open_project(folder).build(locked=locked, explain=explain)


def admit(folder: str | os.PathLike[str] = ".", *, environment: str | None = None, trust_pin: str | None = None) -> "AdmittedPack":
    """`open_project(folder).admit(…)`."""
    return open_project(folder).admit(environment=environment, trust_pin=trust_pin)


def serve(
    folder: str | os.PathLike[str] = ".",
    *,
    toolset: str | None = None,
    environment: str | None = None,
    trust_pin: str | None = None,
    twin: bool = False,
    dry_run: bool = False,
) -> Exit:
    """Serve a project's approved tools on this process's stdin and stdout until the client goes.

    toolset: serve these alone. environment: of the manifest. twin: calls go to a twin of the upstream on this machine. dry_run: requests are
    shown and not sent. Raises CASK-I010 for a toolset or an environment that is not there, and what `Project.admit` raises.
    """
    asked = load("workflows.serve:Asked")(toolset=toolset, environment=environment, trust_pin=trust_pin, twin=twin, dry_run=dry_run)
    return open_project(folder).serve(asked)
