"""What the rules look at: a contract as words. Says nothing about risk; that is `rules.py` alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from caskmcp.compiler.classify import vocabulary as words_of
from caskmcp.compiler.classify.words import is_plural, is_version, singular, split
from caskmcp.model.contract import Contract

READ_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
WRITE_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

CHANGING: Final = (
    words_of.DESTRUCTIVE_VERBS | words_of.SWEEPING_VERBS | words_of.SESSION_VERBS | words_of.WRITE_VERBS | words_of.MONEY_MOVES
)
VERBS: Final = CHANGING | words_of.READ_VERBS | words_of.EXECUTION


@dataclass(frozen=True)
class Facts:
    """One operation, as the rules see it."""

    contract: Contract

    @cached_property
    def method(self) -> str:
        """What it does by its own definition, in capitals: the method, but a GraphQL text that is pinned says more than how it is sent."""
        return _BY_TEXT.get(self.text_kind, self.contract.method.upper())

    @property
    def text_kind(self) -> str:
        """`query` or `mutation`, if a text that is pinned says so; empty without one."""
        return self.contract.call.kind if self.contract.call and self.contract.call.digest else ""

    @property
    def is_foreign(self) -> bool:
        """Whether it is a tool of another MCP server."""
        return self.contract.call is not None and self.contract.call.protocol == "mcp"

    @property
    def is_chosen(self) -> bool:
        """Whether a field of the body says what is done, and nothing but its value tells what that is."""
        return self.contract.call is not None and self.contract.call.protocol == "rpc"

    @cached_property
    def asked(self) -> tuple[tuple[str, ...], ...]:
        """Words of what a shared endpoint is asked for: of each root field of a text, or of each part of a name (`users.get`); none for a path."""
        call = self.contract.call
        names = () if call is None else call.roots or tuple(re.split(r"[./:]", call.name))
        return tuple(row for row in map(split, names) if row)

    @cached_property
    def segments(self) -> tuple[tuple[str, ...], ...]:
        """Words of each segment, and after them of what is asked for; none for one that holds a parameter. Empty ones and versions are left out."""
        rows = tuple(
            () if any(piece.name for piece in row.pieces) else split("".join(piece.text for piece in row.pieces))
            for row in self.contract.segments
            if any(piece.name or piece.text for piece in row.pieces)
        )
        return (*(row for row in rows if not (len(row) == 1 and is_version(row[0]))), *self.asked)

    @cached_property
    def literals(self) -> tuple[tuple[str, ...], ...]:
        """Words of the segments without parameter, in order."""
        return tuple(row for row in self.segments if row)

    @property
    def last(self) -> tuple[str, ...]:
        """Words of the last segment without parameter."""
        return self.literals[-1] if self.literals else ()

    @cached_property
    def last_after_item(self) -> bool:
        """Whether the path ends with a literal right after a parameter (`/orders/{order_id}/cancel`)."""
        return len(self.segments) > 1 and self.segments[-1] != () and self.segments[-2] == ()

    @cached_property
    def ends_plural(self) -> bool:
        """Whether the path ends with a plural (`/orders`)."""
        return bool(self.segments) and bool(self.segments[-1]) and is_plural(self.segments[-1][-1])

    @cached_property
    def resource(self) -> frozenset[str]:
        """Words, also in the singular, of what the operation is about: the last segment, and the noun before it if that is a verb."""
        if self.text_kind:
            return _both(word for row in self.asked for word in row)
        nouns = [row for row in self.literals if row[0] not in VERBS or is_plural(row[-1])]
        return _both((*self.last, *(nouns[-1] if nouns else ())))

    @cached_property
    def words(self) -> frozenset[str]:
        """All words of the path, also in the singular."""
        return _both(word for row in self.literals for word in row)

    @cached_property
    def operation_words(self) -> tuple[str, ...]:
        """Words of the document's operation id."""
        return () if "compiled" in self.contract.evidence.sources else split(self.contract.operation_id)

    def verb(self, table: frozenset[str]) -> str:
        """The first verb of the table: a whole segment, any word of the last, the first word of another, or leading the operation id; empty if none."""
        for word in self._verbs():
            if word in table and not (word in words_of.HOMOGRAPHS and self.method in READ_METHODS):
                return word
        return ""

    def _verbs(self) -> Iterator[str]:
        yield from (row[0] for row in self.literals if len(row) == 1)
        yield from (joined for row in self.literals if len(row) == 2 and (joined := "".join(row)) in words_of.SESSION_VERBS)
        yield from (word for word in self.last if len(self.last) > 1 and word not in words_of.HOMOGRAPHS and not self._only_named(word))
        yield from (row[0] for row in self.literals[:-1] if len(row) > 1 and row[0] in words_of.DESTRUCTIVE_VERBS | words_of.SWEEPING_VERBS)
        yield from (word for word in self.operation_words[:1] if word not in words_of.HOMOGRAPHS)

    def _only_named(self, word: str) -> bool:
        """Whether a verb of a GET only says what is read (`/lock-status`)."""
        return self.method in READ_METHODS and word in words_of.WRITE_VERBS and self.last[-1] in words_of.PLAIN_NOUNS

    @cached_property
    def asking_verb(self) -> str:
        """The verb of a request that only asks, by the last segment: `filter` of `/flows/filter`, `count` of `/count-runs`.

        Another server's name for its tool is no such verb: nothing but that server's word stands behind it.
        """
        if self.is_foreign:
            return ""
        verb = self.last[0] if self.last and self.last[0] in words_of.READ_VERBS else ""
        return verb if verb and (len(self.last) == 1 or verb not in words_of.HOMOGRAPHS) else ""

    @cached_property
    def changes(self) -> str:
        """A verb of change; empty if there is none. What reads by its first word (`/get_deleted`) has none."""
        if self.asking_verb or (self.operation_words and self.operation_words[0] in words_of.READ_VERBS and not self.last):
            return ""
        return self.verb(CHANGING)

    @cached_property
    def asks(self) -> bool:
        """Whether it reads by everything but its method."""
        return (
            self.method == "POST"
            and not self.text_kind
            and bool(self.asking_verb)
            and not self.verb(words_of.DESTRUCTIVE_VERBS | words_of.SWEEPING_VERBS)
        )

    @cached_property
    def documented_asking(self) -> bool:
        """Whether a document, too, names a read: its operation id starts with such a verb."""
        named = bool(self.operation_words) and self.operation_words[0] in words_of.READ_VERBS
        return self.asks and named and "spec" in self.contract.evidence.sources

    @cached_property
    def reads(self) -> bool:
        """Whether nothing is changed, as far as method and words go."""
        return (self.method in READ_METHODS and not self.changes) or self.asks

    @cached_property
    def repeatable(self) -> bool:
        """Whether a change made twice leaves what it leaves once: by its method (RFC 9110 section 9.2.2), unless its words name more of
        something, or each success made something anew."""
        good = {status for status in self.contract.statuses if status.startswith("2")}
        return self.method in ("PUT", "DELETE") and not self.verb(words_of.ADDING_VERBS) and good != {"201"}

    @cached_property
    def body_fields(self) -> frozenset[str]:
        """Names of all fields of request bodies, at any depth, without separators."""
        return frozenset("".join(split(name)) for body in self.contract.bodies for name in _properties(body.schema_))

    @cached_property
    def top_fields(self) -> frozenset[str]:
        """Names of the fields at the top of request bodies."""
        return frozenset(name.lower() for body in self.contract.bodies for name in body.schema_.get("properties", {}))

    @cached_property
    def queries(self) -> frozenset[str]:
        """Names of query parameters in lower case."""
        return frozenset(row.wire.lower() for row in self.contract.parameters if row.location == "query")


_BY_TEXT: Final = {"query": "GET", "mutation": "POST"}


def _both(words: Any) -> frozenset[str]:
    listed = tuple(words)
    return frozenset((*listed, *(singular(word) for word in listed)))


def _properties(schema: Any) -> Iterator[str]:
    """Names of all properties that a schema mentions, at any depth."""
    stack = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            properties = node.get("properties")
            yield from properties if isinstance(properties, dict) else ()
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
