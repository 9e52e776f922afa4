"""What the checks of `cask doctor` look at, and what they say of it. Reads; decides nothing."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from caskmcp.errors import CaskError
from caskmcp.govern import offer
from caskmcp.model.finding import Severity
from caskmcp.model.pack import PackFiles
from caskmcp.ports import Files, World
from caskmcp.store import project
from caskmcp.store.layout import Pack, Root
from caskmcp.store.project import LoadedProject
from caskmcp.workflows import here


class Wrong(NamedTuple):
    """One thing that is wrong."""

    message: str
    mend: str
    place: str = ""
    severity: Severity = Severity.REVIEW
    code: str = ""
    """Of the error that said so; empty: the check's own name."""


class Seen(NamedTuple):
    """What a check saw. `found` is empty where there was nothing to look at."""

    found: str
    wrong: tuple[Wrong, ...] = ()


@dataclass(frozen=True)
class Patient:
    """What the checks look at."""

    world: World

    @property
    def files(self) -> Files:
        """The file system."""
        return self.world.files

    @cached_property
    def root(self) -> Root:
        """The root, which need not be there."""
        return here.root(self.world)

    @cached_property
    def loaded(self) -> LoadedProject | None:
        """The project; None if there is none, or a broken one (which the check `manifest` tells)."""
        try:
            return project.load_project(self.files, self.world.cwd)
        except CaskError:
            # Told once, by the check whose business it is.
            return None

    @property
    def pack(self) -> Pack | None:
        """The chosen toolpack, the manifest's own or the only one; None if there is none. Raises CASK-I007 and CASK-I010."""
        if not project.toolpacks(self.files, self.root.path) and self.world.toolpack is None:
            return None
        own = self.loaded.project.id if self.loaded else None
        return Pack(project.find_toolpack(self.files, self.root.path, self.world.toolpack, cwd=self.world.cwd, preferred=own))

    @cached_property
    def served(self) -> PackFiles | None:
        """What the toolpack offers; None if there is none, or a broken one (which the check `toolpack` tells)."""
        try:
            return offer.read(self.files, self.pack) if self.pack else None
        except CaskError:
            # Told once, by the check whose business it is.
            return None
