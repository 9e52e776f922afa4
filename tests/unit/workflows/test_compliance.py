"""`cask compliance`: each sentence carries a digest that is found again in the lock, the record or the evidence; nothing claims that a framework is met."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caskmcp import canon
from caskmcp.model.finding import Report
from caskmcp.store import segments
from caskmcp.workflows import audit, compliance
from caskmcp.workflows.verify import bundles, story
from caskmcp.workflows.verify.story import Asked
from tests.support.drift_project import Place, Shop

CLAUSES = {
    "Article 9": {"lock"},
    "Article 12": {"audit"},
    "Article 14": {"lock", "audit"},
    "Article 15": {"evidence"},
    "GOVERN 2.1": {"lock", "audit"},
    "MEASURE 2.4": {"audit", "evidence"},
    "MEASURE 2.7": {"evidence"},
    "MANAGE 2.4": {"lock"},
    "A.6.2.4": {"evidence"},
    "A.6.2.6": {"audit", "evidence"},
    "A.6.2.8": {"audit"},
    "A.9.2": {"lock"},
}


@pytest.fixture
def shop(measured_shop: Place, tmp_path: Path) -> Shop:
    """A shop that was called and verified."""
    made = measured_shop.shop.copy(tmp_path)
    story.run(made.world(), Asked(mode="contracts", environment="local", calls=2))
    return made


def resolvable(shop: Shop) -> Iterator[str]:
    """Every digest that stands in lock, record or evidence."""
    yield str(canon.digest_bytes(shop.pack.lock.read_bytes()))
    for segment in segments.segments(shop.world().files, shop.root.audit):
        yield from (str(canon.digest_bytes(line)) for line in segment.lines)
    for path in shop.root.evidence("_").parent.glob("*/manifest.json"):
        yield str(canon.digest_bytes(canon.dump(json.loads(path.read_bytes()))))


def rows(report: Report) -> list[dict[str, Any]]:
    return list(report.tables["controls"])


@pytest.mark.feature(106)
def test_each_sentence_carries_a_digest_that_is_found_again(shop: Shop) -> None:
    report = compliance.run(shop.world())
    found = set(resolvable(shop))
    assert all(row["digest"] in found for row in rows(report))
    assert {
        row["clause"]: {other["where"] for other in rows(report) if other["clause"] == row["clause"]} for row in rows(report)
    } == CLAUSES
    assert (report.exit, report.summary["controls_without_evidence"]) == (0, 0)


def test_the_commands_that_are_named_find_each_digest_again(shop: Shop) -> None:
    report = compliance.run(shop.world())
    digests = {row["where"]: row["digest"] for row in rows(report)}
    named = re.findall(r"`sha256sum (\S+)`", report.lines[0])
    assert [f"sha256:{hashlib.sha256((shop.cwd / path).read_bytes()).hexdigest()}" for path in named] == [digests["lock"]]
    assert audit.verify(shop.world(), holds=digests["audit"]).findings == ()
    assert digests["evidence"] in {row["digest"] for row in bundles.verify(shop.world()).tables["runs"]}


def test_no_word_says_that_a_framework_is_met(shop: Shop) -> None:
    report = compliance.run(shop.world())
    text = " ".join([*report.lines, *(row["sentence"] + row["about"] for row in rows(report))])
    assert not re.search(r"complian(t|ce)|certif|conform|guarantee", text, re.IGNORECASE)
    assert all(row["sentence"].startswith(("Evidence: ", "Control: ")) for row in rows(report))


def test_what_was_changed_is_left_out_and_told(shop: Shop) -> None:
    (run,) = bundles.listing(shop.world()).tables["runs"]
    (shop.root.evidence(run["run"]) / "report.json").write_text("{}")
    report = compliance.run(shop.world())
    assert ([row.code for row in report.findings], report.exit) == (["CASK-V001"], 1)
    assert {row["sentence"] for row in rows(report) if row["clause"] == "Article 15"} == {"no evidence is here"}
    assert {row["digest"] for row in rows(report) if row["clause"] == "Article 15"} == {""}


def test_a_record_that_was_edited_is_evidence_of_nothing(shop: Shop) -> None:
    path = next(shop.root.audit.glob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b'"allow"', b'"deny"', 1))
    report = compliance.run(shop.world())
    assert "CASK-S004" in [row.code for row in report.findings]
    assert not any(row["where"] == "audit" for row in rows(report))


def test_a_project_without_calls_and_runs_says_that_nothing_is_here(measured_shop: Place, tmp_path: Path) -> None:
    report = compliance.run(measured_shop.shop.copy(tmp_path).world(), framework="iso-42001")
    assert {row["clause"]: row["where"] for row in rows(report)} == {"A.6.2.4": "", "A.6.2.6": "", "A.6.2.8": "", "A.9.2": "lock"}
