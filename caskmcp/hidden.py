"""Characters that nobody sees, and a text with all of them shown. Apart from `text`, so that a console loads no reader of YAML."""

import re
from typing import Final

# Control characters but newline and tab, the soft hyphen, zero-width and direction marks, invisible operators, fillers, variation selectors,
# interlinear marks, tags. A fixed list: Unicode tables differ between Pythons.
HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """The text with each hidden character shown as `\\u{…}`; newline and tab stay."""
    return HIDDEN.sub(lambda match: f"\\u{{{ord(match[0]):x}}}", text)
