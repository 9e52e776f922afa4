"""Published forms of artifacts, asked of the reference validator."""

import json

import pytest

from caskmcp.analyze.forms import FORMS, findings
from caskmcp.model.schemas import SCHEMAS

EMPTY = {
    "tools.json": b'{"schema": "caskmcp/tools/1", "tools": []}',
    "policy.yaml": b"schema: caskmcp/policy/1\ndefault: deny\nrules: []\n",
}


def test_sound_artifacts_have_no_finding():
    assert list(findings(EMPTY)) == []


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("policy.yaml", b"schema: caskmcp/policy/1\ndefault: allow\nrules: []\n", "does not have its published form at $.default"),
        ("policy.yaml", b"schema: caskmcp/policy/1\nrules: []\nextra: 1\n", "additionalProperties"),
        ("policy.yaml", b"a: 1\na: 2\n", "cannot be read: the key `a` stands twice"),
        ("toolsets.yaml", b"- a\n", "published form at $"),
        ("tools.json", b"[]", "published form at $"),
        ("tools.json", b"{", "cannot be read"),
    ],
)
def test_an_artifact_of_another_form_is_named_with_the_place(name, data, says):
    found = list(findings({name: data}))
    assert [(row.code, row.subject, row.mend) for row in found] == [("CASK-L010", name, "cask build")]
    assert says in found[0].message


def test_a_schema_of_a_tool_that_is_none_is_named():
    tool = {"name": "get_order", "input_schema": {"type": "object"}, "output_schema": {"type": 7}}
    found = [
        row
        for row in findings({"tools.json": json.dumps({"schema": "caskmcp/tools/1", "tools": [tool]}).encode()})
        if row.subject == "tool:get_order"
    ]
    assert [row.message for row in found] == ["its output_schema is no JSON Schema at $.type"]


def test_what_is_not_ours_to_define_is_left_alone():
    assert list(findings({"openapi.json": b"{}", "extra.json": b"["})) == []


def test_every_form_is_a_published_schema():
    assert set(FORMS.values()) <= set(SCHEMAS)
