"""A document of several files is read as one; each refusal names the file and the line; nothing but the given files is ever opened."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp.compiler.capture.sources.openapi import OpenApi, bundle
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared
from tests.unit.compiler.capture.openapi.documents import OK, document

pytestmark = pytest.mark.feature(5)
MAIN = "openapi.yaml"


def packed(main: Any, **others: Any) -> bytes:
    files = {MAIN: main, **{name.replace("__", "/").replace("_", "."): value for name, value in others.items()}}
    return bundle.pack(
        MAIN, {name: value if isinstance(value, bytes) else json.dumps(value, indent=1).encode() for name, value in files.items()}
    )


def read(data: bytes) -> list[Declared]:
    return [row for row in OpenApi().read([data]) if isinstance(row, Declared)]


def refused(data: bytes) -> CaskError:
    with pytest.raises(CaskError) as caught:
        read(data)
    return caught.value


def body(reference: str) -> dict[str, Any]:
    return document(requestBody={"content": {"application/json": {"schema": {"$ref": reference}}}})


# ---------------------------------------------------------------- packing
@given(st.dictionaries(st.text(min_size=1), st.binary(max_size=50), min_size=1), st.randoms())
def test_packing_and_unpacking_are_each_others_inverse_in_any_order(files: dict[str, bytes], order: Any) -> None:
    names = list(files)
    order.shuffle(names)
    main = sorted(names)[0]
    data = bundle.pack(main, {name: files[name] for name in names})
    assert bundle.unpack(data) == (main, files)
    assert bundle.pack(main, files) == data


def test_any_other_text_is_one_file() -> None:
    assert bundle.unpack(b"openapi: 3.1.0") == ("", {"": b"openapi: 3.1.0"})


@pytest.mark.parametrize("rest", [b"", b"{}", b'{"main": "a", "sizes": [["a", 9]]}\nb', b'{"main": "b", "sizes": [["a", 1]]}\nb', b"[]\n"])
def test_a_damaged_pack_is_refused(rest: bytes) -> None:
    assert refused(bundle.MAGIC + rest).what == "these are no files of a document"


# ---------------------------------------------------------------- which files
# fmt: off
RESOLVED = [
    # in the file       reference                      means
    ("openapi.yaml",    "pet.yaml",                    "pet.yaml"),
    ("openapi.yaml",    "./a/b.json#/x",               "a/b.json"),
    ("a/b.json",        "../c.yaml",                   "c.yaml"),
    ("a/b.json",        "c%20d.yaml",                  "a/c d.yaml"),
    ("a/b.json",        "#/x",                         None),
    ("a/b.json",        "../../c.yaml",                None),
    ("openapi.yaml",    "..",                          None),
    ("openapi.yaml",    ".",                           None),
    ("openapi.yaml",    "%2e%2e/c.yaml",               None),
    ("openapi.yaml",    "/etc/c.yaml",                 None),
    ("openapi.yaml",    "//host/c.yaml",               None),
    ("openapi.yaml",    "http://host/c.yaml",          None),
    ("openapi.yaml",    "file:c.yaml",                 None),
    ("openapi.yaml",    "c.yaml?x=1",                  None),
    ("openapi.yaml",    "a%00.yaml",                   None),
    ("openapi.yaml",    "http://[bad",                 None),
]
# fmt: on


@pytest.mark.parametrize(("base", "reference", "name"), RESOLVED)
def test_a_reference_means_a_file_in_the_documents_folder_or_none(base: str, reference: str, name: str | None) -> None:
    assert bundle.resolve(base, reference) == name


@given(st.text(alphabet="./%25eEab\\:?#", max_size=12), st.sampled_from(["a.yaml", "x/a.yaml", "x/y/a.yaml"]))
def test_no_reference_climbs_out_of_the_folder(reference: str, base: str) -> None:
    name = bundle.resolve(base, reference)
    assert name is None or (not name.startswith("/") and ".." not in name.split("/"))


# fmt: off
NEIGHBOURS = [
    # text                                                                  files
    (b'{"$ref": "a.yaml"}',                                                 ("a.yaml",)),
    (b"$ref: a.yaml#/b\nc: {$ref: 'd/e.json'}\n",                           ("a.yaml", "d/e.json")),
    (b"? $ref\n: a.yaml\n",                                                 ("a.yaml",)),
    (b'{"discriminator": {"propertyName": "k", "mapping": {"a": "a.yaml", "b": "B", "c": "#/x"}}}', ("a.yaml",)),
    (b'{"$ref": "#/a"}',                                                    ()),
    (b'{"$ref": "http://h/a.yaml", "x": {"$ref": "../a.yaml"}}',            ()),
    (b'{"$ref": "secrets.env", "x": {"$ref": ".ssh/id_rsa"}}',              ()),
    (b'{"example": {"$ref": "a.yaml"}, "x-y": {"$ref": "b.yaml"}}',         ()),
    (b'{"$ref": "a.yaml"',                                                  ()),
]
# fmt: on


@pytest.mark.parametrize(("text", "names"), NEIGHBOURS)
def test_the_files_that_a_file_leads_to_are_known_without_opening_any(text: bytes, names: tuple[str, ...]) -> None:
    assert bundle.neighbours("openapi.yaml", text) == names


# ---------------------------------------------------------------- reading
def test_definitions_of_other_files_have_names_of_their_own() -> None:
    pet = {"type": "object", "properties": {"tag": {"$ref": "common.json#/definitions/Tag"}, "self": {"$ref": "#"}}}
    common = {"definitions": {"Tag": {"enum": ["a"]}}, "part": [{"maxLength": 2}]}
    main = body("kinds/pet.yaml")
    main["components"] = {"schemas": {"Tag": {"const": 1}, "X": {"$ref": "kinds/common.json#/part/0"}}}
    main["paths"]["/a"]["get"]["responses"] = {"200": {"content": {"a/b": {"schema": {"items": {"$ref": "#/components/schemas/X"}}}}}}
    (row,) = read(packed(main, kinds__pet_yaml=pet, kinds__common_json=common))
    assert row.bodies[0].schema == {
        "type": "object",
        "properties": {"tag": {"$ref": "#/$defs/Tag_2"}, "self": {"$ref": "#/$defs/pet"}},
        "$defs": {
            "Tag_2": {"enum": ["a"]},
            "pet": pet | {"properties": {"tag": {"$ref": "#/$defs/Tag_2"}, "self": {"$ref": "#/$defs/pet"}}},
        },
    }
    assert row.responses[0].schema == {
        "items": {"$ref": "#/$defs/X"},
        "$defs": {"X": {"$ref": "#/$defs/kinds_common.json_part_0"}, "kinds_common.json_part_0": {"maxLength": 2}},
    }


def test_paths_parameters_and_back_references_cross_files() -> None:
    item = {
        "parameters": [{"$ref": "../common.json#/id"}],
        "get": {"operationId": "getIt", "responses": {"200": {"$ref": "../openapi.yaml#/components/responses/R"}}},
    }
    main = {"openapi": "3.1.0", "info": {}, "paths": {"/x/{id}": {"$ref": "paths/x.json"}}}
    main["components"] = {"responses": {"R": {"description": "r", "content": {"a/b": {"schema": {"type": "null"}}}}}}
    common = {"id": {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}}
    (row,) = read(packed(main, paths__x_json=item, common_json=common))
    assert (row.operation_id, row.path, row.parameters[0].schema) == ("getIt", "/x/{id}", {"type": "integer"})
    assert row.responses[0].schema == {"type": "null"}


# fmt: off
BROKEN = [
    # other file                                  rule                                                       place
    ({"$ref": "nowhere.yaml"},                    "the reference `nowhere.yaml` leads to a file that is not there", "kinds/pet.yaml:2"),
    ({"a": {"$ref": "../../x.yaml"}},             "the reference `../../x.yaml` leaves the document's folder", "kinds/pet.yaml:3"),
    ({"a": {"$ref": "https://h.example/x.yaml"}}, "a reference leads to the host `h.example`", "kinds/pet.yaml:3"),
    ({"type": "object", "minLength": "1"},        "`minLength`: expected a whole number from 0 up",           "kinds/pet.yaml:3"),
    ({"openapi": "3.0.3"},                        "this file is of version 3.0.3, the document that refers to it of 3.1", "kinds/pet.yaml:1"),
    (b"a: [\n",                                   "",                                                        "kinds/pet.yaml:2"),
    (b"a: &x 1\nb: *x\n",                         "aliases are not allowed",                                 "kinds/pet.yaml:1"),
    (b"\xff",                                     "not UTF-8 at byte 0",                                     "kinds/pet.yaml"),
    ([1],                                         "a schema has to be an object",                            "kinds/pet.yaml:1"),
]
# fmt: on


@pytest.mark.parametrize(("other", "rule", "place"), BROKEN, ids=[str(row[2]) + row[1] for row in BROKEN])
def test_a_broken_rule_in_another_file_is_told_with_that_file_and_line(other: Any, rule: str, place: str) -> None:
    error = refused(packed(body("kinds/pet.yaml"), kinds__pet_yaml=other))
    assert error.code == "CASK-C002"
    assert error.what.startswith(rule)
    assert error.place == place


def test_a_path_item_of_another_file_stands_alone() -> None:
    item = {"get": {"responses": OK}}
    assert [row.title for row in read(packed({"openapi": "3.1.0", "paths": {"/a": {"$ref": "a.json", "summary": "S"}}}, a_json=item))] == [
        "S"
    ]
    error = refused(packed({"openapi": "3.1.0", "paths": {"/a": {"$ref": "a.json", "parameters": []}}}, a_json=item))
    assert error.what == "`parameters` stands beside a reference to a path item that may say it otherwise"


def test_files_of_swagger_2_lead_to_each_other_as_well() -> None:
    main = {
        "swagger": "2.0",
        "paths": {"/a": {"post": {"parameters": [{"name": "b", "in": "body", "schema": {"$ref": "a.json"}}], "responses": OK}}},
    }
    (row,) = read(packed(main, a_json={"type": "object", "x-nullable": True, "maxProperties": 2}))
    assert row.bodies[0].schema == {"anyOf": [{"type": "object", "maxProperties": 2}, {"type": "null"}]}
