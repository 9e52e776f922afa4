"""Rules on paths: words that may be ids, a parameter that may be a word, and a host whose answers prove nothing.

What a recording cannot settle is said, with the line of the manifest that settles it; nothing is guessed here.
"""

import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from caskmcp import canon, text
from caskmcp.analyze.lint.surface import Found, Surface
from caskmcp.model.tool import PathSegment, Tool

FILE: Final = "coverage.json"
CROWD: Final = 12
"""Tools of one form from which their words look like ids, or their answers like one."""
_SHARE: Final = 0.9
_WORDING: Final = frozenset({"title", "description", "examples", "default"})


def crowded(surface: Surface) -> Iterator[Found]:
    """No dozen tools of one method differ in one word of the path alone, and answer alike."""
    rows = [(place, tool) for tool in surface.tools if tool.response.expected is not None for place in _places(tool)]
    crowds = Counter(place for place, _ in rows)
    found = Counter((place, _answer(tool)) for place, tool in rows if crowds[place] >= CROWD)
    for (place, _), count in sorted(found.items()):
        if count >= CROWD:
            yield Found(f"place:{place}", f"{count} tools differ in one word of the path and answer alike: are the words ids?", place)


def single(surface: Surface) -> Iterator[Found]:
    """No parameter of a path had one value in all its requests."""
    coverage = text.parse_json(surface.artifacts[FILE], FILE) if FILE in surface.artifacts else {}
    for name, count in sorted(coverage.get("single_valued", {}).items()):
        yield Found(f"place:{name}", f"one value in {count} exchanges: a word of the path?", name, FILE)


def alike(surface: Surface) -> Iterator[Found]:
    """No host answers a dozen operations or more with one and the same form."""
    hosts: dict[str, Counter[str]] = {}
    for tool in surface.tools:
        if tool.response.expected is not None:
            hosts.setdefault(tool.request.host, Counter())[_answer(tool)] += 1
    for host, answers in sorted(hosts.items()):
        (_, most), total = answers.most_common(1)[0], answers.total()
        if total >= CROWD and most >= _SHARE * total:
            yield Found(f"host:{host}", f"{most} of {total} tools get one and the same answer: does the host answer to anything?", host)


def _places(tool: Tool) -> Iterator[str]:
    """The path with each of its words in turn left open."""
    plan = tool.request
    texts = [_written(row) for row in plan.segments]
    for index, row in enumerate(plan.segments):
        if not any(piece.argument for piece in row.pieces):
            yield f"{plan.method} {plan.host}/{'/'.join([*texts[:index], '*', *texts[index + 1 :]])}"


def _written(row: PathSegment) -> str:
    return "".join("{}" if piece.argument else piece.text for piece in row.pieces)


def _answer(tool: Tool) -> str:
    """What tells an answer's form: the types that were seen. The schema that is served says as little as it can."""
    return _form(canon.compact(tool.response.expected))


@lru_cache(maxsize=256)
def _form(schema: bytes) -> str:
    """Of many operations that answer alike, one is looked at."""
    return canon.digest(_bare(json.loads(schema)))


def _bare(schema: Any) -> Any:
    """A schema without wording. A field may be called as a word of wording is."""
    if isinstance(schema, list):
        return [_bare(row) for row in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _bare(row) for key, row in schema.items() if key not in _WORDING or isinstance(row, dict)}
