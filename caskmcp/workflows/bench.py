"""What the steps of `cask check` look at: each thing is read and judged once, so that all steps speak of the same bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from caskmcp.analyze.diff import diff
from caskmcp.errors import CaskError
from caskmcp.govern import admit, lockfile, offer
from caskmcp.govern.admit import Seen, Survey
from caskmcp.model.finding import Finding, Report
from caskmcp.model.pack import PackFiles
from caskmcp.model.tool import Tool
from caskmcp.model.trust import TrustPin
from caskmcp.ports import World
from caskmcp.store import project
from caskmcp.store.layout import Pack
from caskmcp.store.project import LoadedProject
from caskmcp.workflows import here, lint, places
from caskmcp.workflows.diff import sides


@dataclass(frozen=True)
class Bench:
    """One toolpack, under one condition, at one time. A property raises what reading it raises, each time that it is asked."""

    world: World
    pack: Pack
    condition: TrustPin | None
    at: str

    @cached_property
    def loaded(self) -> LoadedProject:
        """The manifest."""
        return project.load_project(self.world.files, self.world.cwd)

    @cached_property
    def artifacts(self) -> Mapping[str, bytes]:
        """Every file that lies among the artifacts, by name."""
        files = self.world.files
        return {name: files.read(self.pack.artifact(name)) for name in files.listing(self.pack.artifacts)}

    @cached_property
    def offered(self) -> PackFiles:
        """The bytes of everything that is served."""
        return offer.read(self.world.files, self.pack)

    @cached_property
    def seen(self) -> Seen:
        """Everything that is served, and the standing of each subject."""
        files = self.offered
        return admit.look(files, pin=here.pin(self.world, files.id), condition=self.condition, at=self.at)

    @property
    def survey(self) -> Survey:
        """Every subject and its standing, as far as this machine can tell."""
        return self.seen.survey

    @cached_property
    def compared(self) -> Report:
        """What `cask diff` finds."""
        return diff(sides(self.world.files, self.pack, self.survey), pinned=True)

    @cached_property
    def linted(self) -> Report:
        """What `cask lint` finds, `lint.yaml` applied. An approval that nobody can verify excuses nothing."""
        try:
            approved, known = lint.approved(self.survey), self._known()
        except CaskError:
            approved, known = frozenset(), None  # the steps on lock and signatures say why
        return lint.of_pack(self.world, self.pack, self.artifacts, approved, known)

    def _known(self) -> tuple[Tool, ...] | None:
        """The tools as the survey parsed them; None where not each of them could be, or the artifact was another when that was read."""
        tools = tuple(row.tool for row in self.survey.offer.tools if row.tool is not None)
        is_whole = len(tools) == len(self.survey.offer.tools)
        return tools if is_whole and self.offered.tools == self.artifacts.get(offer.NAMES["tools"]) else None

    @cached_property
    def _files(self) -> Mapping[str, str]:
        return places.files(self.world, self.pack)

    @cached_property
    def _subjects(self) -> Mapping[str, str]:
        return places.subjects(self.world, self.pack)

    def placed(self, row: Finding) -> Finding:
        """The finding with the file and line that a reader opens, and with a fingerprint."""
        row = row.identified()
        if row.place in ("", lockfile.NAME):
            place = self._subjects.get(row.subject, places.shown(self.world, self.pack.lock) if row.place else "")
        else:
            place = places.full(row.place, self._files)
        return row.model_copy(update={"place": place})
