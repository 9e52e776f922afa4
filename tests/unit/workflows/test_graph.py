"""`cask graph`: the steps of a build and what each reads, as a table and as a chart."""

from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.report.mermaid import render
from caskmcp.workflows import graph
from tests.support.toy import ROWS
from tests.support.world import world as world_at

MANIFEST = "version: 1\nname: shop\nhosts: [api.shop.example]\nsources:\n  - har: '*.har'\n"


def test_each_source_has_its_steps_and_groups_are_one_row(tmp_path: Path) -> None:
    (tmp_path / "cask.yaml").write_text(MANIFEST)
    for name in ("a.har", 'b"#<x>.har'):
        (tmp_path / name).write_text("{}")
    report = graph.run(world_at(tmp_path), stages=ROWS)
    assert [(row["step"], row["after"]) for row in report.tables["steps"]] == [
        ("read a.har", []),
        ('read b"#<x>.har', []),
        ("count a.har", ["read a.har"]),
        ('count b"#<x>.har', ['read b"#<x>.har']),
        ("join", ["count a.har", 'count b"#<x>.har']),
        ("look (each group)", ["join"]),
        ("mark (each group)", ["look (each group)"]),
        ("write", ["mark (each group)", "look (each group)"]),
        ("seal", ["write"]),
    ]
    assert report.summary == {"toolpack": "shop", "sources": 2}


def test_the_real_pipeline_can_be_drawn(tmp_path: Path) -> None:
    (tmp_path / "cask.yaml").write_text(MANIFEST)
    (tmp_path / "a.har").write_text("{}")
    lines = render(graph.run(world_at(tmp_path))).split("\n")
    assert lines[0] == "flowchart LR"
    assert '    s0["capture a.har"]' in lines
    assert "    s0 --> s1" in lines


def test_a_chart_quotes_what_would_end_a_label(tmp_path: Path) -> None:
    rows = ({"step": 'read b"#<x>\x1b.har', "after": []}, {"step": "join", "after": ['read b"#<x>\x1b.har', "gone"]})
    assert render(Report(report="graph", tables={"steps": rows})) == "\n".join(
        ["flowchart LR", '    s0["read b#34;#35;#60;x#62;\\u{1b}.har"]', '    s1["join"]', "    s0 --> s1"]
    )


def test_without_a_project_there_is_no_graph(tmp_path: Path) -> None:
    with pytest.raises(CaskError, match="CASK-I006"):
        graph.run(world_at(tmp_path))
