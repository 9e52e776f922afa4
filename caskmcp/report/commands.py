"""What a CI runner takes for a command in a log, and how a text is kept from being one.

GitHub's runner reads every line that a step prints: `::name …::data` where a line begins, after any blanks, and `##[name …]data` anywhere in it.
What we print holds words of strangers; the only commands in it are those that `annotations` writes.
"""

import re
from typing import Final

_LINE: Final = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
_ANYWHERE: Final = "##["


def disarmed(text: str, *, colon: str = "\\u{3a}", bracket: str = "\\u{5b}") -> str:
    """The text without a command in it. colon, bracket: how the format writes those characters."""
    return _LINE.sub(lambda match: match[1] + colon, text.replace(_ANYWHERE, f"##{bracket}"))


def disarmed_json(text: str) -> str:
    """JSON without a command in it, and with the same value: the mark stands within texts alone, and no line of ours begins with a colon."""
    return text.replace(_ANYWHERE, "##\\u005b")


def disarmed_markup(text: str) -> str:
    """HTML or XML without a command in it, and with the same texts."""
    return disarmed(text, colon="&#58;", bracket="&#91;")
