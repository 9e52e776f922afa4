"""Strings of strangers in every place of a report, in every format: shown as what they are, and nothing that a terminal, GitHub, a browser, a CI
runner or a reader of the format acts on. Each guard is tried with the guard taken away: then the strings have to get through.

What a reader does is written down here from the reader's side: the runner's parsing of log lines, GitHub's Markdown, XML, HTML, SARIF.
"""

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import jinja2
import pytest
from jsonschema import Draft4Validator
from junitparser import JUnitXml
from markdown_it import MarkdownIt

from caskmcp.hidden import HIDDEN, visible
from caskmcp.load import load
from caskmcp.model.finding import Detail, Finding, Report, Severity
from caskmcp.report import annotations, commands, html, json_, junit, markdown, sarif, text
from caskmcp.report.formats import FORMATS

FIXTURES: Final = Path(__file__).parents[3] / "fixtures"
OWN: Final = (
    "##[error]x",
    "a ##[set-env name=A]b",
    "a\n::error::b",
    " \t::error::b",
    "%0A::error::x",
    "x\r\n::add-mask::y",
    "</td></tr></table><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "]]><x>&amp;",
    "\ufffe\uffff\x00\x0b",
    "a\u202eb\u200bc\U000e0041",
    "www.evil.test and HTTPS://evil.test and a@evil.test",
    "@all fixes #1 :bug: ~~x~~ **y** $z$",
    "    code",
    "a\udcff\ud800.har",
    "1. one",
    "{{ 7 * 7 }}{% raw %}",
    "\\| a \\`",
)


def corpus() -> tuple[str, ...]:
    """Every string of the injection corpus, and some for what it has none of."""
    rows = (json.loads(line) for line in (FIXTURES / "hostile" / "injection.jsonl").read_text(encoding="utf-8").splitlines())
    found = [value for row in rows for value in (row.get("values") or [row["value"]])]
    return (*dict.fromkeys(value for value in found if isinstance(value, str)), *OWN)


CORPUS: Final = corpus()
FORMS: Final = ("comment", "github", "github-md", "html", "json", "junit", "md", "sarif", "text")


def report(value: str) -> Report:
    """A report with the string in each of its places: names, messages, paths, reasons, notes, cells, prose, words."""
    hit = Finding(
        code="CASK-L005",
        severity=Severity.BREAKING,
        subject=f"tool:{value}",
        message=value,
        place=f"{value}/f.yaml:3",
        mend=value,
        step="lock",
    )
    accepted = Finding(code="secret", severity=Severity.INFO, subject=value, message=value, place=value, suppressed=value, step="lock")
    return Report(
        report="check",
        summary={"toolpack": value},
        findings=(hit.identified(), accepted.identified()),
        tables={"steps": ({"step": "lock", "result": "fail", "note": value}, {"step": "drift", "result": "not-run", "note": value})},
        lines=(value,),
        details=(
            Detail(
                id="1",
                subject=f"tool:{value}",
                place="description",
                old=value,
                new="new",
                words=(("old", value), ("new", "new"), ("same", value)),
            ),
            Detail(id="2", subject=value, place=value, old={value: value}, new=[value]),
        ),
    )


# ---------------------------------------------------------------- readers
def runner_commands(shown: str) -> list[str]:
    """The lines that GitHub's runner takes for commands: `::` after blanks at the beginning, `##[` anywhere."""
    return [line for line in re.split(r"\r\n|\r|\n", shown) if line.lstrip().startswith("::") or "##[" in line]


def terminal(shown: str) -> Iterator[str]:
    """What is wrong in text: what a terminal acts on or hides, and what a runner runs."""
    yield from (f"hidden {ord(char):x}" for char in HIDDEN.findall(shown))
    yield from (f"command {line!r}" for line in runner_commands(shown))


def of_text(shown: str, value: str) -> Iterator[str]:
    yield from terminal(visible(shown))  # the console shows every text so
    lines = [line for line in shown.split("\n") if line.startswith("breaking: ")]
    if not lines or visible(value.replace("\n", " "))[:20] not in commands_back(lines[0]):
        yield "the finding is not on one line"


def commands_back(shown: str) -> str:
    """The text with disarmed marks as they were."""
    return shown.replace("\\u{3a}", ":").replace("\\u{5b}", "[")


def of_json(shown: str, value: str) -> Iterator[str]:
    yield from terminal(shown)
    read = json.loads(shown)
    if not shown.isascii() or read["findings"][0]["message"] != value or read["details"][1]["old"] != {value: value}:
        yield "it reads back as something else"


VALIDATOR: Final = Draft4Validator(json.loads((FIXTURES / "sarif" / "sarif-2.1.0-rtm.5.json").read_bytes()))


def of_sarif(shown: str, value: str) -> Iterator[str]:
    yield from terminal(shown)
    log = json.loads(shown)
    yield from (error.message for error in VALIDATOR.iter_errors(log))
    yield from (f"hidden in {row!r}" for row in strings(log) if HIDDEN.search(row))
    yield from (f"a link in {row!r}" for row in messages(log) if re.search(r"\[[^\]]*\]\([^)]*\)", row))
    uris = [
        row["physicalLocation"]["artifactLocation"]["uri"]
        for result in log["runs"][0]["results"]
        for row in result.get("locations", ())
        if "physicalLocation" in row
    ]
    yield from (f"uri {row!r}" for row in uris if not re.fullmatch(r"[A-Za-z0-9._~/%-]+", row))


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for row in value.values() if isinstance(value, dict) else value:
            yield from strings(row)


def messages(value: Any) -> Iterator[str]:
    """The texts in which a reader of logs looks for links [SARIF 3.11.6]."""
    if isinstance(value, dict):
        yield from ([value["message"]["text"]] if "message" in value else [])
    for row in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from messages(row)


def of_github(shown: str, value: str) -> Iterator[str]:
    lines = shown.split("\n")
    yield from (f"hidden {ord(char):x}" for char in HIDDEN.findall(shown))
    if len(lines) != 4:  # two findings, the steps that judged nothing, the counts
        yield f"{len(lines)} lines"
    for line in lines:
        found = re.fullmatch(r"::(error|notice) ([^:]*)::(.*)", line)
        keys = [row.partition("=")[0] for row in found[2].split(",")] if found else []
        if found is None or "##[" in line or not set(keys) <= {"file", "line", "title"} or len(set(keys)) != len(keys):
            yield f"not one command: {line!r}"
        elif re.search(r"^\s*::", found[3].replace("%0D", "\r").replace("%0A", "\n"), re.MULTILINE) and found[1] == "error":
            yield f"a command in a message: {line!r}"


GITHUB: Final = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
MARKS: Final = {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "strong", "s", "ul", "li", ""}


def of_markdown(shown: str, value: str) -> Iterator[str]:
    yield from (f"hidden {ord(char):x}" for char in HIDDEN.findall(shown))
    yield from (f"command {line!r}" for line in runner_commands(shown))
    yield from (f"a link in {row!r}" for row in re.findall(r"(?i)https?://|www\.", shown))
    tokens = [token for block in GITHUB.parse(shown) for token in (block, *(block.children or ()))]
    yield from (f"tag {token.tag}" for token in tokens if token.tag not in MARKS)
    yield from (f"html {token.content!r}" for token in tokens if token.type.startswith("html") and token.content != "<!-- -->")
    pieces = [piece for token in tokens if token.type == "text" for piece in [token.content]]
    yield from (f"looked for late: {row!r}" for row in late(tokens))
    if not pieces:
        yield "nothing is shown"


def of_comment(shown: str, value: str) -> Iterator[str]:
    mark, _, rest = shown.partition("\n")
    if mark != "<!-- cask-check -->" or mark in rest:
        yield "its mark is not its own"
    yield from of_markdown(rest, value)


def late(tokens: list[Any]) -> Iterator[str]:
    """What GitHub finds in the rendered text: runs of text between tags and comments."""
    run = ""
    for token in tokens:
        if token.type in ("text", "text_special"):
            run += token.content
            continue
        if found := re.search(r"(?<![\w/])@\w|#\d|:[a-z0-9_+-]+:", run):
            yield found[0]
        run = ""


class Page(HTMLParser):
    def __init__(self, shown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.text = ""
        self.feed(shown)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


PLAIN_PAGE: Final = Page(load(FORMATS["html"])(report("plain")))


def of_html(shown: str, value: str) -> Iterator[str]:
    yield from terminal(shown)
    page = Page(shown)
    if page.names != PLAIN_PAGE.names or set(page.tags) != set(PLAIN_PAGE.tags) or page.tags.count("td") != PLAIN_PAGE.tags.count("td"):
        yield "it is another page"
    if visible(value) not in page.text:
        yield "the string is not shown"


def of_junit(shown: str, value: str) -> Iterator[str]:
    yield from terminal(shown)
    try:
        cases = [case for suite in JUnitXml.fromstring(shown.encode()) for case in suite]
    except ParseError as cause:
        yield f"it cannot be read: {cause}"
        return
    expected = visible(value).replace("\ufffe", "\\u{fffe}").replace("\uffff", "\\u{ffff}")
    if [(case.name, len(case.result)) for case in cases] != [("lock", 1), ("drift", 1)]:
        yield "there are other cases"
    elif (cases[0].result[0].type, cases[0].result[0].message) != ("CASK-L005", expected):
        yield "the failure is another one"


READERS: Final[dict[str, Callable[[str, str], Iterator[str]]]] = {
    "comment": of_comment,
    "github": of_github,
    "github-md": of_markdown,
    "html": of_html,
    "json": of_json,
    "junit": of_junit,
    "md": of_markdown,
    "sarif": of_sarif,
    "text": of_text,
}


def wrong(how: str, value: str) -> list[str]:
    """What a reader of the format makes of a report with the string in it, and should not."""
    return list(READERS[how](load(FORMATS[how])(report(value)), value))


# ---------------------------------------------------------------- the guards
def test_every_format_of_findings_has_a_reader() -> None:
    assert set(READERS) == set(FORMS) == set(FORMATS) - {"mermaid"}
    assert len(CORPUS) > 50


@pytest.mark.parametrize("how", FORMS)
def test_every_hostile_string_is_shown_and_nothing_acts_on_it(how: str) -> None:
    assert {value: found for value in CORPUS if (found := wrong(how, value))} == {}


def same(shown: str, **_: str) -> str:
    return shown


def unescaped(**options: Any) -> jinja2.Environment:
    return jinja2.Environment(**{**options, "autoescape": False})


NEVER: Final = re.compile(r"(?!)")
SABOTAGE: Final[tuple[tuple[str, Any, str, Any], ...]] = (
    # format,   module,       guard,             without it
    ("text", text, "visible", same),
    ("text", text, "disarmed", same),
    ("json", json_, "disarmed_json", same),
    ("sarif", sarif, "disarmed_json", same),
    ("sarif", sarif, "visible", same),
    ("sarif", sarif, "_message", visible),
    ("sarif", sarif, "_uri", same),
    ("github", annotations, "visible", same),
    ("github", annotations, "disarmed", same),
    ("github", annotations, "_DATA", {}),
    ("github", annotations, "_PROPERTY", {}),
    ("github-md", markdown, "SPECIAL", NEVER),
    ("github-md", markdown, "visible", same),
    ("github-md", markdown, "APART", ""),
    ("comment", markdown, "SPECIAL", NEVER),
    ("comment", markdown, "visible", same),
    ("comment", markdown, "APART", ""),
    ("html", html, "Environment", unescaped),
    ("html", html, "visible", same),
    ("html", html, "disarmed_markup", same),
    ("junit", junit, "visible", same),
    ("junit", junit, "_NO_XML", NEVER),
    ("junit", junit, "disarmed_markup", same),
)


@pytest.mark.parametrize(("how", "module", "guard", "without"), SABOTAGE, ids=lambda value: value if isinstance(value, str) else "")
def test_without_a_guard_some_string_gets_through(how: str, module: Any, guard: str, without: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    html._template.cache_clear()
    monkeypatch.setattr(module, guard, without)
    try:
        assert any(wrong(how, value) for value in CORPUS)
    finally:
        html._template.cache_clear()


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("::error::x", "\\u{3a}:error::x"),
        ("  ::error::x", "  \\u{3a}:error::x"),
        ("a::b", "a::b"),
        ("a\n::b", "a\n\\u{3a}:b"),
        ("x ##[error]y", "x ##\\u{5b}error]y"),
        ("# [x]", "# [x]"),
    ],
)
def test_a_command_is_shown_and_ordinary_text_stays(hostile: str, shown: str) -> None:
    assert commands.disarmed(hostile) == shown
