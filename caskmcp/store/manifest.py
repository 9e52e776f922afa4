"""The text of `cask.yaml`: a fresh one, and small edits that keep every comment and every word that a person wrote.

Promises that an edit changes the one list that it is for: the edited text is parsed again and compared, and where it means something else
(a list in a form that is not understood) nothing comes out but an error that says which line to write by hand.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from caskmcp.errors import CaskError
from caskmcp.model.project import Project
from caskmcp.store.layout import MANIFEST
from caskmcp.text import Document, parse_yaml

_PLAIN: Final = re.compile(r"[A-Za-z_.][A-Za-z0-9_./-]*|[0-9a-f]{64}", re.ASCII)
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", ".", ".."})


class Entry(NamedTuple):
    """One entry of `sources:`."""

    kind: str
    pattern: str

    @property
    def flow(self) -> str:
        """As it is written, `kind: pattern`."""
        return f"{self.kind}: {quoted(self.pattern)}"


def quoted(text: str) -> str:
    """Text as a YAML scalar, quoted where it could be read as something else."""
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not re.fullmatch(r"[0-9]+|[0-9]+e[0-9]+", text)
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def literal(path: str) -> str:
    """A path as a pattern that means that path alone."""
    return re.sub(r"[*?\[]", r"[\g<0>]", path)


# ---------------------------------------------------------------- a fresh one
def fresh(*, name: str | None, hosts: Iterable[str], sources: Iterable[Entry], auth: Mapping[str, tuple[str, ...]]) -> str:
    """A manifest. auth: host -> ways to authenticate that were seen (`Exchange.auth`): written as a comment, never as an entry."""
    lines = [f"# {MANIFEST}: everything that a build depends on. An unknown key is an error.", "version: 1"]
    lines += [f"name: {quoted(name)}"] if name else []
    lines += [f"hosts: [{', '.join(quoted(host) for host in hosts)}]"]
    listed = [f"  - {entry.flow}" for entry in sources]
    return "\n".join([*lines, *(["sources:", *listed] if listed else ["sources: []"])]) + "\n" + auth_comment(auth)


def auth_comment(seen: Mapping[str, tuple[str, ...]]) -> str:
    """What could stand under `auth:`, as a comment to be added at the end; empty if nothing was seen."""
    rows = [(host, word) for host, words in sorted(seen.items()) for word in words]
    if not rows:
        return ""
    about = (
        "# Seen in what was captured. Without an entry, calls go without a credential; an entry names a place, never the credential itself."
    )
    return "\n".join([about, "# auth:", *(f"#   {quoted(host)}: {_rule(host, word)}" for host, word in rows)]) + "\n"


def _rule(host: str, word: str) -> str:
    variable = re.sub(r"[^A-Z0-9]+", "_", host.upper()).strip("_")
    place, _, name = word.partition(":")
    if not name:
        return f"{{scheme: {place}, from: env:{variable}_{'LOGIN' if place == 'basic' else 'TOKEN'}}}"
    return f"{{scheme: api_key, in: {place}, name: {quoted(name)}, from: env:{variable}_KEY}}"


# ---------------------------------------------------------------- edits
def with_sources(text: str, entries: Iterable[Entry], name: str = MANIFEST) -> str:
    """The manifest with entries added at the end of `sources:`."""
    for entry in entries:
        before = parse(text, name)
        wanted = Project.model_validate({**before.model_dump(by_alias=True), "sources": (*before.sources, {entry.kind: entry.pattern})})
        text = _checked(_added(text, "sources", entry.flow, f"{{{entry.flow}}}", name), wanted, f"- {entry.flow}", "sources", name)
    return text


def with_hosts(text: str, hosts: Iterable[str], name: str = MANIFEST) -> str:
    """The manifest with hosts added at the end of `hosts:`."""
    for host in hosts:
        before = parse(text, name)
        wanted = before.model_copy(update={"hosts": (*before.hosts, host)})
        text = _checked(_added(text, "hosts", quoted(host), quoted(host), name), wanted, f"- {quoted(host)}", "hosts", name)
    return text


def with_scopes(text: str, path: str, name: str = MANIFEST) -> str:
    """The manifest, which names no file of scopes, with one."""
    wanted, end = parse(text, name).model_copy(update={"scopes": path}), "\r\n" if "\r\n" in text else "\n"
    return _checked(f"{text.rstrip()}{end}scopes: {quoted(path)}{end}", wanted, f"scopes: {quoted(path)}", "scopes", name)


def without_source(text: str, entry: Entry, name: str = MANIFEST) -> str:
    """The manifest without an entry of `sources:`; unchanged if it is not there."""
    before = parse(text, name)
    rows = [(row.kind, row.pattern) for row in before.sources]
    if entry not in rows:
        return text
    index = rows.index(entry)
    wanted = before.model_copy(update={"sources": (*before.sources[:index], *before.sources[index + 1 :])})
    try:
        return _checked(_removed(text, index, len(rows), name), wanted, "", "sources", name)
    except CaskError as cause:
        raise CaskError("CASK-I004", f"`{entry.flow}` cannot be taken out of `sources:`", place=name, mend=f"edit {name}") from cause


def parse(text: str, name: str = MANIFEST) -> Project:
    """What a manifest's text means. Raises CASK-I003 and CASK-I004 with the line."""
    return Project.of(parse_yaml(text.encode(), name))


def _checked(text: str | None, wanted: Project, line: str, key: str, name: str) -> str:
    try:
        if text is not None and parse(text, name) == wanted:
            return text
    except CaskError:
        # The edit broke the document; what it should have been is told below.
        text = None
    raise CaskError(
        "CASK-I004", f"the list `{key}:` has a form that cannot be added to; write `{line}` there", place=name, mend=f"edit {name}"
    )


def _added(text: str, key: str, block: str, flow: str, name: str) -> str | None:
    """The text with one more item in the list `key`; None where its form is not understood."""
    document, end = parse_yaml(text.encode(), name), "\r\n" if "\r\n" in text else "\n"
    if (key,) not in document.lines:
        return f"{text.rstrip()}{end}{key}:{end}  - {block}{end}"
    rows = text.split("\n")
    count = len(document.value[key] or ())
    at = document.lines[(key,)] - 1
    if not count:
        return _first(rows, at, key, block)
    inline = re.fullmatch(rf"({key}\s*:\s*\[[^\]#]*?)(,?)\s*\](\s*(?:#.*)?)", rows[at])
    if inline:
        rows[at] = f"{inline[1]}, {flow}]{inline[3]}"
        return "\n".join(rows)
    bullet = re.match(r"(\s*)-\s", rows[document.lines[(key, count - 1)] - 1])
    if bullet is None:
        return None
    last = _end(rows, _last_line(document, (key,)), len(bullet[1]))
    return "\n".join([*rows[:last], f"{bullet[1]}- {block}{end[:-1]}", *rows[last:]])


def _first(rows: list[str], at: int, key: str, block: str) -> str | None:
    empty = re.fullmatch(rf"({key}\s*:)\s*(?:\[\s*\]|~|null)?(\s*(?:#.*)?)", rows[at])
    if empty is None:
        return None
    end = "\r" if rows[at].endswith("\r") else ""
    comment = empty[2].rstrip()
    return "\n".join([*rows[:at], f"{empty[1]}{comment}{end}", f"  - {block}{end}", *rows[at + 1 :]])


def _removed(text: str, index: int, count: int, name: str) -> str | None:
    document = parse_yaml(text.encode(), name)
    rows = text.split("\n")
    start, last = document.lines[("sources", index)], _last_line(document, ("sources", index))
    if not re.match(r"\s*-\s", rows[start - 1]):
        return None
    kept = [*rows[: start - 1], *rows[_end(rows, last, len(rows[start - 1]) - len(rows[start - 1].lstrip())) :]]
    if count == 1:
        at = document.lines[("sources",)] - 1
        kept[at] = re.sub(r"^(sources\s*:)", r"\1 []", kept[at])
    return "\n".join(kept)


def _last_line(document: Document, path: tuple[str | int, ...]) -> int:
    return max(line for each, line in document.lines.items() if each[: len(path)] == path)


def _end(rows: list[str], line: int, indent: int) -> int:
    """The number of the item's last line: what follows deeper than its dash, with no line between, belongs to it."""
    while line < len(rows) and rows[line].strip() and len(rows[line]) - len(rows[line].lstrip()) > indent and rows[line].lstrip()[0] != "#":
        line += 1
    return line
