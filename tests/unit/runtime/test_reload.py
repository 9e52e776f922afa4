"""The surface follows the files: a change is noticed before the next call, garbage empties it, and the door is asked once a change."""

import shutil
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from caskmcp.errors import CaskError
from caskmcp.model.pack import AdmittedPack, PackFiles
from caskmcp.runtime.reload import Live
from caskmcp.runtime.surface import Surface
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack
from caskmcp.workflows.serve import PackOnDisk
from tests.support import packs
from tests.support.calls import GET_ORDER, pack
from tests.support.world import world

FILES = PackFiles("shop", b"1", b"", b"", b"", b"", None, ())


@dataclass
class Source:
    """A toolpack whose stat and content are set by hand."""

    stamped: Hashable = 1
    content: PackFiles | CaskError = FILES
    door: AdmittedPack | CaskError = field(default_factory=lambda: pack(GET_ORDER))
    admitted: int = 0
    ending: tuple[str, ...] = ()
    at: str = "2026-11-21T12:00:00Z"

    def ends(self, files: PackFiles) -> tuple[str, ...]:
        return self.ending

    def now(self) -> str:
        return self.at

    def stamp(self) -> Hashable:
        return self.stamped

    def read(self) -> PackFiles:
        if isinstance(self.content, CaskError):
            raise self.content
        return self.content

    def anchor(self) -> object:
        return "the pin"

    def admit(self, files: PackFiles) -> AdmittedPack:
        self.admitted += 1
        if isinstance(self.door, CaskError):
            raise self.door
        return self.door


def names(surface: Surface) -> list[str]:
    return [row.admitted.tool.name for row in surface.listed]


def after(source: Source, change: Callable[[], None]) -> tuple[Surface, list[tuple[list[str], list[str]]]]:
    told: list[tuple[list[str], list[str]]] = []

    async def changed(before: Surface, now: Surface) -> None:
        told.append((names(before), names(now)))

    async def run() -> Surface:
        live = Live(source, None, changed)
        live.start()
        live._doubt = 0
        change()
        return await live.fresh()

    return anyio.run(run), told


def test_nothing_is_read_again_while_nothing_changes() -> None:
    source = Source()
    surface, told = after(source, lambda: None)
    assert (names(surface), told, source.admitted) == (["get_order"], [], 1)


def test_a_change_is_admitted_and_told() -> None:
    source = Source()

    def change() -> None:
        source.stamped, source.content, source.door = 2, PackFiles("shop", b"2", b"", b"", b"", b"", None, ()), pack()

    surface, told = after(source, change)
    assert (names(surface), told) == ([], [(["get_order"], [])])


def test_a_touched_file_with_the_same_content_is_not_admitted_again() -> None:
    source = Source()
    surface, told = after(source, lambda: setattr(source, "stamped", 2))
    assert (names(surface), told, source.admitted) == (["get_order"], [], 1)


@pytest.mark.parametrize("place", ["content", "door"])
def test_what_cannot_be_read_or_admitted_empties_the_surface(place: str) -> None:
    source = Source()

    def change() -> None:
        source.stamped = 2
        setattr(source, place, CaskError("CASK-L002", "damaged"))
        if place == "door":
            source.content = PackFiles("shop", b"2", b"", b"", b"", b"", None, ())

    surface, told = after(source, change)
    assert names(surface) == []
    assert surface.pack is None
    assert surface.reason == "CASK-L002 damaged"
    assert told == [(["get_order"], [])]


def test_just_after_a_change_content_is_compared_even_if_the_stat_says_nothing() -> None:
    source = Source()

    async def changed(_: Surface, __: Surface) -> None:
        return

    async def run() -> Surface:
        live = Live(source, None, changed)
        live.start()
        source.content, source.door = PackFiles("shop", b"2", b"", b"", b"", b"", None, ()), pack()
        return await live.fresh()

    assert names(anyio.run(run)) == []


def test_the_watcher_notices_without_a_call() -> None:
    source = Source()
    told: list[list[str]] = []

    async def changed(_: Surface, now: Surface) -> None:
        told.append(names(now))

    async def run() -> None:
        live = Live(source, None, changed)
        live.start()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(live.watch)
            source.stamped, source.content = 2, CaskError("CASK-I002", "gone")
            with anyio.fail_after(3):
                while not told:
                    await anyio.sleep(0.05)
            tasks.cancel_scope.cancel()

    anyio.run(run)
    assert told == [[]]


def test_a_pack_that_is_refused_at_the_start_is_an_error() -> None:
    async def changed(_: Surface, __: Surface) -> None:
        return

    async def run() -> None:
        Live(Source(door=CaskError("CASK-T001", "not pinned")), None, changed).start()

    with pytest.raises(CaskError) as error:
        anyio.run(run)
    assert error.value.code == "CASK-T001"


@pytest.mark.parametrize(
    ("ending", "later", "admitted"),
    [
        (("2026-11-21T12:30:00Z",), "2026-11-21T12:29:59Z", 1),
        (("2026-11-21T12:30:00Z",), "2026-11-21T12:30:00Z", 1),
        (("2026-11-21T12:30:00Z",), "2026-11-21T12:30:01Z", 2),
        (("2026-11-21T11:00:00Z",), "2026-11-21T23:00:00Z", 1),
        (("2026-11-21T11:00:00Z", "2026-11-21T13:00:00Z"), "2026-11-21T13:00:01Z", 2),
    ],
)
def test_an_approval_that_ends_while_it_is_served_is_judged_again(ending: tuple[str, ...], later: str, admitted: int) -> None:
    source = Source(ending=ending)

    def change() -> None:
        source.at = later

    after(source, change)
    assert source.admitted == admitted


# ---------------------------------------------------------------- the stamp of a real pack
def on_disk(tmp_path: Path) -> tuple[PackOnDisk, Pack]:
    laid = packs.write(packs.approved_pack(), tmp_path / "project" / ".caskmcp")
    return PackOnDisk(world(tmp_path / "project"), laid, packs.ID, None, None), laid


def every_file(laid: Pack) -> list[Path]:
    return [
        laid.lock,
        laid.toolpack,
        laid.trust_root(1),
        *(laid.artifact(name) for name in ("tools.json", "toolsets.yaml", "policy.yaml", "environments.yaml", "auth.yaml")),
    ]


def test_each_served_file_is_in_the_stamp(tmp_path: Path) -> None:
    source, laid = on_disk(tmp_path)
    for path in every_file(laid):
        before = source.stamp()
        path.write_bytes(path.read_bytes() + b"\n")
        assert source.stamp() != before, path.name
        before = source.stamp()
        path.unlink()
        assert source.stamp() != before, path.name


def test_a_new_version_of_the_trust_root_is_in_the_stamp_and_its_edits_are(tmp_path: Path) -> None:
    source, laid = on_disk(tmp_path)
    before = source.stamp()
    laid.trust_root(2).write_bytes(b"{}")
    second = source.stamp()
    assert second != before
    laid.trust_root(2).write_bytes(b"{ }")
    assert source.stamp() != second
    laid.trust_root(2).unlink()
    assert source.stamp() not in (before, second)  # the folder is another one than it was


def test_the_folder_of_trust_roots_is_listed_only_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = []
    real = LocalFiles.listing

    def counted(files: LocalFiles, folder: Path) -> list[str]:
        listed.append(folder)
        return list(real(files, folder))

    monkeypatch.setattr(LocalFiles, "listing", counted)
    source, laid = on_disk(tmp_path)
    assert source.stamp() == source.stamp() == source.stamp()
    assert len(listed) == 1
    laid.trust_root(2).write_bytes(b"{}")
    assert source.stamp() == source.stamp()
    assert len(listed) == 2


def test_an_unserved_file_is_not(tmp_path: Path) -> None:
    source, laid = on_disk(tmp_path)
    before = source.stamp()
    laid.artifact("coverage.json").write_text("{}")
    laid.pending.write_text("x")
    assert source.stamp() == before


def test_a_pack_that_is_gone_has_a_stamp_of_its_own(tmp_path: Path) -> None:
    source, laid = on_disk(tmp_path)
    before = source.stamp()
    shutil.rmtree(laid.path)
    assert source.stamp() != before


def test_a_pack_that_becomes_another_one_is_refused(tmp_path: Path) -> None:
    source, _ = on_disk(tmp_path)
    files = source.read()
    with pytest.raises(CaskError) as error:
        source.admit(
            PackFiles("other", *(getattr(files, name) for name in ("tools", "toolsets", "policy", "environments", "auth", "lock", "roots")))
        )
    assert error.value.code == "CASK-L002"


def test_the_ends_of_a_pack_are_those_of_its_statements_and_of_its_trust_root(tmp_path: Path) -> None:
    source, _ = on_disk(tmp_path)
    assert source.ends(source.read()) == ()
    files = packs.approve(packs.approved_pack(), "tool:r", sequence=2, not_after="2026-12-01T00:00:00Z")
    files = packs.approve(files, "tool:w", sequence=3, not_after="2026-11-25T00:00:00Z")
    assert source.ends(files) == ("2026-11-25T00:00:00Z", "2026-12-01T00:00:00Z")
    assert source.ends(PackFiles("shop", b"", b"", b"", b"", b"", b"garbage: [", ())) == ()
