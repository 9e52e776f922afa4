"""One operation's group becomes its contract. Documents win where they speak; traffic counts, fills what they leave out, and is compared."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from caskmcp import canon
from caskmcp.compiler.infer.bodies import bodies, responses
from caskmcp.compiler.infer.calls import arguments
from caskmcp.compiler.infer.doubts import doubts
from caskmcp.compiler.infer.evidence import sources, successes
from caskmcp.compiler.infer.fleeting import fleeting
from caskmcp.compiler.infer.paging import paging, sorting
from caskmcp.compiler.infer.parameters import parameters
from caskmcp.compiler.infer.reconcile import disagreements
from caskmcp.compiler.infer.traits import traits
from caskmcp.compiler.infer.unobserved import unobserved
from caskmcp.compiler.normalize.group import texts
from caskmcp.compiler.pipeline import Inputs, Outputs
from caskmcp.model.contract import Contract, Evidence
from caskmcp.model.observation import Group, Row
from caskmcp.model.shared import Table

FEWEST: Final = 3
"""Successes below which, without a document, confidence is low."""
MANY: Final = 10
"""Successes from which confidence is high."""


def run(inputs: Inputs) -> Outputs:
    """Stage `infer`, for one group."""
    table = inputs.common("merge.definitions", Table)
    group = Group.model_validate_json(inputs.data("merge.groups")).whole(table)
    return {"contract": canon.compact(infer(group).packed(table).plain())}


def infer(group: Group) -> Contract:
    """The contract of an operation."""
    declared = group.declared
    first: Mapping[str, Any] = declared[0] if declared else {}
    # What we compiled ourselves says again what was known: it is evidence of nothing, least of all of a lower risk.
    own = [item for item in declared if item.get("compiled")]
    documented = len(declared) > len(own)
    found = parameters(group, declared)
    request, answers = bodies(group, declared), responses(group, declared)
    request = arguments(group, group.call, request) if group.call else request
    row, listed = group.row, group.stated
    missing = unobserved(group, declared, answers)
    statuses = dict(sorted(row.statuses.items())) if row else {}
    count = row.count if row else 0
    return Contract(
        id=group.id,
        method=group.method,
        scheme=group.scheme,
        host=group.host,
        port=group.port,
        template="/" + "/".join(texts([segment.plain() for segment in group.segments])),
        segments=group.segments,
        call=group.call,
        operation_id=first.get("operation_id", ""),
        title=first.get("title", ""),
        description=first.get("description", ""),
        tags=tuple(first.get("tags", ())),
        deprecated=first.get("deprecated", False),
        parameters=tuple(found),
        bodies=tuple(request),
        responses=tuple(answers),
        auth=tuple(sorted({*_auth(row), *_auth(listed), *(way for operation in declared for way in operation.get("auth", ()))})),
        statuses=statuses,
        evidence=Evidence(
            seen=successes(statuses),
            total=count,
            sources=sources(spec=documented, traffic=count > 0, collection=listed is not None, compiled=len(own) > 0),
        ),
        confidence=confidence(successes(statuses), documented=documented, whole=not missing),
        traits=traits(group, found, request, answers),
        paging=paging(found, request, answers, row),
        sorting=sorting(found, request, answers),
        fleeting=fleeting(found, request),
        doubts=doubts(group),
        disagreements=disagreements(group, declared),
        flows=group.flows,
        unobserved=missing,
    )


def _auth(row: Row | None) -> Iterable[str]:
    return row.auth if row else ()


def confidence(good: int, *, documented: bool, whole: bool = True) -> Any:
    """How sure a contract is: `low`, `medium` or `high`. whole: whether bodies were observed where there were some."""
    if whole and (good >= MANY or (documented and good)):
        return "high"
    return "medium" if documented or good >= FEWEST else "low"
