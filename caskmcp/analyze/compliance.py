"""What the lock, the record and the evidence show for controls that three frameworks name: a query over digests, and no verdict.

Promises: each sentence is about things that are here and carries the digest of one of them; a control for which nothing is here says so. Whether a
framework is met is for people and their auditors: nothing here says that it is.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple


class Run(NamedTuple):
    """One run whose evidence holds."""

    name: str
    digest: str
    """Of its manifest."""
    against: str
    modes: Mapping[str, str]


@dataclass(frozen=True)
class Facts:
    """What is here, each part checked by whoever brings it."""

    lock: str
    """Digest of the lock's bytes; empty without one that can be read."""
    tools: int
    approved: int
    """Tools under a signed approval that holds now."""
    blocked: int
    approvers: int
    """People whose approvals those are."""
    decisions: int
    """On a record whose chain holds."""
    refused: int
    """Of those: denied, or held for a person."""
    last: str
    """Digest of the record's last line; empty where there is none, or where the chain does not hold."""
    runs: tuple[Run, ...]


class Ref(NamedTuple):
    """One sentence with what it rests on."""

    where: str
    """`lock`, `audit` or `evidence`."""
    digest: str
    sentence: str


class Control(NamedTuple):
    """One row: what a framework asks about, and which evidence speaks of it."""

    framework: str
    clause: str
    about: str
    shows: Callable[[Facts], Iterator[Ref]]


def _approvals(facts: Facts) -> Iterator[Ref]:
    if facts.lock:
        what = f"{facts.approved} of {facts.tools} tools stand under a person's signed approval of their exact content; the rest cannot be called"
        yield Ref("lock", facts.lock, f"Control: {what}.")


def _oversight(facts: Facts) -> Iterator[Ref]:
    if facts.lock:
        yield Ref(
            "lock",
            facts.lock,
            f"Control: approvals in force were signed by {facts.approvers} people; {facts.blocked} tools were taken away.",
        )
    if facts.last:
        yield Ref("audit", facts.last, f"Evidence: {facts.refused} of {facts.decisions} calls were denied or held for a person.")


def _record(facts: Facts) -> Iterator[Ref]:
    if facts.last:
        yield Ref("audit", facts.last, f"Evidence: {facts.decisions} decisions on calls stand in a hash chain that holds up to this line.")


def _verified(facts: Facts) -> Iterator[Ref]:
    for run in facts.runs:
        judged = ", ".join(f"{mode} {result}" for mode, result in sorted(run.modes.items()))
        if judged:
            yield Ref("evidence", run.digest, f"Evidence: run {run.name}, against {run.against}: {judged}.")


def _monitored(facts: Facts) -> Iterator[Ref]:
    yield from _record(facts)
    yield from _verified(facts)


EU: Final = "EU AI Act (Regulation (EU) 2024/1689)"
NIST: Final = "NIST AI RMF 1.0"
ISO: Final = "ISO/IEC 42001:2023"
# fmt: off
CONTROLS: Final = (
    Control(EU,   "Article 9",     "risk management: what an agent may do is tiered and decided on", _approvals),
    Control(EU,   "Article 12",    "record-keeping: events are logged",                              _record),
    Control(EU,   "Article 14",    "human oversight: people decide, hold and take away",             _oversight),
    Control(EU,   "Article 15",    "accuracy, robustness, cybersecurity: behaviour was tested",      _verified),
    Control(NIST, "GOVERN 2.1",    "roles and responsibilities are documented",                      _oversight),
    Control(NIST, "MEASURE 2.4",   "functionality and behaviour are monitored in production",        _monitored),
    Control(NIST, "MEASURE 2.7",   "security and resilience are evaluated",                          _verified),
    Control(NIST, "MANAGE 2.4",    "mechanisms to supersede, disengage or deactivate",               _approvals),
    Control(ISO,  "A.6.2.4",       "verification and validation",                                    _verified),
    Control(ISO,  "A.6.2.6",       "operation and monitoring",                                       _monitored),
    Control(ISO,  "A.6.2.8",       "recording of event logs",                                        _record),
    Control(ISO,  "A.9.2",         "processes for responsible use",                                  _approvals),
)
# fmt: on
FRAMEWORKS: Final[Mapping[str, str]] = {"eu-ai-act": EU, "nist-ai-rmf": NIST, "iso-42001": ISO}
NOTHING: Final = "no evidence is here"


def rows(facts: Facts, framework: str | None = None) -> Iterator[dict[str, str]]:
    """One row a sentence, in the order of the controls; one that says so where nothing is here. framework: one of `FRAMEWORKS`."""
    for control in CONTROLS:
        if framework is None or control.framework == FRAMEWORKS[framework]:
            shown = tuple(control.shows(facts)) or (Ref("", "", NOTHING),)
            yield from (_row(control, ref) for ref in shown)


def _row(control: Control, ref: Ref) -> dict[str, str]:
    return {
        "framework": control.framework,
        "clause": control.clause,
        "about": control.about,
        "sentence": ref.sentence,
        "where": ref.where,
        "digest": ref.digest,
    }
