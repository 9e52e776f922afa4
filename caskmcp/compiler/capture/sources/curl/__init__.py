"""curl command lines: files with one or many, scripts, and what browsers copy "as cURL" (bash and cmd). Nothing is ever run.

Each command states an operation. Variables that the file assigns are filled in; a command whose words a shell would first have to compute is
left out. `words` and `cmd` split lines as the two shells do, `options` reads them as curl does.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from caskmcp.compiler.capture.sources.collection import document
from caskmcp.compiler.capture.sources.collection.request import Written, recorded
from caskmcp.compiler.capture.sources.collection.variables import Variables
from caskmcp.compiler.capture.sources.curl import cmd, options, words
from caskmcp.compiler.capture.sources.curl.options import Unread
from caskmcp.compiler.capture.sources.curl.words import Command
from caskmcp.compiler.capture.sources.interface import Blocks, Recorded
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped

NAMES: Final = ("curl", "curl.exe")
_BEFORE: Final = frozenset(
    {"$", "%", ">", "sudo", "time", "exec", "command", "then", "do", "else", "if", "!", "{", "while", "env", "nohup"}
)
"""Words that may stand before a command: prompts, and what a shell or another program takes the command from."""


class Curl:
    """The source `curl`."""

    kind: ClassVar[str] = "curl"

    def read(self, blocks: Blocks) -> Iterator[Recorded | Skipped]:
        """Yield each request. Raises CASK-C001 for a text without any curl command."""
        text = document.text(document.joined(blocks))
        if "curl" not in text:
            raise CaskError("CASK-C001", "there is no curl command", place="line 1", mend="give a file of curl command lines")
        yield from requests(cmd.commands(text) if cmd.is_cmd(text) else words.commands(text))


def requests(commands: Iterator[Command]) -> Iterator[Recorded | Skipped]:
    """The requests of the curl commands among all commands, and what is left out of them."""
    variables = Variables({})
    for command in commands:
        place, given = f"line {command.line}", _arguments(command, variables)
        if given is None:
            if command.problem and any("curl" in word for word in command.words):
                yield Skipped(place, "unsupported", detail=command.problem)
            continue
        if command.problem:
            yield Skipped(place, "unsupported", detail=command.problem)
            continue
        try:
            yield from _requests(given, command.stdin, place, variables)
        except Unread as cause:
            yield Skipped(place, "unsupported", detail=str(cause))


def _arguments(command: Command, variables: Variables) -> list[str] | None:
    """The words behind `curl`; None for another command, whose assignments are remembered."""
    assigned: dict[str, str] = {}
    for index, word in enumerate(command.words):
        name, equals, value = word.partition("=")
        if equals and name.isidentifier() and name.isascii():
            assigned[name] = value
        elif word.rpartition("/")[2] in NAMES:
            return command.words[index + 1 :]
        elif word not in _BEFORE and word not in ("export", "local", "readonly", "declare"):
            return None
    variables.assign({} if command.problem else assigned)
    return None


def _requests(given: list[str], stdin: str | None, place: str, variables: Variables) -> Iterator[Recorded]:
    for call in options.calls(given, stdin):
        for url in call.targets():
            written = Written(
                place,
                call.verb,
                url,
                headers=tuple(call.headers),
                body=call.body(),
                credentials=call.credentials(),
                secrets=tuple(call.secrets),
            )
            yield recorded(written, variables)
