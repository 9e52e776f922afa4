"""The table of templating rules: which words at a place are values of a parameter. TEMPLATING section 4, top down.

A rule looks at the siblings of a place and names labels that are one parameter (P). Classes are P from the start; all that is left at
the end is a literal. Versions and the empty last segment never merge; what `paths:` or a document pins is not asked.
"""

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Final, NamedTuple

from caskmcp.compiler.normalize import locales, words
from caskmcp.compiler.normalize.tokens import LOCALE, is_class
from caskmcp.compiler.normalize.tree import Place, alike, union

_SHARE: Final = 0.6
"""Share of a cluster's words that have to occur as values in bodies."""
_ACTION: Final = frozenset({"POST"})
_PREPOSITIONS: Final = frozenset(("by", "of", "for", "to", "from", "in", "with", "as", "per", "at", "on"))
"""Last words of a literal that say what comes after them: `count-by/{event}`."""
_WIDEST: Final = 64
"""Words of one form that are compared pair by pair; of more, the first ones stand for all."""


class Siblings:
    """The labels at one place while it is decided which are one parameter."""

    def __init__(
        self, children: dict[str, Place], body_words: frozenset[str], *, pinned: Iterable[str] = (), above: str | None = None
    ) -> None:
        self.above = above or ""
        """The literal before the place; empty for the root and after a parameter."""
        self.children = children
        self.body_words = body_words
        self.parameter = {label for label in children if is_class(label)}
        self._pinned = frozenset(pinned) | {""} | {label for label in children if words.is_version(label) or ";" in label}
        self.words = sorted(children.keys() - self.parameter - self._pinned)
        self.whole = not self._pinned & children.keys()
        """Whether no literal is pinned here: the words may be all there is."""

    @property
    def has_parameter(self) -> bool:
        """Whether a parameter is known and ever succeeded."""
        return any(self.children[label].succeeded() for label in self.parameter)

    def union(self) -> Place:
        """The sub-trees of the parameter as one."""
        return union(self.children[label] for label in sorted(self.parameter))

    def take(self, labels: Iterable[str]) -> None:
        """Make words values of the parameter."""
        self.parameter |= set(labels)
        self.words = [word for word in self.words if word not in self.parameter]

    def free(self) -> list[str]:
        """Words that may be values. One that only takes a POST, with nothing below, is what an operation does: `cancel`, `filter`."""
        return [word for word in self.words if self.children[word].good != _ACTION or self.children[word].children]

    def is_value(self, word: str) -> bool:
        """Whether the word occurs as a whole string in bodies."""
        return word in self.body_words


class Rule(NamedTuple):
    """One row. `finds` names the words that are values of the parameter."""

    id: str
    says: str
    finds: Callable[[Siblings], Iterable[str]]


def apply(siblings: Siblings) -> None:
    """Run the table until nothing changes: a parameter that came late may take what was asked before it was there."""
    before = -1
    while before != len(siblings.parameter):
        before = len(siblings.parameter)
        for rule in RULES:
            siblings.take(rule.finds(siblings))


def never_succeeded(siblings: Siblings) -> Iterable[str]:
    """Words that never succeeded beside a parameter: values that were not there (`missing-pool`)."""
    return [word for word in siblings.words if siblings.parameter and not siblings.children[word].succeeded()]


def core_value(siblings: Siblings) -> Iterable[str]:
    """Words of the first tier beside a parameter that look like it and occur as values."""
    if not siblings.parameter:
        return []
    whole = siblings.union()
    return [
        word
        for word in siblings.free()
        if words.is_core(word) and siblings.is_value(word) and siblings.children[word].good <= whole.methods.keys()
        and _agree(siblings.children[word], whole, least=1)
    ]  # fmt: skip


def plain_value(siblings: Siblings) -> Iterable[str]:
    """Words of the second tier beside a parameter, with no method and no child that it lacks."""
    if not siblings.parameter:
        return []
    whole = siblings.union()
    return [
        word
        for word in siblings.words
        if not _is_first(word) and _within(siblings.children[word], whole) and _agree(siblings.children[word], whole, least=0)
    ]


def similar_value(siblings: Siblings) -> Iterable[str]:
    """Words of the second tier that share a method or a child with the parameter and look like it, with more below than it has."""
    if not siblings.parameter:
        return []
    whole = siblings.union()
    return [
        word
        for word in siblings.words
        if not _is_first(word) and _shares(siblings.children[word], whole) and _agree(siblings.children[word], whole, least=1)
    ]


def silent_value(siblings: Siblings) -> Iterable[str]:
    """Words of the second tier that occur as values, beside a parameter that succeeded: another method (DELETE, 204) has no shape to compare."""
    if not siblings.has_parameter:
        return []
    whole = siblings.union()
    return [
        word
        for word in siblings.words
        if not _is_first(word)
        and siblings.is_value(word)
        and _child_labels(siblings.children[word]) <= _child_labels(whole)
        and _agree(siblings.children[word], whole, least=0)
    ]


def plain_cluster(siblings: Siblings) -> Iterable[str]:
    """Three words of the second tier (or two that look alike) that share methods or children, where no parameter ever succeeded."""
    if siblings.has_parameter:
        return []
    found = [word for word in siblings.free() if not _is_first(word)]
    clusters = _clusters(siblings, found, _shares)
    return [word for cluster in clusters if len(cluster) >= 3 or _has_pos(siblings, cluster) for word in cluster]


def value_cluster(siblings: Siblings) -> Iterable[str]:
    """Words that look alike, most of which occur as values."""
    clusters = _clusters(siblings, siblings.free(), lambda one, two: alike(one, two)[0] > 0)
    return [word for cluster in clusters if _share(siblings, cluster) >= _SHARE and _fits(siblings, cluster) for word in cluster]


def silent_cluster(siblings: Siblings) -> Iterable[str]:
    """Three words with equal methods and children, all of which occur as values: answers without a shape (204) say no more."""
    clusters = _clusters(siblings, siblings.free(), lambda one, two: _form(one) == _form(two) and _shares(one, two))
    return [
        word
        for cluster in clusters
        if len(cluster) >= 3 and _share(siblings, cluster) == 1 and _fits(siblings, cluster)
        for word in cluster
    ]


def whole_place(siblings: Siblings) -> Iterable[str]:
    """All words of a place after a preposition, three or more, that look alike (`count-by/time|event|resource`)."""
    alone = siblings.whole and not siblings.parameter and not _PREPOSITIONS.isdisjoint(words.split(siblings.above)[-1:])
    return siblings.words if alone and len(siblings.words) >= 3 and _holds(siblings, siblings.words) else []


def languages(siblings: Siblings) -> Iterable[str]:
    """Languages beside a locale, or two languages: a closed public list, so their values may be kept."""
    found = [word for word in siblings.words if locales.is_language(word)]
    if siblings.parameter - {LOCALE} or len(found) + (LOCALE in siblings.parameter) < 2:
        return []
    places = [siblings.children[label] for label in [*found, *siblings.parameter]]
    return found if _all_share(places) and _no_neg(places) else []


# fmt: off
RULES: Final = (
    #    id                 says                                                             finds
    Rule("never-succeeded", "a word that never succeeded beside a parameter",                never_succeeded),
    Rule("core-value",      "an API word that looks like the parameter and is a value",      core_value),
    Rule("plain-value",     "another word within the parameter's methods and children",      plain_value),
    Rule("similar-value",   "another word that looks like the parameter and has more below", similar_value),
    Rule("silent-value",    "another word that is a value, with nothing else below",         silent_value),
    Rule("languages",       "two languages, or one beside a language with a region",         languages),
    Rule("plain-cluster",   "three other words that share methods or children",              plain_cluster),
    Rule("value-cluster",   "words that look alike and mostly occur as values",              value_cluster),
    Rule("silent-cluster",  "three words of one form that all occur as values",              silent_cluster),
    Rule("whole-place",     "all words after a preposition, three or more, that look alike", whole_place),
)
# fmt: on


def _is_first(word: str) -> bool:
    return words.is_core(word) or words.is_short(word)


def _agree(one: Place, two: Place, *, least: int) -> bool:
    pos, neg = alike(one, two)
    return pos >= least and neg == 0


def _within(one: Place, whole: Place) -> bool:
    return one.good <= whole.methods.keys() and _child_labels(one) <= _child_labels(whole)


def _child_labels(place: Place) -> set[str]:
    return {"{}" if is_class(label) else label for label, child in place.children.items() if child.succeeded()}


def _form(place: Place) -> tuple[frozenset[str], frozenset[str]]:
    return place.good, frozenset(_child_labels(place))


def _clusters(siblings: Siblings, found: list[str], joins: Callable[[Place, Place], bool]) -> list[list[str]]:
    """Words in groups of two or more: each joins one that is in its group, and nothing in a group says that two are not the same."""
    clusters: list[list[str]] = []
    for word in found[:_WIDEST]:
        place = siblings.children[word]
        for cluster in clusters:
            others = [siblings.children[other] for other in cluster]
            if any(joins(place, other) for other in others) and all(alike(place, other)[1] == 0 for other in others):
                cluster.append(word)
                break
        else:
            clusters.append([word])
    return [cluster for cluster in clusters if len(cluster) > 1]


def _has_pos(siblings: Siblings, cluster: list[str]) -> bool:
    return any(alike(siblings.children[one], siblings.children[two])[0] > 0 for one, two in combinations(cluster, 2))


def _holds(siblings: Siblings, cluster: list[str]) -> bool:
    """Whether some of the words look alike, and none does not."""
    places = [siblings.children[word] for word in cluster[:_WIDEST]]
    found = [alike(one, two) for one, two in combinations(places, 2)]
    return all(neg == 0 for _, neg in found) and any(pos > 0 for pos, _ in found)


def _shares(one: Place, two: Place) -> bool:
    """Whether two places have a method in common that succeeded, or a child; or nothing but other words below, which look alike."""
    if one.good & two.good or _child_labels(one) & _child_labels(two):
        return True
    if not (_is_passage(one) and _is_passage(two)):
        return False
    return _agree(union(one.children.values()), union(two.children.values()), least=1)


def _is_passage(place: Place) -> bool:
    """Whether a place has no methods and only second-tier words below: the first of two values in a row."""
    return not place.good and bool(place.children) and not any(is_class(label) or not label or _is_first(label) for label in place.children)


def _fits(siblings: Siblings, cluster: list[str]) -> bool:
    """Whether a cluster does not contradict the parameter that is there already."""
    if not siblings.parameter:
        return True
    whole = siblings.union()
    return all(_agree(siblings.children[word], whole, least=0) for word in cluster)


def _share(siblings: Siblings, cluster: list[str]) -> float:
    return sum(siblings.is_value(word) for word in cluster) / len(cluster)


def _all_share(places: list[Place]) -> bool:
    """Whether all have a method in common, or a child."""
    methods = frozenset.intersection(*(place.good for place in places))
    below = set.intersection(*(_child_labels(place) for place in places))
    return bool(methods or below)


def _no_neg(places: list[Place]) -> bool:
    return all(alike(one, two)[1] == 0 for one, two in combinations(places[:_WIDEST], 2))
