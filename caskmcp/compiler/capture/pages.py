"""Values that live for a session in the HTML of a page: `<meta name="csrf-token" content=…>` and hidden fields of forms.

A page is left out of a capture; this only tells where a value that is sent later was first given. Linear in the page.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

from caskmcp.compiler import fleeting
from caskmcp.model.exchange import Pair

LONGEST: Final = 1 << 20
"""Characters of a page that are looked at."""
SHORTEST: Final = 8
_HINT: Final = re.compile(r"csrf|xsrf|token|nonce|viewstate", re.IGNORECASE)
_TAG: Final = re.compile(r"<(?:meta|input)\s([^<>]{1,4096})>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"""([a-z-]{1,20})\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'<>=`]+))""", re.IGNORECASE)


def given(page: str) -> Iterator[Pair]:
    """(name, value) of each value under a name that `fleeting` knows."""
    if not _HINT.search(page, 0, LONGEST):
        return
    for tag in _TAG.finditer(page, 0, LONGEST):
        found = {match[1].lower(): unescape(match[2] or match[3] or match[4] or "") for match in _ATTRIBUTE.finditer(tag[1])}
        name, value = found.get("name", ""), found.get("content") or found.get("value") or ""
        if len(value) >= SHORTEST and fleeting.may_be("body", name):
            yield name, value
