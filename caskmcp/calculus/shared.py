"""Compare what is signed beside the tools, once for all of them: policy defaults, environments, auth references (`model/served.shared`).

Each kind of content has a literal table, chosen by its `schema`. What has no table, or another one than before, is told as unknown and broadens.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from caskmcp.calculus import plain, policy, shapes
from caskmcp.calculus.areas import Area, changes
from caskmcp.calculus.sides import Served, Sides
from caskmcp.calculus.verdict import Change, Part, Verdict, contained, same, told


def _hosts(sides: Sides) -> Iterator[Part]:
    """The places of an environment, by host. Without any, calls go where the plans say; with some, only to those."""
    old, new = sides.before or {}, sides.after or {}
    if not old or not new:
        yield Part(sides.place, Verdict.INCOMPARABLE, old, new)
        return
    for host in sorted({*old, *new}):
        if not same(old.get(host), new.get(host)):
            yield from _place(f"{sides.place}.{host}", old.get(host), new.get(host))


def _place(at: str, old: Served | None, new: Served | None) -> Iterator[Part]:
    if old is None or new is None:
        yield Part(at, Verdict.BROADENS if old is None else Verdict.NARROWS, old, new, told(new) if old is None else "")
        return
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if not same(before, after):
            opens = key == "private" and isinstance(before, bool) and isinstance(after, bool)
            verdict = contained(before is True, after is True) if opens else Verdict.INCOMPARABLE
            yield Part(f"{at}.{key}", verdict, before, after, told(after) if verdict.widens and after is not None else "")


def _tokens(sides: Sides) -> Iterator[Part]:
    """How a token is got, key by key: fewer scopes narrow, unless none are asked for, which leaves it to the server; all else is another way."""
    old, new = sides.before or {}, sides.after or {}
    if not old or not new:
        yield Part(sides.place, Verdict.INCOMPARABLE, old, new)
        return
    for key in sorted({*old, *new}):
        if not same(old.get(key), new.get(key)):
            yield from (_scopes if key == "scopes" else plain.pinned)(sides.at(f"{sides.place}.{key}"))


def _scopes(sides: Sides) -> Iterator[Part]:
    """Fewer are narrower. Without any the server gives what it likes, which is not known to be less than anything."""
    old, new = {*(sides.before or ())}, {*(sides.after or ())}
    verdict = contained(new <= old, old <= new) if old and new else Verdict.BROADENS
    yield Part(sides.place, verdict, sides.before, sides.after, told(sorted(new - old)) if verdict.widens and new - old else "")


# fmt: off
POLICY: Final = (
    Area("policy",      ("default",),                              plain.pinned,   "what no rule decides is decided differently"),
    Area("budget",      ("budgets",),                              policy.budgets, "calls are bounded differently", shapes.budgets),
    Area("policy",      ("rules",),                                policy.rules,   "the policy treats tools differently", shapes.rules),
)
ENVIRONMENT: Final = (
    Area("environment", ("hosts",),                                _hosts,         "calls can be sent to other places", shapes.mappings),
)
AUTH: Final = (
    Area("auth",        ("host", "scheme", "from", "name", "in", "sigv4", "hmac"), plain.pinned, "calls authenticate differently"),
    Area("auth",        ("oauth2",),                               _tokens,        "tokens are got differently", shapes.tokens),
)
KIND: Final = (
    Area("kind",        ("schema",),                               plain.pinned,   "it is content of another kind"),
)
# fmt: on
TABLES: Final[Mapping[str, tuple[Area, ...]]] = {
    "caskmcp/policy-defaults/1": POLICY,
    "caskmcp/environment/1": ENVIRONMENT,
    "caskmcp/auth-reference/1": AUTH,
}


def compare(old: Served, new: Served) -> tuple[Change, ...]:
    """Every difference between two contents of one shared subject; none if they are equal."""
    return changes((*KIND, *TABLES.get(str(old.get("schema")), ())), old, new)
