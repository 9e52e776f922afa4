"""`docs/reference/tables/`: the literal tables that decide things, as pages."""

from typing import Any, Final, NamedTuple

from caskmcp.load import load


class Page(NamedTuple):
    """One table of the package and how it is shown."""

    name: str
    title: str
    intro: str
    table: str
    """`module:attribute` of a sequence of rows, or of a mapping whose values are rows."""
    columns: tuple[str, ...]


# fmt: off
PAGES: Final[tuple[Page, ...]] = (
)
# fmt: on


def files() -> dict[str, bytes]:
    """One page a row of `PAGES`."""
    return {f"docs/reference/tables/{page.name}.md": render(page).encode("utf-8") for page in PAGES}


def render(page: Page) -> str:
    """The page of one table, its rows in their own order: order decides."""
    rows = load(page.table)
    listed = rows.values() if isinstance(rows, dict) else rows
    lines = ["| " + " | ".join(_cell(getattr(row, column)) for column in page.columns) + " |" for row in listed]
    head = ["| " + " | ".join(page.columns) + " |", "|" + "---|" * len(page.columns)]
    return "\n".join([f"# {page.title}", "", page.intro, "", *head, *lines, ""])


def _cell(value: Any) -> str:
    if isinstance(value, tuple | list | frozenset | set):
        return ", ".join(_cell(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)) or "–"
    text = str(getattr(value, "value", value))
    return text.replace("|", "\\|").replace("\n", " ")
