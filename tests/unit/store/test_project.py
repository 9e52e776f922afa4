"""The manifest, its sources, the root and the toolpack are found as git finds things, and no path leaves the project."""

from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.store.files import LocalFiles
from caskmcp.store.project import (
    LoadedProject,
    SourceFile,
    expand_sources,
    find_manifest,
    find_root,
    find_toolpack,
    inside,
    load_project,
    toolpacks,
    unmatched,
)

FILES = LocalFiles()
CAPTURE = "2f" * 32


def project(folder: Path, *sources: str, files: tuple[str, ...] = ()) -> LoadedProject:
    lines = ["version: 1", "hosts: [api.example.com]"] + (["sources:"] if sources else []) + [f"  - {source}" for source in sources]
    (folder / "cask.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}", encoding="utf-8")
    return load_project(FILES, folder)


def names(loaded: LoadedProject, root: Path | None = None) -> list[str]:
    return [row.path for row in expand_sources(FILES, loaded, root or loaded.folder / ".caskmcp")]


# ---------------------------------------------------------------- the manifest
def test_the_manifest_is_found_upward_from_a_folder_below_it(tmp_path: Path) -> None:
    project(tmp_path)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    loaded = load_project(FILES, below)
    assert loaded.folder == tmp_path
    assert loaded.path == tmp_path / "cask.yaml"
    assert loaded.project.id == "api-example-com"


def test_without_a_manifest_the_mend_is_init(tmp_path: Path) -> None:
    with pytest.raises(CaskError) as caught:
        load_project(FILES, tmp_path)
    assert (caught.value.code, caught.value.mend) == ("CASK-I006", "cask init -a HOST")
    assert find_manifest(FILES, tmp_path) is None


def test_an_unknown_key_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "cask.yaml").write_text("version: 1\nhosts: [api.example.com]\nhost: x\n", encoding="utf-8")
    with pytest.raises(CaskError) as caught:
        load_project(FILES, tmp_path)
    assert (caught.value.code, caught.value.what, caught.value.place) == ("CASK-I004", "unknown key `host`", "cask.yaml:3")


def test_the_place_of_an_error_leads_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "cask.yaml").write_text("version: 1\nhosts: []\n", encoding="utf-8")
    (tmp_path / "sub").mkdir()
    with pytest.raises(CaskError) as caught:
        load_project(FILES, tmp_path / "sub")
    assert caught.value.place == "../cask.yaml:2"


def test_a_syntax_error_in_the_manifest_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "cask.yaml").write_text("version: 1\nhosts: [a\n", encoding="utf-8")
    with pytest.raises(CaskError) as caught:
        load_project(FILES, tmp_path)
    assert caught.value.code == "CASK-I003"
    assert str(caught.value.place).startswith("cask.yaml:")


# ---------------------------------------------------------------- sources
def test_a_glob_means_each_file_once_in_sorted_order(tmp_path: Path) -> None:
    loaded = project(tmp_path, "har: captures/*.har", "har: captures/b.har", files=("captures/b.har", "captures/a.har", "captures/a.txt"))
    assert names(loaded) == ["captures/a.har", "captures/b.har"]


def test_two_stars_reach_into_folders_but_not_into_hidden_ones(tmp_path: Path) -> None:
    loaded = project(tmp_path, 'har: "**/*.har"', files=("a.har", "x/y/b.har", ".git/c.har", "x/.hidden.har"))
    assert names(loaded) == ["a.har", "x/y/b.har"]


def test_a_hidden_file_is_meant_where_the_pattern_says_so(tmp_path: Path) -> None:
    loaded = project(tmp_path, "har: .traffic/*.har", files=(".traffic/a.har",))
    assert names(loaded) == [".traffic/a.har"]


def test_sources_are_sorted_by_kind_and_path_whatever_their_order_in_the_manifest(tmp_path: Path) -> None:
    loaded = project(tmp_path, "openapi: b.yaml", "har: z.har", "openapi: a.yaml", files=("a.yaml", "b.yaml", "z.har"))
    assert [(row.kind, row.path) for row in expand_sources(FILES, loaded, tmp_path)] == [
        ("har", "z.har"),
        ("openapi", "a.yaml"),
        ("openapi", "b.yaml"),
    ]


def test_a_folder_is_no_source_file(tmp_path: Path) -> None:
    loaded = project(tmp_path, "har: x.har", files=("x.har/inner.har",))
    assert names(loaded) == []


def test_a_file_with_spaces_and_letters_of_other_scripts_is_found(tmp_path: Path) -> None:
    loaded = project(tmp_path, 'har: "my traffic/ü *.har"', files=("my traffic/ü 1.har",))
    assert names(loaded) == ["my traffic/ü 1.har"]


@pytest.mark.parametrize("pattern", ["../x.har", "/etc/passwd", "a/../../x.har", "~/x.har", "captures/*/../../../x.har", "../*.har"])
def test_a_path_out_of_the_project_is_refused_with_its_line(tmp_path: Path, pattern: str) -> None:
    loaded = project(tmp_path, f'har: "{pattern}"')
    with pytest.raises(CaskError) as caught:
        names(loaded)
    assert (caught.value.code, caught.value.place) == ("CASK-I005", "cask.yaml:4")


def test_a_link_out_of_the_project_is_refused_by_name(tmp_path: Path) -> None:
    outside, inner = tmp_path / "outside.har", tmp_path / "project"
    outside.write_text("{}", encoding="utf-8")
    inner.mkdir()
    (inner / "x.har").symlink_to(outside)
    with pytest.raises(CaskError) as caught:
        names(project(inner, "har: x.har"))
    assert caught.value.code == "CASK-I005"
    assert "x.har" in caught.value.what


def test_a_linked_folder_behind_a_wildcard_is_refused_too(tmp_path: Path) -> None:
    outside, inner = tmp_path / "outside", tmp_path / "project"
    outside.mkdir()
    (outside / "x.har").write_text("{}", encoding="utf-8")
    inner.mkdir()
    (inner / "captures").mkdir()
    (inner / "captures" / "link").symlink_to(outside)
    with pytest.raises(CaskError) as caught:
        names(project(inner, "har: captures/*/x.har"))
    assert caught.value.code == "CASK-I005"


def test_a_link_within_the_project_is_followed(tmp_path: Path) -> None:
    loaded = project(tmp_path, "har: link.har", files=("real/x.har",))
    (tmp_path / "link.har").symlink_to(tmp_path / "real" / "x.har")
    assert names(loaded) == ["link.har"]


def test_a_project_that_is_reached_through_a_link_is_no_link_out(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    project(real, "har: x.har", files=("x.har",))
    (tmp_path / "alias").symlink_to(real)
    assert names(load_project(FILES, tmp_path / "alias")) == ["x.har"]


def test_a_loop_of_links_is_no_file_and_no_hang(tmp_path: Path) -> None:
    (tmp_path / "a.har").symlink_to(tmp_path / "b.har")
    (tmp_path / "b.har").symlink_to(tmp_path / "a.har")
    loaded = project(tmp_path, "har: a.har")
    assert names(loaded) == []


@pytest.mark.parametrize("pattern", ["**x/a.har", "a/b**"])
def test_two_stars_in_a_word_are_an_error_on_every_python(tmp_path: Path, pattern: str) -> None:
    loaded = project(tmp_path, f'har: "{pattern}"', files=("a.har",))
    with pytest.raises(CaskError) as caught:
        names(loaded)
    assert (caught.value.code, caught.value.place) == ("CASK-I005", "cask.yaml:4")


def test_two_stars_at_the_end_mean_the_files_below(tmp_path: Path) -> None:
    assert names(project(tmp_path, 'har: "t/**"', files=("t/a.har", "t/u/b.har"))) == ["t/a.har", "t/u/b.har"]


def test_a_capture_is_found_under_the_root(tmp_path: Path) -> None:
    loaded, root = project(tmp_path, f"capture: {CAPTURE}"), tmp_path / ".caskmcp"
    assert names(loaded, root) == []
    stored = root / "captures" / CAPTURE / "exchanges.ndjson.gz"
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"")
    assert expand_sources(FILES, loaded, root) == (SourceFile("capture", CAPTURE, stored),)


@pytest.mark.parametrize("given", ["../../etc", "2f9c", "A" * 64, "2f" * 33])
def test_a_capture_id_is_64_hexadecimal_digits(tmp_path: Path, given: str) -> None:
    with pytest.raises(CaskError) as caught:
        names(project(tmp_path, f'capture: "{given}"'))
    assert caught.value.code == "CASK-I009"


def test_entries_without_a_file_are_told_apart_but_are_no_error_yet(tmp_path: Path) -> None:
    loaded = project(tmp_path, "har: a.har", "har: captures/*.har", f"capture: {CAPTURE}", files=("a.har",))
    rows = unmatched(FILES, loaded, tmp_path / ".caskmcp")
    assert [(row.code, row.place) for row in rows] == [("CASK-C004", "cask.yaml:5"), ("CASK-C004", "cask.yaml:6")]
    assert rows[0].what == "`captures/*.har` matches no file"
    assert rows[1].what == "there is no capture 2f2f2f2f2f2f…"


def test_other_paths_of_the_manifest_are_held_inside_as_well(tmp_path: Path) -> None:
    loaded = project(tmp_path)
    assert inside(loaded, "policy.yaml", "cask.yaml:1") == tmp_path / "policy.yaml"
    for given in ("../policy.yaml", "", "/policy.yaml"):
        with pytest.raises(CaskError) as caught:
            inside(loaded, given, "cask.yaml:1")
        assert caught.value.code == "CASK-I005"


# ---------------------------------------------------------------- root
def test_the_root_is_the_nearest_one_above(tmp_path: Path) -> None:
    (tmp_path / ".caskmcp").mkdir()
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert find_root(FILES, tmp_path / "a" / "b", None) == tmp_path / ".caskmcp"


def test_a_new_root_lies_beside_the_manifest_even_below_another_root(tmp_path: Path) -> None:
    (tmp_path / ".caskmcp").mkdir()
    inner = tmp_path / "inner"
    (inner / "deep").mkdir(parents=True)
    project(inner)
    assert find_root(FILES, inner / "deep", None) == inner / ".caskmcp"


def test_without_anything_the_root_is_here(tmp_path: Path) -> None:
    assert find_root(FILES, tmp_path, None) == tmp_path / ".caskmcp"


def test_a_given_root_is_taken_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / ".caskmcp").mkdir()
    assert find_root(FILES, tmp_path, "other/../state") == tmp_path / "state"
    assert find_root(FILES, tmp_path, "/somewhere") == Path("/somewhere")


# ---------------------------------------------------------------- toolpack
def packs(root: Path, *ids: str) -> Path:
    for name in ids:
        folder = root / "toolpacks" / name
        folder.mkdir(parents=True)
        (folder / "toolpack.yaml").write_text("id: x\n", encoding="utf-8")
    return root


def test_the_only_toolpack_needs_no_name(tmp_path: Path) -> None:
    root = packs(tmp_path / ".caskmcp", "shop")
    (root / "toolpacks" / "half").mkdir()
    assert find_toolpack(FILES, root, None, cwd=tmp_path) == root / "toolpacks" / "shop"
    assert toolpacks(FILES, root) == ("shop",)


def test_several_toolpacks_are_listed_and_one_has_to_be_named(tmp_path: Path) -> None:
    root = packs(tmp_path / ".caskmcp", "shop", "admin")
    with pytest.raises(CaskError) as caught:
        find_toolpack(FILES, root, None, cwd=tmp_path)
    assert caught.value.code == "CASK-I007"
    assert caught.value.what == ".caskmcp holds several toolpacks: admin, shop"
    assert find_toolpack(FILES, root, "shop", cwd=tmp_path) == root / "toolpacks" / "shop"


def test_the_manifests_own_toolpack_comes_before_others(tmp_path: Path) -> None:
    root = packs(tmp_path / ".caskmcp", "shop", "admin")
    assert find_toolpack(FILES, root, None, cwd=tmp_path, preferred="admin") == root / "toolpacks" / "admin"


@pytest.mark.parametrize("given", [".caskmcp/toolpacks/shop/toolpack.yaml", ".caskmcp/toolpacks/shop", "./.caskmcp/toolpacks/shop/"])
def test_a_toolpack_is_named_by_its_path_as_well(tmp_path: Path, given: str) -> None:
    packs(tmp_path / ".caskmcp", "shop")
    assert find_toolpack(FILES, tmp_path / "elsewhere", given, cwd=tmp_path) == tmp_path / ".caskmcp" / "toolpacks" / "shop"


def test_no_toolpack_yet_is_mended_by_build(tmp_path: Path) -> None:
    with pytest.raises(CaskError) as caught:
        find_toolpack(FILES, tmp_path, None, cwd=tmp_path)
    assert (caught.value.code, caught.value.mend) == ("CASK-I011", "cask build")


def test_an_unknown_toolpack_names_those_that_are_here(tmp_path: Path) -> None:
    root = packs(tmp_path / ".caskmcp", "shop")
    with pytest.raises(CaskError) as caught:
        find_toolpack(FILES, root, "../../etc", cwd=tmp_path)
    assert (caught.value.code, caught.value.mend) == ("CASK-I010", "… --toolpack shop")
    assert "here are: shop" in caught.value.what
