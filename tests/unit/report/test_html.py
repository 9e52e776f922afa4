"""The page: one file, nothing in it that runs or is fetched, old and new beside each other."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from caskmcp.model.finding import Detail, Finding, Report, Severity
from caskmcp.report import html
from caskmcp.report.html import lines, render

WORDS: Final = Detail(
    id="1" * 16, subject="tool:a", place="description", old="One <b>", new="Two", words=(("old", "One <b>"), ("new", "Two"), ("same", "."))
)
SCHEMA: Final = Detail(id="2" * 16, subject="tool:a", place="input_schema", old={"type": "integer", "x": 1}, new={"type": "string", "x": 1})
REPORT: Final = Report(
    report="diff",
    summary={"changes": 2},
    findings=(Finding(code="tool-broadens", severity=Severity.BREAKING, subject="tool:a", message="a <script>alert(1)</script>"),),
    tables={"changes": ({"id": "1" * 16, "subject": 'tool:"><img src=x onerror=alert(1)>', "place": ""},)},
    details=(WORDS, SCHEMA),
    lines=("Not checked against a pin: unpinned.",),
)


class Page(HTMLParser):
    """Tags with their attributes, and texts by the tag that they stand in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._inside: list[str] = [""]
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._inside[-1], []).append(data)


def test_every_tag_is_one_of_the_template_and_none_fetches_or_runs_anything() -> None:
    page = Page(render(REPORT))
    template = Page((Path(html.__file__).with_name("pages") / "report.html").read_text(encoding="utf-8"))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in template.tags}
    assert {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "object", "form", "a", "base"} == set()
    names = {name for _, attributes in page.tags for name in attributes}
    assert names == {"lang", "charset", "http-equiv", "content", "name", "class", "open"}


def test_the_policy_forbids_everything_but_the_style_that_is_in_the_file() -> None:
    page = Page(render(REPORT))
    (policy,) = [row["content"] for tag, row in page.tags if tag == "meta" and row.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256("".join(page.texts["style"]).encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"https?:|url\(|@import", render(REPORT))


def test_old_and_new_words_are_marked() -> None:
    page = Page(render(REPORT))
    assert page.texts["del"][0] == "One <b>"
    assert page.texts["ins"][0] == "Two"


def test_of_two_values_the_lines_that_changed_are_marked() -> None:
    page = Page(render(REPORT))
    assert (page.texts["del"][-1], page.texts["ins"][-1].split("\n")[0]) == ('-   "type": "integer",', '+   "type": "string",')


def test_lines_of_one_side_alone_are_all_new_or_all_old() -> None:
    assert list(lines(SCHEMA.model_copy(update={"old": None, "new": {}}))) == [("new", "{}")]
    assert list(lines(SCHEMA.model_copy(update={"new": None, "old": [1]}))) == [("old", "["), ("old", "  1"), ("old", "]")]


def test_values_of_very_many_lines_are_shown_one_after_the_other() -> None:
    many = SCHEMA.model_copy(update={"old": list(range(3000)), "new": [0]})
    assert {kind for kind, _ in lines(many)} == {"old", "new"}


def test_a_finding_and_what_the_text_form_says_are_on_the_page() -> None:
    page = Page(render(REPORT))
    assert "Not checked against a pin: unpinned." in page.texts["p"]
    assert "a <script>alert(1)</script>" in page.texts["td"]


def test_a_clean_report_is_a_page_too() -> None:
    assert "in full" not in render(Report(report="diff"))
