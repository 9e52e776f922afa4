"""`cask migrate`: nothing to do for what this program wrote, earlier versions step by step, newer ones refused, old places named."""

import json
from pathlib import Path
from typing import Any

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.store.formats import FORMATS, Format, Migration
from caskmcp.workflows import check, here, migrate
from tests.support import bundles, packs
from tests.support.builds import built, shop
from tests.support.bundles import tree
from tests.support.world import world

GOOD = packs.approved_pack()
PLACES = {
    "toolpacks/*/toolpack.yaml": "toolpack",
    "toolpacks/*/artifact/observations.json": "observations",
    "toolpacks/*/artifact/tools.json": "tools",
    "toolpacks/*/artifact/toolsets.yaml": "toolsets",
    "toolpacks/*/artifact/policy.yaml": "policy",
    "toolpacks/*/artifact/environments.yaml": "environments",
    "toolpacks/*/artifact/auth.yaml": "auth",
    "toolpacks/*/artifact/contracts.yaml": "contracts",
    "toolpacks/*/artifact/baseline.json": "baseline",
    "toolpacks/*/artifact/scopes.suggested.yaml": "scopes",
    "toolpacks/*/artifact/coverage.json": "coverage",
    "toolpacks/*/lockfile/caskmcp.lock.yaml": "lock",
    "toolpacks/*/lockfile/caskmcp.lock.pending.yaml": "lock-pending",
    "toolpacks/*/trust/*.root.json": "trust-root",
    "baselines/*/baseline.json": "baseline",
    "state/given.json": "given",
}


def refused(call: object) -> CaskError:
    assert callable(call)
    with pytest.raises(CaskError) as caught:
        call()
    return caught.value


# ---------------------------------------------------------------- nothing to do
@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shop(tmp_path_factory.mktemp("migrate") / "shop")
    built(folder)
    root = folder / ".caskmcp"
    bundles.laid(GOOD, root)
    (root / "baselines/storefront").mkdir(parents=True)
    (root / "baselines/storefront/baseline.json").write_bytes((root / "toolpacks/storefront/artifact/baseline.json").read_bytes())
    return folder


def test_what_this_program_wrote_needs_no_migration(project: Path) -> None:
    before = tree(project)
    report = migrate.run(world(project))
    assert (report.exit, report.lines) == (0, ("Nothing to migrate.",))
    assert report.summary["migrated"] == report.summary["of_earlier_versions"] == 0
    assert tree(project) == before


def test_every_format_of_the_table_is_looked_at(project: Path) -> None:
    """A build and a gate together write each of them."""
    assert {row.place: row.name for row in FORMATS} == PLACES
    for row in FORMATS:
        assert migrate.run(world(project), rows=(row,)).summary["looked_at"] > 0, row.place


def test_an_empty_folder_has_nothing_to_migrate_and_stays_empty(tmp_path: Path) -> None:
    assert migrate.run(world(tmp_path)).lines == ("Nothing to migrate.",)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- unknown versions
@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("artifact/tools.json", b"caskmcp/tools/1", b"caskmcp/tools/2"),
        ("artifact/policy.yaml", b"caskmcp/policy/1", b"caskmcp/policy/17"),
        ("lockfile/caskmcp.lock.yaml", b"caskmcp/lock/1", b"caskmcp/lock/9"),
        ("trust/1.root.json", b"caskmcp/trust-root/1", b"caskmcp/trust-root/2"),
        ("toolpack.yaml", b"caskmcp/toolpack/1", b"caskmcp/toolpack/0"),
        ("artifact/auth.yaml", b"caskmcp/auth/1", b"caskmcp/auth/\xc2\xb2"),
        ("artifact/toolsets.yaml", b"caskmcp/toolsets/1", b"stranger/toolsets/1"),
    ],
)
def test_a_version_that_is_not_known_is_refused_by_name_and_nothing_is_changed(
    tmp_path: Path, name: str, before: bytes, after: bytes
) -> None:
    pack = bundles.laid(GOOD, tmp_path / ".caskmcp")
    path = pack.path / name
    path.write_bytes(path.read_bytes().replace(before, after, 1))
    lay = tree(tmp_path)
    cause = refused(lambda: migrate.run(world(tmp_path)))
    assert (cause.code, cause.exit) == ("CASK-I008", 3)
    assert cause.what == f"the schema of {path.name} is `{after.decode()}`, this program reads {before.decode()}"
    assert tree(tmp_path) == lay


@pytest.mark.parametrize(("data", "code"), [(b"{", "CASK-I003"), (b"[]", "CASK-I008"), (b"{}", "CASK-I008")])
def test_a_file_that_names_no_version_is_refused(tmp_path: Path, data: bytes, code: str) -> None:
    pack = bundles.laid(GOOD, tmp_path / ".caskmcp")
    pack.artifact("tools.json").write_bytes(data)
    assert refused(lambda: migrate.run(world(tmp_path))).code == code


# ---------------------------------------------------------------- step by step
def note(value: dict[str, Any]) -> dict[str, Any]:
    """As a second version might want it: a field more."""
    return {**value, "note": "from one"}


def shout(value: dict[str, Any]) -> dict[str, Any]:
    """As a third version might want it: that field written otherwise."""
    return {**value, "note": value["note"].upper()}


THIRD = tuple(row._replace(version=3) if row.name == "auth" else row for row in FORMATS)
STEPS = (Migration("auth", 2, shout), Migration("auth", 1, note))


def test_a_file_of_an_earlier_version_becomes_the_present_one_step_by_step(tmp_path: Path) -> None:
    pack = bundles.laid(GOOD, tmp_path / ".caskmcp")
    before = tree(pack.path)
    waiting = migrate.run(world(tmp_path), dry_run=True, rows=THIRD, migrations=STEPS)
    assert (waiting.exit, waiting.summary["of_earlier_versions"], waiting.findings[0].mend) == (1, 1, "cask migrate")
    assert tree(pack.path) == before
    report = migrate.run(world(tmp_path), rows=THIRD, migrations=STEPS)
    assert report.tables["files"] == ({"file": "toolpacks/shop/artifact/auth.yaml", "from": "caskmcp/auth/1", "to": "caskmcp/auth/3"},)
    after = tree(pack.path)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"artifact/auth.yaml"}
    assert b'note: "FROM ONE"' in after["artifact/auth.yaml"]
    assert b"schema: caskmcp/auth/3" in after["artifact/auth.yaml"]
    assert migrate.run(world(tmp_path), rows=THIRD, migrations=STEPS).lines == ("Nothing to migrate.",)


def test_a_json_file_and_a_schema_below_another_key_are_migrated_too(tmp_path: Path) -> None:
    pack = bundles.laid(GOOD, tmp_path / ".caskmcp")
    rows = (Format("toolpacks/*/trust/*.root.json", "trust-root", 2, ("signed", "schema")),)
    step = Migration("trust-root", 1, lambda value: {**value, "signed": {**value["signed"], "note": "x"}})
    migrate.run(world(tmp_path), rows=rows, migrations=(step,))
    value = json.loads(pack.trust_root(1).read_bytes())
    assert (value["signed"]["schema"], value["signed"]["note"]) == ("caskmcp/trust-root/2", "x")
    assert pack.trust_root(1).read_bytes() == canon.pretty(value)


def test_a_version_without_a_way_to_the_present_one_is_refused(tmp_path: Path) -> None:
    bundles.laid(GOOD, tmp_path / ".caskmcp")
    cause = refused(lambda: migrate.run(world(tmp_path), rows=THIRD, migrations=STEPS[:1]))
    assert (cause.code, "`caskmcp/auth/1`, this program reads caskmcp/auth/3" in cause.what) == ("CASK-I008", True)


def test_nothing_is_written_where_any_file_is_refused(tmp_path: Path) -> None:
    pack = bundles.laid(GOOD, tmp_path / ".caskmcp")
    pack.lock.write_bytes(pack.lock.read_bytes().replace(b"caskmcp/lock/1", b"caskmcp/lock/2"))
    before = tree(pack.path)
    assert refused(lambda: migrate.run(world(tmp_path), rows=THIRD, migrations=STEPS)).code == "CASK-I008"
    assert tree(pack.path) == before


def test_a_migration_approves_nothing(tmp_path: Path) -> None:
    """A statement covers content: what is changed for a new version waits for a person, as any change does."""
    pack = bundles.laid(GOOD, tmp_path / ".caskmcp")

    def wider(value: dict[str, Any]) -> dict[str, Any]:
        return {**value, "hosts": {host: {**row, "from": "env:OTHER"} for host, row in value["hosts"].items()}}

    rows = (Format("toolpacks/*/artifact/auth.yaml", "auth", 2),)
    lock = pack.lock.read_bytes()
    migrate.run(world(tmp_path), rows=rows, migrations=(Migration("auth", 1, wider),))
    assert pack.lock.read_bytes() == lock
    back = pack.artifact("auth.yaml")
    back.write_bytes(back.read_bytes().replace(b"caskmcp/auth/2", b"caskmcp/auth/1"))
    found = check.run(world(tmp_path), only=("lock",))
    assert "auth:api.example.com" in {row.subject for row in found.findings}


# ---------------------------------------------------------------- places of earlier versions
EARLIER = {
    "artifacts/*": ("artifacts/shop/tools.json", "toolpacks/<id>/artifact/", "cask build"),
    "contract.yaml": ("contract.yaml", "toolpacks/<id>/artifact/contracts.yaml", "cask build"),
    "artifacts/*/contract.yaml": ("artifacts/shop/contract.yaml", "toolpacks/<id>/artifact/contracts.yaml", "cask build"),
    "captures/*.json": ("captures/2f9c.json", "captures/<id>/exchanges.ndjson.gz", "cask capture import FILE -a HOST"),
    "approvals": ("approvals/shop.yaml", "toolpacks/<id>/lockfile/caskmcp.lock.yaml", "cask gate allow --all"),
}


@pytest.mark.parametrize("place", EARLIER)
def test_what_an_earlier_version_left_is_named_with_its_new_place_and_the_command(tmp_path: Path, place: str) -> None:
    name, today, run = EARLIER[place]
    path = tmp_path / ".caskmcp" / name
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    before = tree(tmp_path)
    report = migrate.run(world(tmp_path))
    assert (report.exit, {row.code for row in report.findings}) == (1, {"CASK-S003"})
    assert any(today in row.message and row.mend == run for row in report.findings)
    assert tree(tmp_path) == before
    cause = refused(lambda: here.pack(world(tmp_path)))
    assert (cause.code, cause.exit, cause.mend) == ("CASK-I011", 3, "cask migrate")
    assert f"is {today} today" in cause.what


def test_a_root_of_today_is_none_of_an_earlier_version(project: Path) -> None:
    assert migrate.run(world(project)).findings == ()
    (project / ".caskmcp/captures/.DS_Store.json").write_text("")
    assert migrate.run(world(project)).findings == ()


def test_without_anything_the_error_says_that_nothing_was_built(tmp_path: Path) -> None:
    cause = refused(lambda: here.pack(world(tmp_path)))
    assert (cause.code, cause.what, cause.mend) == ("CASK-I011", "nothing was built yet", "cask build")
