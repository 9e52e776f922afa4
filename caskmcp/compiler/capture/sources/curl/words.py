"""Command lines of a POSIX shell as words: quotes, `$'…'`, continuation lines, comments, here-documents, assignments. Nothing is ever run.

Promises words as bash makes them, `$NAME` as a reference `{{NAME}}`, the line of each command, and a `problem` for every command whose words
a shell would first have to compute. What the words mean is `options`' business.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

SUBSTITUTION: Final = "a command substitution, which is never run"
UNCLOSED: Final = "a quote is not closed"


@dataclass
class Command:
    """One simple command."""

    line: int
    """Where it begins, from 1."""
    words: list[str] = field(default_factory=list)
    problem: str = ""
    """Why its words are not known; empty if they are."""
    stdin: str | None = None
    """Text of its here-document."""


# fmt: off
_TOKEN: Final = re.compile(
    r"(?P<blank>[ \t\r]+|\\\r?\n)"
    r"|(?P<end>\n|;;?|&&|\|\|?|&(?![>])|[()])"
    r"|(?P<here><<-?[ \t]*(?:'(?P<raw>[^'\n]+)'|\"(?P<raw2>[^\"\n]+)\"|(?P<bare>[A-Za-z_][A-Za-z0-9_]*)))"
    r"|(?P<inside>\$\(|`|[<>]\()"
    r"|(?P<redirect>&?(?:>>|>&|>\||<&|<>|<<<|>|<))"
    r"|(?P<single>'[^']*')"
    r"|(?P<ansi>\$'(?:[^'\\]|\\.)*')"
    r"|(?P<double>\$?\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<variable>\$(?:\{[^{}\n]{1,200}\}|[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?!$-]))"
    r"|(?P<escaped>\\.)"
    r"|(?P<open>['\"])"
    r"|(?P<plain>[^\s'\"\\$`;&|<>()#]+|.)",
    re.DOTALL,
)
_ESCAPES: Final = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
# fmt: on
_ANSI: Final = re.compile(
    r"(?P<bytes>(?:\\x[0-9A-Fa-f]{1,2}|\\[0-7]{1,3})+)|\\u(?P<short>[0-9A-Fa-f]{1,4})|\\U(?P<long>[0-9A-Fa-f]{1,8})|\\c.|\\(?P<one>.)",
    re.DOTALL,
)
_BYTE: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3}))")
_IN_DOUBLE: Final = re.compile(
    r"\\(?P<escaped>[\"\\$`\n])|(?P<inside>\$\(|`)|\$(?:\{(?P<braced>[^{}\n]{1,200})\}|(?P<name>[A-Za-z_][A-Za-z0-9_]*))"
)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def commands(text: str) -> Iterator[Command]:
    """The simple commands of a script, in order; empty ones are left out."""
    return _Splitter(text).run()


class _Splitter:
    """One pass over the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line, self.counted = 1, 0
        self.command = Command(1)
        self.word: str | None = None
        """The word so far; None between words."""
        self.dropped = False
        """Whether the next word is where a redirection leads."""
        self.waiting: list[tuple[Command, str, bool]] = []
        """Here-documents that begin on the next line: command, its last line, whether tabs are cut."""

    def run(self) -> Iterator[Command]:
        while self.at < len(self.text):
            match = _TOKEN.match(self.text, self.at)
            if match is None:
                raise AssertionError("every character is a token")
            start, self.at = self.at, match.end()
            kind = match.lastgroup or ""
            if kind in ("raw", "raw2", "bare"):
                kind = "here"
            if kind == "plain" and match[0] == "#" and self.word is None:
                self.at = self._after_line(start)
            elif kind == "end":
                done = list(self._finished())
                if match[0] == "\n":
                    self._here_documents()
                yield from done
            else:
                self._begin(start)
                getattr(self, f"_{kind}")(match)
        yield from self._finished()

    def _begin(self, start: int) -> None:
        if not self.command.words and self.word is None:
            self.line += self.text.count("\n", self.counted, start)
            self.counted = start
            self.command.line = self.line

    def _finished(self) -> Iterator[Command]:
        self._blank()
        if self.command.words or self.command.problem:
            yield self.command
            self.command = Command(self.line)
        self.dropped = False

    # ------------------------------------------------------------ tokens
    def _blank(self, match: re.Match[str] | None = None) -> None:
        if match is not None and match[0].startswith("\\"):
            return  # a continued line continues the word too
        if self.word is not None and not self.dropped:
            self.command.words.append(self.word)
        self.dropped = self.dropped and self.word is None
        self.word = None

    def _add(self, text: str) -> None:
        self.word = (self.word or "") + text

    def _plain(self, match: re.Match[str]) -> None:
        self._add(match[0])

    def _single(self, match: re.Match[str]) -> None:
        self._add(match[0][1:-1])

    def _escaped(self, match: re.Match[str]) -> None:
        self._add(match[0][1])

    def _ansi(self, match: re.Match[str]) -> None:
        self._add(ansi(match[0][2:-1]))

    def _double(self, match: re.Match[str]) -> None:
        self._add(_IN_DOUBLE.sub(self._expanded, match[0].removeprefix("$")[1:-1]))

    def _expanded(self, match: re.Match[str]) -> str:
        if match["inside"]:
            self.command.problem = SUBSTITUTION
            return match[0]
        if match["escaped"]:
            return "" if match["escaped"] == "\n" else match["escaped"]
        return reference(match["braced"] or match["name"])

    def _variable(self, match: re.Match[str]) -> None:
        self._add(reference(match[0].removeprefix("$").strip("{}")))

    def _open(self, _: re.Match[str]) -> None:
        self.command.problem = UNCLOSED
        self._add("")
        self.at = len(self.text)

    def _inside(self, match: re.Match[str]) -> None:
        """Pass over what would be run: to the sign that closes it, which may be the end of all as in a shell."""
        self.command.problem = SUBSTITUTION
        end = self.text.find("`", self.at) + 1 if match[0] == "`" else _closing(self.text, self.at)
        self._add(self.text[self.at : end or len(self.text)])
        self.at = end or len(self.text)

    def _redirect(self, _: re.Match[str]) -> None:
        if self.word is not None and self.word.isdecimal():
            self.word = None  # the number of what is redirected
        self._blank()
        self.dropped = True

    def _here(self, match: re.Match[str]) -> None:
        self._blank()
        self.waiting.append((self.command, match["raw"] or match["raw2"] or match["bare"], match[0].startswith("<<-")))

    def _here_documents(self) -> None:
        for command, last, tabs in self.waiting:
            lines = []
            while self.at < len(self.text):
                end = self._after_line(self.at)
                line, self.at = self.text[self.at : end], min(end + 1, len(self.text))
                line = line.lstrip("\t") if tabs else line
                if line == last:
                    break
                lines.append(line)
            command.stdin = "\n".join(lines)
        self.waiting = []

    def _after_line(self, start: int) -> int:
        end = self.text.find("\n", start)
        return len(self.text) if end < 0 else end


def _closing(text: str, start: int) -> int:
    """Behind the bracket that closes one opened before `start`; 0 without one. Quotes are not looked at: nothing of it is used."""
    depth = 1
    for match in re.compile(r"[()]").finditer(text, start):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return match.end()
    return 0


def reference(name: str) -> str:
    """`$NAME` as a reference that `Variables` fills in; `${NAME:-x}` is NAME."""
    match = _NAME.match(name)
    return f"{{{{{match[0] if match else 'arg'}}}}}"


def ansi(text: str) -> str:
    """What stands in `$'…'`, escapes done (bash, section 3.1.2.4)."""
    if "\\" not in text:
        return text
    done = _ANSI.sub(_ansi_escape, text)
    return done.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _ansi_escape(match: re.Match[str]) -> str:
    if match["bytes"]:
        codes = (int(high, 16) if high else int(low, 8) & 0xFF for high, low in _BYTE.findall(match["bytes"]))
        return bytes(codes).decode("utf-8", "replace")
    code = match["short"] or match["long"]
    if code:
        return chr(int(code, 16)) if int(code, 16) < 0x110000 else "\ufffd"
    one = match["one"]
    return _ESCAPES.get(one, one) if one else ""
