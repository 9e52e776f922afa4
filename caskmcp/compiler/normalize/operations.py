"""Templating: which raw rows are one operation. `paths:` wins, then documents, then what routers said, then the table of rules over the tree of raw paths."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from caskmcp.compiler.normalize import rules
from caskmcp.compiler.normalize.templates import Template
from caskmcp.compiler.normalize.tokens import is_class, matrix
from caskmcp.compiler.normalize.tree import Place, union

Row = dict[str, Any]
Origin = tuple[str, int]
ANY = "{}"
"""How a segment with a parameter stands in the structure of a template."""


class Slot(NamedTuple):
    """One segment of a resolved path: literal text, or a parameter with the pieces that somebody gave it (none: to be named)."""

    literal: str | None
    pieces: tuple[str, ...] = ()

    @property
    def structure(self) -> str:
        """The literal, `{}` for a parameter, `{}..{}` for several."""
        if self.literal is not None:
            return self.literal
        return "".join(ANY if piece.startswith("{") else piece for piece in self.pieces) or ANY


Path = tuple[Slot, ...]


def resolve(rows: Sequence[Row], body_words: frozenset[str], wanted: Sequence[Template]) -> list[Path]:
    """The resolved path of each row. `rows`: of one origin; `wanted`: the manifest's templates, in order."""
    root = Place()
    for number, row in enumerate(rows):
        root.insert(number, row)
    out: list[Path] = [()] * len(rows)
    _walk(root, (), tuple(wanted), body_words, out)
    return out


def _walk(place: Place, above: Path, wanted: tuple[Template, ...], body_words: frozenset[str], out: list[Path]) -> None:
    for number in place.rows:
        out[number] = above
    if not place.children:
        return
    depth = len(above)
    active = tuple(template for template in wanted if depth < len(template.fixed))
    fixed = {text for template in active if (text := template.fixed[depth]) is not None}
    rest = dict(place.children)
    for pieces, forced in _forced(active, depth):
        taken = sorted(label for label in rest.keys() - fixed if forced[0].takes(depth, label))
        if taken:
            _walk(union(rest.pop(label) for label in taken), (*above, Slot(None, pieces)), forced, body_words, out)
    merged = _merged(rest, body_words, fixed, above[-1].literal if above else None)
    if merged:
        _walk(union(rest.pop(label) for label in sorted(merged)), (*above, Slot(None)), (), body_words, out)
    for label in sorted(rest):
        same = tuple(template for template in active if template.fixed[depth] == label)
        own = matrix(label)
        _walk(rest[label], (*above, Slot(None, own) if own else Slot(label)), same, body_words, out)


def _forced(active: tuple[Template, ...], depth: int) -> Iterator[tuple[tuple[str, ...], tuple[Template, ...]]]:
    """Templates with a parameter at a segment, by its pieces: first those with text beside it, each alone; then all that take any text."""
    rows = [template for template in active if template.fixed[depth] is None]
    for pieces in dict.fromkeys(template.segments[depth] for template in rows if len(template.segments[depth]) > 1):
        yield pieces, tuple(template for template in rows if template.segments[depth] == pieces)
    if plain := tuple(template for template in rows if len(template.segments[depth]) == 1):
        yield plain[0].segments[depth], plain


def _merged(children: dict[str, Place], body_words: frozenset[str], pinned: set[str], before: str | None) -> set[str]:
    named = {label for label, child in children.items() if child.routed and not is_class(label)}
    siblings = rules.Siblings(children, body_words, pinned=pinned | named, above=before)
    rules.apply(siblings)
    return siblings.parameter


def matching(templates: Iterable[Template], labels: tuple[str, ...]) -> Template | None:
    """The most exact template that a labelled path is inside of."""
    found = [template for template in templates if template.matches(labels)]
    return min(found, key=lambda template: (template.rank, template.segments), default=None)


def slots(template: Template) -> Path:
    """A stated template as a resolved path."""
    return tuple(Slot(fixed, () if fixed is not None else pieces) for fixed, pieces in zip(template.fixed, template.segments, strict=True))
