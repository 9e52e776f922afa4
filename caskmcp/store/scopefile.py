"""The text of `scopes.yaml`: small additions that keep every comment and every word that a person wrote.

Promises that an addition changes nothing that stood there: the new text is parsed again and compared, and where a list has a form that is not
understood nothing comes out but an error that says what to write by hand.
"""

import re
from collections.abc import Iterable
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.model.scope import Boundary, OwnScopes
from caskmcp.store.manifest import quoted
from caskmcp.text import Document, parse_yaml

NAME: Final = "scopes.yaml"
FRESH: Final = "# The scopes of this project's tools. What stands here wins over what a build suggests; `cask scopes merge` adds what is new.\nversion: 1\n"

_FLOW: Final = re.compile(r"(\s*tools\s*:\s*\[[^\]#]*?),?\s*\](\s*(?:#.*)?)")
_BULLET: Final = re.compile(r"(\s*)-\s")


def parse(text: str, name: str = NAME) -> OwnScopes:
    """What the text means. Raises CASK-I003 and CASK-I004 with the line."""
    return OwnScopes.of(parse_yaml(text.encode(), name))


def with_scope(text: str, scope: str, boundary: Boundary, name: str = NAME) -> str:
    """The text with one more scope at the end."""
    before = parse(text, name)
    wanted = before.model_copy(update={"scopes": {**before.scopes, scope: boundary}})
    rows = [
        f"  {quoted(scope)}:",
        f"    description: {quoted(boundary.description)}",
        "    tools:",
        *(f"      - {tool}" for tool in boundary.tools),
    ]
    head = re.sub(r"(?m)^scopes\s*:\s*\{\s*\}[ \t]*$", "scopes:", text.rstrip())
    if not re.search(r"(?m)^scopes\s*:", head):
        head += "\nscopes:"
    return _checked("\n".join([head, *rows]) + "\n", wanted, f"a scope {scope}", name)


def with_tools(text: str, scope: str, tools: Iterable[str], name: str = NAME) -> str:
    """The text with more tools at the end of a scope's list."""
    before, document = parse(text, name), parse_yaml(text.encode(), name)
    held, more = before.scopes[scope], tuple(tools)
    wanted = before.model_copy(update={"scopes": {**before.scopes, scope: held.model_copy(update={"tools": (*held.tools, *more)})}})
    return _checked(_listed(text.split("\n"), document, scope, len(held.tools), more), wanted, f"{', '.join(more)} in {scope}", name)


def _listed(rows: list[str], document: Document, scope: str, count: int, more: tuple[str, ...]) -> str | None:
    at = document.lines.get(("scopes", scope, "tools"))
    if at is None:
        return None
    if found := _FLOW.fullmatch(rows[at - 1]):
        comma = ", " if count else ""
        rows[at - 1] = f"{found[1]}{comma}{', '.join(more)}]{found[2]}"
        return "\n".join(rows)
    last = document.lines.get(("scopes", scope, "tools", count - 1))
    bullet = _BULLET.match(rows[last - 1]) if last else None
    return "\n".join([*rows[:last], *(f"{bullet[1]}- {tool}" for tool in more), *rows[last:]]) if bullet and last else None


def _checked(text: str | None, wanted: OwnScopes, what: str, name: str) -> str:
    try:
        if text is not None and parse(text, name) == wanted:
            return text
    except CaskError:
        # The addition broke the document; what it should have been is told below.
        text = None
    raise CaskError("CASK-I004", f"a list has a form that cannot be added to; write {what} by hand", place=name, mend=f"edit {name}")
