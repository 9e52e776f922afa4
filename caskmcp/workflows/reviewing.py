"""`cask gate review`: what waits, on the whole screen or as plain prompts, one subject at a time with its difference and evidence.

What is decided is `review`'s; this asks for it. Allowing and blocking end where `gate allow` and `gate block` do, after the screen was left:
one signature at the end, with their prompts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from caskmcp.errors import CaskError
from caskmcp.govern import keys
from caskmcp.govern.admit import Survey
from caskmcp.govern.public import key_id
from caskmcp.govern.trust import Chain
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.store.layout import Pack
from caskmcp.workflows import block as away
from caskmcp.workflows import build, gate, here, person, selection, sheets
from caskmcp.workflows.approve import Proven, approve
from caskmcp.workflows.review import ANSWERS, QUIT, Board, Item, Outcome, Review, Verdict
from caskmcp.workflows.selection import NEEDS_REASON, Candidate, Selection
from caskmcp.workflows.sheets import Desk

PROMPT = "Allow, block, skip or quit [a/b/s/q]:"


def run(world: World, *, key: str | None = None, expires: str | None = None) -> Report:
    """Review what waits, and sign or block what the person decides. Raises CASK-A001 without a terminal, CASK-L006, and what `allow` and `block` raise."""
    person.require(world, "cask gate review")
    pack = here.pack(world)
    derived = build.derive(world)
    gate.require_derived(world, pack, derived)
    proven = Proven(derived.basis, derived.toolpack.id, derived.files, derived.receipts)
    review = decided(world, Review(tuple(items(world, pack, key, proven))))
    return _done(world, pack, review.outcome(key=key, expires=expires), proven)


def _done(world: World, pack: Pack, outcome: Outcome, proven: Proven) -> Report:
    """Blocks first: taking away does not wait for a passphrase."""
    for reason, names in outcome.block.items():
        away.block(world, subjects=names, reason=reason)
    blocked = tuple({"subject": name} for names in outcome.block.values() for name in names)
    made = approve(world, pack, outcome.allow, proven) if outcome.allow else None
    signed = made.tables["signed"] if made else ()
    return Report(
        report="gate-review",
        summary={"toolpack": proven.toolpack, "signed": len(signed), "blocked": len(blocked)},
        tables={"signed": signed, "blocked": blocked},
        findings=made.findings if made else (),
        lines=() if signed or blocked else ("Nothing was decided.",),
    )


# ---------------------------------------------------------------- what waits
def items(world: World, pack: Pack, key: str | None = None, proven: Proven | None = None) -> Iterator[Item]:
    """What neither an approval nor a block settles, the riskiest last and shared subjects first.

    key: whose approval it would be; else any key's here. proven: what it would rest on.
    """
    seen = gate.look(world)
    desk = Desk(world, pack, seen.survey, seen.chain, proven)
    known = sheets.known(desk)
    here_ = {key_id(each): each.name for each in keys.listing(world.files, world.config)}
    mine = [name for name, label in here_.items() if key in (None, label)]
    waiting = [row for row in _candidates(seen.survey, seen.chain) if row.standing.status not in ("approved", "rejected")]
    for row in sorted(waiting, key=_weight):
        barred = _barred(row, seen.survey, mine) if seen.chain else ""
        parts = sheets.sections(desk, row, known)
        risk = row.tool.risk if row.tool else ""
        found = Item(row.subject, row.name, risk, row.standing.status, row.standing.reason, sheets.flat(parts))
        yield replace(found, needs_reason=risk in NEEDS_REASON, barred=barred, sections=parts)


def _candidates(survey: Survey, chain: Chain | None) -> list[Candidate]:
    """Everything that can be read; without a trust root, which the first approval makes, nobody is barred yet."""
    if chain is not None:
        return list(selection.candidates(survey, chain.current).values())
    tools = [
        Candidate(row.subject, row.content, row.tool, standing, None)
        for row, standing in survey.tools
        if row.tool and row.content is not None
    ]
    return [*tools, *(Candidate(subject, content, None, survey.shared[subject], None) for subject, content in survey.offer.shared.items())]


def _weight(row: Candidate) -> tuple[int, str]:
    return (selection.tier(row), row.subject)


def _barred(row: Candidate, survey: Survey, mine: Sequence[str]) -> str:
    """Why no key here may sign it; empty if one may."""
    reasons = [selection.for_key(Selection((row,), ()), survey, key) for key in mine]
    if any(found.chosen for found in reasons):
        return ""
    return reasons[0].left_out[0].reason if len(reasons) == 1 else "no key on this machine may sign it now"


# ---------------------------------------------------------------- asking
def decided(world: World, review: Review) -> Review:
    """The review as the person leaves it: on the whole screen where the console has one, else by prompts. Both change it by `Review.decided` alone."""
    board = Board(review)
    return board.review if review.items and world.console.screen(board) else asked(world, review)


def asked(world: World, review: Review) -> Review:
    """Ask about each item until all are decided or the person ends it."""
    world.console.note(_told(review))
    while (item := review.current) is not None:
        for line in item.lines:
            world.console.note(line)
        answer = world.console.ask(PROMPT).strip().lower()
        if answer in QUIT:
            return review.end()
        if answer in ANSWERS:
            review = _answered(world, review, item, ANSWERS[answer])
    return review


def _answered(world: World, review: Review, item: Item, verdict: Verdict) -> Review:
    """The review with the answer; the same, and a word on why, where it cannot be."""
    wants = verdict == "block" or (verdict == "allow" and item.needs_reason and not item.barred)
    reason = world.console.ask("Reason:") if wants else ""
    try:
        return review.decided(item.subject, verdict, reason)
    except CaskError as cause:
        world.console.note(f"{cause.what}; skip it, or answer otherwise")
        return review


def _told(review: Review) -> str:
    rows = [f"  {item.name}  {item.risk or 'shared'}  {item.status}: {item.why}" for item in review.items]
    return "\n".join((f"{len(rows)} wait for a decision:", *rows)) if rows else "Nothing waits."
