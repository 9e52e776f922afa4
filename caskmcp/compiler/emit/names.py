"""Names of tools: `verb_noun`, unique, and the same whatever other operations there are.

An operation id of a document is taken in snake_case; without one, the method and the path give the words.
Each operation has a short list of names of its own, best first, that follows from the operation alone; it takes the first that is on no other
operation's list. So an operation that is added never gives a name to another operation than before; at most two that want one name both take
a longer one. Never a counter.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from caskmcp import canon
from caskmcp.compiler.classify.facts import CHANGING, VERBS
from caskmcp.compiler.classify.scopes import PREFIXES
from caskmcp.compiler.classify.vocabulary import HOMOGRAPHS, MONEY_VERBS, READ_VERBS
from caskmcp.compiler.classify.words import is_plural, is_version, singular, split
from caskmcp.model.contract import Contract

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,35}", re.ASCII)
LONGEST: Final = 36

# fmt: off
VERB_OF: Final[Mapping[str, tuple[str, str]]] = {
    # method     on one thing     on a collection
    "GET":     ("get",            "list"),
    "HEAD":    ("head",           "head"),
    "OPTIONS": ("options",        "options"),
    "POST":    ("post",           "create"),
    "PUT":     ("replace",        "replace"),
    "PATCH":   ("update",         "update"),
    "DELETE":  ("delete",         "delete"),
    "QUERY":   ("query",          "query"),
}
NOUNS: Final = frozenset({"history", "stats"})
"""Verbs of reading that name what is read."""
LOOKUPS: Final = frozenset({
    "checksum", "code", "date", "email", "handle", "hash", "id", "ids", "isbn", "key", "login", "name", "number", "path", "phone", "sku", "slug", "tag", "type",
    "username", "uuid", "value",
})
"""Segments that say what the parameter after them is: `/tags/name/{name}` is a tag by name."""
PREPOSITIONS: Final = frozenset({"as", "for", "from", "in", "into", "of", "on", "to", "with"})
"""After a verb: `/annotations/{id}/convert-to-draft` converts an annotation to a draft."""
# fmt: on


def assigned(contracts: Iterable[Contract]) -> dict[str, str]:
    """Operation id -> name, for all operations together."""
    wanted = {row.id: tuple(dict.fromkeys(candidates(row))) for row in contracts}
    claims = Counter(name for names in wanted.values() for name in names)
    return {operation: next(name for name in names if claims[name] == 1) for operation, names in sorted(wanted.items())}


def candidates(contract: Contract) -> Iterator[str]:
    """Names that a contract would take, best first. They follow from it alone; the last holds so much of its digest that it is its own."""
    stamp = canon.hexadecimal(canon.digest(contract.id))
    best = _fitting([_declared(contract)] if _declared(contract) else list(_called(contract) or _observed(contract)), stamp)
    path = (word for row in segments(contract) for word in row)
    yield best
    # A schema and recordings of its clients often ask for the same, each in a text of its own.
    stated = contract.call is not None and contract.evidence.sources == ("spec",)
    yield _fitting([f"{best}_schema" if stated else "_".join(dict.fromkeys((*best.split("_"), *path)))], stamp)
    yield _stamped(best, stamp)
    yield f"op_{stamp[:33]}"


def segments(contract: Contract) -> list[tuple[str, ...]]:
    """Words of each segment that has any; none for one with a parameter."""
    rows = ((any(piece.name for piece in row.pieces), split("".join(piece.text for piece in row.pieces))) for row in contract.segments)
    return [() if named else words for named, words in rows if named or words]


def _fitting(names: list[str], stamp: str) -> str:
    """The first name that is short enough, else the last one cut."""
    lettered = [name if name[:1].isalpha() else f"op_{name}" for name in names]
    return next((name for name in lettered if NAME.fullmatch(name)), _stamped(lettered[-1], stamp))


def _stamped(name: str, stamp: str) -> str:
    return f"{name[:27].rstrip('_')}_{stamp[:8]}"


def _declared(contract: Contract) -> str:
    return "_".join(split(contract.operation_id))


def _called(contract: Contract) -> list[str]:
    """The name of a call, its verb first: `users.get` -> `get_users`. Empty if the operation is none, or its call has no word."""
    call = contract.call
    words = list(split(call.name)) if call else []
    if call is None or not words:
        return []
    if call.kind == "query":
        verb = [] if words[0] in READ_VERBS - NOUNS else ["list" if is_plural(words[-1]) else "get"]
        return ["_".join([*verb, *words])]
    if call.protocol == "rpc" and len(words) == 1:
        words += [word for row in segments(contract) for word in row]
    if call.protocol in ("jsonrpc", "rpc") and words[0] not in VERBS | MONEY_VERBS:
        words = [words[-1], *words[:-1]] if words[-1] in VERBS | MONEY_VERBS else ["call", *words]
    return ["_".join(words)]


# ---------------------------------------------------------------- from method and path
def _observed(contract: Contract) -> Iterator[str]:
    """`verb_noun`, with all nouns of the path first, then with fewer and fewer of the leading ones; a verb with its own noun needs none."""
    rows = segments(contract)
    version = [row[0] for row in rows if len(row) == 1 and is_version(row[0]) and row[0] not in ("v0", "v1")]
    rows = _without_prefix([row for row in rows if not (len(row) == 1 and is_version(row[0]))])
    if not any(rows):
        rows = [("root",), *rows]
    verb, nouns, tail = _parts(contract.method.upper(), rows)
    alone = len(verb) > 1 or (tail and tail[0] != "by")
    for start in range(len(nouns) + 1 if alone else max(len(nouns), 1)):
        yield "_".join(_undoubled([*verb, *(word for row in nouns[start:] for word in row), *tail, *version]))


def _without_prefix(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    while len(rows) > 1 and len(rows[0]) == 1 and rows[0][0] in PREFIXES and any(rows[1:]):
        rows = rows[1:]
    return rows


Parts = tuple[tuple[str, ...], list[tuple[str, ...]], tuple[str, ...]]
"""Verb, nouns, and what follows them."""


def _parts(method: str, rows: list[tuple[str, ...]]) -> Parts:
    last = max(index for index, row in enumerate(rows) if row)
    on_item = last < len(rows) - 1
    if _is_lookup(rows, last):
        return (VERB_OF.get(method, ("call", "call"))[0],), _nouns(rows[:last], on_item=True), ("by", *rows[last])
    verb = _verb(method, rows[last])
    if verb and verb not in NOUNS:
        return _action(rows, last)
    nouns = _nouns(rows[: last + 1], on_item=on_item or method == "POST")
    if verb:
        return ("get",), nouns, ()
    one, many = VERB_OF.get(method, ("call", "call"))
    listed = method != "GET" or is_plural(rows[last][-1])
    return (one if on_item or not listed else many,), nouns, ()


def _is_lookup(rows: list[tuple[str, ...]], index: int) -> bool:
    """Whether a literal only says what the parameter after it is."""
    followed = index + 1 < len(rows) and rows[index + 1] == ()
    return followed and index > 0 and rows[index - 1] != () and len(rows[index]) == 1 and rows[index][0] in LOOKUPS


def _verb(method: str, words: tuple[str, ...]) -> str:
    """The verb that the last literal is or starts with; which words count as verbs depends on the method."""
    known = {"POST": VERBS | MONEY_VERBS, "GET": READ_VERBS | (CHANGING - HOMOGRAPHS), "PUT": CHANGING - HOMOGRAPHS}.get(
        method, frozenset()
    )
    alone = len(words) == 1 or words[0] not in HOMOGRAPHS
    return words[0] if words[0] in known and alone and not (len(words) == 1 and is_plural(words[0])) else ""


def _action(rows: list[tuple[str, ...]], last: int) -> Parts:
    verb, *rest = rows[last]
    above = _nouns(rows[:last], on_item=last > 0 and rows[last - 1] == ())
    if not rest:
        return (verb,), above, ()
    known = {singular(word) for word in rows[last]}
    told = not above or all(singular(word) in known for word in above[-1])
    if not told and (rest[0] in PREPOSITIONS or verb in ("get", "list")):  # `/queues/{id}/get-runs`: the runs of a queue
        return (verb,), above[-1:], tuple(rest)
    return (verb, *rest), [] if told else above[-1:], ()


def _nouns(rows: list[tuple[str, ...]], *, on_item: bool) -> list[tuple[str, ...]]:
    """The nouns of a path: in the singular where a parameter picks one of them. on_item: whether that holds of the last one."""
    kept = [index for index, row in enumerate(rows) if row and not _is_lookup(rows, index)]
    picked = [on_item if index == kept[-1] else _picks(rows, index) for index in kept]
    return [(*rows[index][:-1], singular(rows[index][-1])) if one else rows[index] for index, one in zip(kept, picked, strict=True)]


def _picks(rows: list[tuple[str, ...]], index: int) -> bool:
    after = rows[index + 1 : index + 3]
    return () in after[:1] or (len(after) == 2 and after[1] == () and _is_lookup(rows, index + 1))


def _undoubled(words: list[str]) -> list[str]:
    return [word for index, word in enumerate(words) if index == 0 or word != words[index - 1]]
