"""One HTML file that holds all of a report: no script, no address, nothing that is fetched; it reads the same from a disk without a network.

Every text goes through the template's escaping, hidden characters are shown as their numbers, and a content policy forbids everything but the
one style that is in the file.
"""

import base64
import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from caskmcp import canon
from caskmcp.model.finding import Detail, Report
from caskmcp.report.commands import disarmed_markup
from caskmcp.report.visible import visible

MOST: Final = 2_000
"""Lines of a value that are compared line by line; more are shown one side after the other."""
STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: CanvasText; background: Canvas; color-scheme: light dark; }
table { border-collapse: collapse; width: 100%; } th, td { border: 1px solid GrayText; padding: .3rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
pre, .words { white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0; } summary { cursor: pointer; }
del { background: #f8d0d0; color: #600000; } ins { background: #cdeccd; color: #003d00; text-decoration: none; }
.breaking, .refused, .input, .fail { font-weight: bold; } .info, .skipped, .not-run { font-style: italic; }
"""


def render(report: Report) -> str:
    """The report as one document."""
    shown = _template().render(
        report=report,
        exit=int(report.exit),
        style=STYLE,
        policy=f"default-src 'none'; style-src 'sha256-{_hash(STYLE)}'; base-uri 'none'; form-action 'none'",
        tables={name: rows for name, rows in report.tables.items() if rows},
        details=[{"row": row, "words": row.words, "lines": () if row.words else tuple(lines(row))} for row in report.details],
    )
    return disarmed_markup(shown)


@cache
def _template() -> Template:
    room = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        loader=PackageLoader("caskmcp.report", "pages"),
    )
    room.globals["names"] = _names
    return room.get_template("report.html")


def _shown(value: Any) -> Any:
    """What an expression of the template writes: plain text with nothing hidden; what was escaped already passes."""
    if isinstance(value, list | tuple):
        value = ", ".join(str(item) for item in value)
    if value is None:
        return ""
    return value if hasattr(value, "__html__") else visible(str(value))


def _names(rows: tuple[dict[str, Any], ...]) -> list[str]:
    """The columns of a table, without those that are empty in every row."""
    return [key for key in dict.fromkeys(key for row in rows for key in row) if any(row.get(key) not in ("", None) for row in rows)]


def _hash(style: str) -> str:
    return base64.b64encode(bytes.fromhex(canon.hexadecimal(canon.digest_bytes(style.encode())))).decode("ascii")


# ---------------------------------------------------------------- what changed
def lines(row: Detail) -> Iterator[tuple[str, str]]:
    """Two values as lines of JSON, each `same`, `old` or `new`."""
    before, after = _json(row.old), _json(row.new)
    if max(len(before), len(after)) > MOST:
        yield from (("old", line) for line in before)
        yield from (("new", line) for line in after)
        return
    for tag, low, high, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (("same", line) for line in before[low:high])
        else:
            yield from (("old", line) for line in before[low:high])
            yield from (("new", line) for line in after[first:last])


def _json(value: Any) -> list[str]:
    return [] if value is None else json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True).split("\n")
