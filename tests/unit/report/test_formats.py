"""One report in every format."""

import json

import pytest

from caskmcp.load import load
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.report.formats import FORMATS, show

REPORT = Report(
    report="diff",
    summary={"added": 1, "widened": 1},
    findings=(
        Finding(
            code="CASK-L005",
            severity=Severity.BREAKING,
            subject="tool:get_order",
            message="other <b>arguments</b> | accepted",
            place="tools.json",
            mend="cask gate allow get_order",
        ),
    ),
    tables={"tools": ({"tool": "get_order", "risk": "low\x1b[2J"}, {"tool": "a" * 80, "risk": "high"})},
    lines=("2 tools",),
)


class Pipe:
    """A console that keeps what it is told."""

    interactive = False

    def __init__(self):
        self.printed = []

    def out(self, text):
        self.printed.append(text)


def test_text_shows_tables_findings_and_counts(snapshot):
    assert load(FORMATS["text"])(REPORT) == snapshot


def test_json_is_the_object_of_the_contract():
    value = json.loads(load(FORMATS["json"])(REPORT))
    assert (value["schema"], value["summary"]) == ("caskmcp/diff/1", {"added": 1, "widened": 1})
    assert value["findings"] == [
        {
            "code": "CASK-L005",
            "severity": "breaking",
            "subject": "tool:get_order",
            "message": "other <b>arguments</b> | accepted",
            "place": "tools.json",
            "mend": "cask gate allow get_order",
        }
    ]
    assert value["tools"][1]["risk"] == "high"


def test_json_is_ascii_so_that_no_captured_character_reaches_a_terminal_raw():
    assert load(FORMATS["json"])(REPORT).isascii()
    assert "\x1b" not in load(FORMATS["json"])(REPORT)


def test_markdown_shows_captured_text_as_plain_text_inside_its_cell():
    shown = load(FORMATS["github-md"])(REPORT)
    assert "<b>" not in shown
    assert "\\<b\\>" in shown
    assert "arguments\\</b\\> \\| accepted" in shown
    assert "\x1b" not in shown


def test_the_worst_finding_gives_the_exit_status():
    assert REPORT.exit == 2
    assert Report(report="x").exit == 0


@pytest.mark.parametrize("how", sorted(FORMATS))
def test_every_format_prints_something_and_only_to_the_result(how):
    pipe = Pipe()
    show(REPORT, how, pipe)
    assert pipe.printed
