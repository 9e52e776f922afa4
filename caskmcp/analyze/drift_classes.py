"""The literal table of drift classes: what each kind of change means for whoever calls the tools that were approved.

Requests that are refused where they were accepted break a call; answers that hold what no answer held break a reader. Personal data that
appears is always a risk, whatever else it is. What the calculus can compare it judges; `verdict` is for what has no schema.
"""

from typing import Final, NamedTuple

from caskmcp.calculus.verdict import Verdict
from caskmcp.model.finding import Severity

B, N, E, I = Verdict.BROADENS, Verdict.NARROWS, Verdict.EQUAL, Verdict.INCOMPARABLE  # noqa: E741 - columns of a table
INFO, REVIEW, BREAKING = Severity.INFO, Severity.REVIEW, Severity.BREAKING


class DriftClass(NamedTuple):
    """One row: a kind of change, how bad it is, and what is said of it."""

    id: str
    severity: Severity
    verdict: Verdict
    """Of what was seen against the baseline, where no schemas say it."""
    says: str


# fmt: off
CLASSES: Final = (
    #          id                     severity  verdict  what is said
    DriftClass("endpoint-added",      REVIEW,   B,       "an operation that the baseline does not know answers"),
    DriftClass("endpoint-removed",    BREAKING, N,       "the operation is gone"),
    DriftClass("endpoint-deprecated", REVIEW,   E,       "its document says that it is deprecated"),
    DriftClass("host-added",          REVIEW,   B,       "calls go to a host that the baseline does not know"),
    DriftClass("scheme-changed",      BREAKING, I,       "calls go another way: with or without encryption"),
    DriftClass("auth-changed",        BREAKING, I,       "calls authenticate in another way"),
    DriftClass("document-disagrees",  REVIEW,   I,       "traffic is outside of what the document says"),
    DriftClass("parameter-added",     INFO,     B,       "a parameter that was not there"),
    DriftClass("parameter-removed",   BREAKING, N,       "the parameter is not documented any more"),
    DriftClass("parameter-required",  BREAKING, N,       "a call without the parameter is refused"),
    DriftClass("parameter-type",      BREAKING, I,       "its values are of another kind"),
    DriftClass("body-media-changed",  BREAKING, I,       "bodies are of another media type"),
    DriftClass("body-field-added",    INFO,     B,       "a field of the body that was not there"),
    DriftClass("body-field-always",   REVIEW,   I,       "every body has a field that none had: it may be needed"),
    DriftClass("body-field-required", BREAKING, N,       "a body without the field is refused"),
    DriftClass("body-field-removed",  BREAKING, N,       "the field of the body is not documented any more"),
    DriftClass("body-field-unsent",   REVIEW,   N,       "no body has the field any more"),
    DriftClass("body-field-type",     BREAKING, I,       "the field of the body is of another kind"),
    DriftClass("request-enum-grown",  INFO,     B,       "requests use a word that is not in the vocabulary"),
    DriftClass("request-narrowed",    BREAKING, N,       "less is accepted"),
    DriftClass("request-widened",     INFO,     B,       "more is accepted"),
    DriftClass("media-changed",       BREAKING, I,       "answers are of another media type"),
    DriftClass("status-changed",      REVIEW,   I,       "success has another status"),
    DriftClass("errors-rose",         REVIEW,   B,       "more calls fail"),
    DriftClass("error-changed",       REVIEW,   I,       "errors have another form"),
    DriftClass("field-added",         INFO,     B,       "a field that was not there"),
    DriftClass("field-removed",       BREAKING, B,       "the field is gone"),
    DriftClass("field-optional",      BREAKING, B,       "the field may be missing"),
    DriftClass("field-nullable",      BREAKING, B,       "the field may be null"),
    DriftClass("field-type",          BREAKING, I,       "the field is of another kind"),
    DriftClass("field-format",        REVIEW,   I,       "its texts are of another form"),
    DriftClass("enum-grown",          INFO,     B,       "a word that is not in the vocabulary"),
    DriftClass("answer-widened",      BREAKING, B,       "answers may hold more than was documented"),
    DriftClass("answer-narrowed",     INFO,     N,       "answers hold less than was documented"),
    DriftClass("pii-appeared",        REVIEW,   B,       "personal data that was not there"),
    DriftClass("secret-appeared",     BREAKING, B,       "a credential that was not there"),
    DriftClass("paging-changed",      REVIEW,   I,       "the list is paged through in another way"),
    DriftClass("flow-broken",         BREAKING, N,       "no answer gives this argument any more"),
)
# fmt: on
BY_ID: Final = {row.id: row for row in CLASSES}
