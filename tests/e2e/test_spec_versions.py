"""Documents of every version, as a person brings them in: import, build, and every constraint stands in the tool or is named."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.workflows import build, capture, mint
from tests.support.specs import DOCUMENTS, Made, Planted, places
from tests.support.world import world

SCALES = {"styles": 11, "formats": 5}
"""Operations of the documents in which each operation is of another form; 3 of the others."""
TEXT = {"maxItems": "`items` is not checked"}
"""What a path's text is not held to, and how that is noted."""


@pytest.fixture(scope="module")
def made() -> dict[str, Made]:
    return {name: make(SCALES.get(name, 3)) for name, (make, _) in DOCUMENTS.items()}


@pytest.fixture(scope="module")
def artifacts(made: dict[str, Made], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("versions")
    (folder / "project").mkdir()
    mains = []
    for name, document in made.items():
        for file, data in document.parts().items():
            path = folder / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        mains.append(str(folder / name / next(iter(document.files))))
    mint.run(world(folder / "project"), sources=tuple(mains), hosts=("api.example.com",), name="all")
    return folder / "project" / ".caskmcp" / "toolpacks" / "all" / "artifact"


@pytest.fixture(scope="module")
def tools(artifacts: Path) -> dict[str, Any]:
    return {tool["name"]: tool for tool in json.loads((artifacts / "tools.json").read_bytes())["tools"]}


@pytest.fixture(scope="module")
def notes(artifacts: Path) -> dict[str, str]:
    rows = json.loads((artifacts / "coverage.json").read_bytes())["operations"]
    return {row["tool"]: " ".join(row.get("notes", ())) for row in rows.values() if row.get("tool")}


def argument(planted: Planted) -> tuple[str, ...]:
    """Where a constraint stands in the flat arguments: fields of a body stand beside the parameters."""
    where, _, name = planted.path[0].partition(" ")
    return planted.path[1:] if where == "body" else (name, *planted.path[1:])


@pytest.mark.feature(4)
@pytest.mark.feature(5)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_constraint_reaches_the_tool_or_is_noted(
    name: str, made: dict[str, Made], tools: dict[str, Any], notes: dict[str, str]
) -> None:
    assert made[name].planted
    for planted in made[name].planted:
        schema = tools[planted.operation]["input_schema"]
        found = [row[planted.keyword] for row in places(schema, argument(planted), schema) if planted.keyword in row]
        noted = planted.path[0].startswith("path ") and TEXT.get(planted.keyword, "no") in notes[planted.operation]
        assert noted or planted.value in found or (planted.keyword == "required" and set(planted.value) <= set(found[0])), planted


@pytest.mark.feature(5)
def test_every_operation_is_a_tool_or_left_out_by_name(made: dict[str, Made], tools: dict[str, Any], artifacts: Path) -> None:
    wanted = {name for document in made.values() for name in document.operations}
    copies = {name for name in wanted if name.startswith("copy_op_")}
    assert set(tools) == wanted - copies
    coverage = json.loads((artifacts / "coverage.json").read_bytes())["operations"]
    assert {name: row["reason"] for name, row in coverage.items() if "reason" in row} == {
        f"COPY api.example.com/v1/items{index}": "its method is never offered" for index in range(len(copies))
    }


@pytest.mark.feature(5)
def test_a_query_with_a_body_is_sent_as_such(tools: dict[str, Any]) -> None:
    plan = tools["search_op_0"]["request"]
    assert (plan["method"], [row["wire"] for row in plan["query"]], plan["body"]["media"]) == ("QUERY", ["page"], "application/json")


def test_a_discriminator_means_what_it_says(tools: dict[str, Any]) -> None:
    branches = tools["animal_op_0"]["input_schema"]["properties"]["pet"]["oneOf"]
    assert branches == [
        {
            "allOf": [
                {"$ref": f"#/$defs/{kind}0"},
                {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "enum": names}}},
            ]
        }
        for kind, names in (("Cat", ["Cat0", "cat"]), ("Dog", ["Dog0", "dog"]))
    ]


# ---------------------------------------------------------------- several files
@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A document of four files beside an empty project."""
    (tmp_path / "project").mkdir()
    for name, data in DOCUMENTS["files"][0](1).parts().items():
        (tmp_path / "api" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "api" / name).write_bytes(data)
    return tmp_path / "api" / "openapi.json"


def take(spec: Path) -> Any:
    return capture.take(world(spec.parents[1] / "project"), sources=(str(spec),), hosts=("api.example.com",))


@pytest.mark.feature(5)
def test_an_import_copies_every_file_to_its_place_and_the_same_again_adds_nothing(spec: Path) -> None:
    assert take(spec).summary == {"added": 1, "kept": 1}
    specs = spec.parents[1] / "project" / "specs"
    names = sorted(path.relative_to(specs).as_posix() for path in specs.rglob("*.json"))
    assert names == ["kinds/kind0.json", "openapi.json", "parts/common.json", "paths/path0.json"]
    assert all((specs / name).read_bytes() == (spec.parent / name).read_bytes() for name in names)
    assert take(spec).summary == {"added": 0, "kept": 1}


@pytest.mark.feature(5)
def test_an_edit_of_any_file_rebuilds_and_nothing_else_does(spec: Path) -> None:
    take(spec)
    here = spec.parents[1] / "project"
    build.run(world(here))
    assert build.run(world(here)).summary["ran"] == 0
    kind = here / "specs" / "kinds" / "kind0.json"
    kind.write_text(kind.read_text().replace('"maximum": 0', '"maximum": 77'))
    assert build.run(world(here)).summary["ran"] > 0
    assert '"maximum": 77' in (here / ".caskmcp/toolpacks/api-example-com/artifact/tools.json").read_text()
    (here / "specs" / "unrelated.json").write_text("{}")
    assert build.run(world(here)).summary["ran"] == 0


@pytest.mark.feature(5)
def test_a_file_that_is_gone_stops_the_build_and_one_that_is_back_goes_on(spec: Path) -> None:
    take(spec)
    here = spec.parents[1] / "project"
    build.run(world(here))
    common = here / "specs" / "parts" / "common.json"
    data = common.read_bytes()
    common.unlink()
    with pytest.raises(CaskError) as caught:
        build.run(world(here))
    assert caught.value.code == "CASK-C002"
    assert caught.value.what == "the reference `../parts/common.json#/limit` leads to a file that is not there"
    assert str(caught.value.place).startswith("specs/openapi.json, paths/path0.json:")
    common.write_bytes(data)
    assert build.run(world(here)).summary["tools"] == 1


def test_another_folder_gives_the_same_bytes(spec: Path, tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        mint.run(world(tmp_path / name), sources=(str(spec),), hosts=("api.example.com",), name="same")
        written.append((tmp_path / name / ".caskmcp/toolpacks/same/artifact/observations.json").read_bytes())
    assert written[0] == written[1]


def test_files_that_stand_there_with_other_content_are_not_overwritten(spec: Path) -> None:
    other = spec.parents[1] / "project" / "specs" / "kinds" / "kind0.json"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    with pytest.raises(CaskError) as caught:
        take(spec)
    assert caught.value.code == "CASK-I001"
    assert caught.value.what.startswith("specs/kinds/kind0.json is there with other content")
    assert other.read_text() == "mine"
    assert not (spec.parents[1] / "project" / "cask.yaml").exists()


# ---------------------------------------------------------------- out of the folder
@pytest.mark.feature(5)
@pytest.mark.parametrize("target", ["../../secret.json", "/etc/hosts"])
def test_a_link_out_of_the_documents_folder_is_refused(spec: Path, target: str) -> None:
    (spec.parents[1] / "secret.json").write_text('{"type": "string"}')
    kind = spec.parent / "kinds" / "kind0.json"
    kind.unlink()
    os.symlink(target, kind)
    with pytest.raises(CaskError) as caught:
        take(spec)
    assert (caught.value.code, caught.value.what) == ("CASK-I005", "`kinds/kind0.json` is a link that leads out of the document's folder")
    assert not (spec.parents[1] / "project" / "specs").exists()


@pytest.mark.feature(5)
@pytest.mark.parametrize(
    ("reference", "rule"),
    [
        ("../../secret.json", "the reference `../../secret.json` leaves the document's folder"),
        ("http://127.0.0.1:9/x.json", "a reference leads to the host `127.0.0.1`"),
        ("https://metadata.example/latest.json", "a reference leads to the host `metadata.example`"),
        ("https://169.254.169.254/latest.json", "a reference leads to the host `…`"),  # what redaction cuts is not quoted either
        ("../.env", "the reference `../.env` leads to a file that is none of .json, .yaml, .yml"),
    ],
)
def test_nothing_outside_is_opened_for_a_reference(spec: Path, reference: str, rule: str) -> None:
    (spec.parents[1] / "secret.json").write_text('{"type": "string"}')
    (spec.parent / ".env").write_text("TOKEN=1")
    (spec.parent / "kinds" / "kind0.json").write_text(json.dumps({"properties": {"a": {"$ref": reference}}}, indent=1))
    with pytest.raises(CaskError) as caught:
        take(spec)
    assert (caught.value.code, caught.value.what) == ("CASK-C002", rule)
    assert caught.value.place == f"{spec}, kinds/kind0.json:4"
