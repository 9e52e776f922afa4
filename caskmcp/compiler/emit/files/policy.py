"""`policy.yaml`: the manifest's additions first, then the emitted rules; what no rule allows is denied."""

from caskmcp.compiler.emit.files.form import as_yaml
from caskmcp.compiler.emit.holding import EMITTED, whole
from caskmcp.compiler.emit.surface import Compiled
from caskmcp.errors import CaskError
from caskmcp.model.policy import CALLER, TOOLSET, TOTAL, Policy
from caskmcp.model.toolset import EMITTED as EMITTED_SETS


def emit(compiled: Compiled) -> bytes:
    """The file."""
    return as_yaml(policy(compiled))


def policy(compiled: Compiled) -> Policy:
    """The policy; of the emitted rules only those that some tool can reach.

    Raises CASK-N003 for an addition with an emitted rule's id or a repeated one, CASK-I010 for a tool or toolset that does not exist: a rule
    with a misspelt name would silently deny nothing.
    """
    additions = compiled.additions
    own = additions.rules if additions else ()
    _refuse_repeated([row.id for row in (*own, *EMITTED)])
    every = whole(additions)
    subjects = {name for name in every.budgets if name != TOTAL and not name.startswith((TOOLSET, CALLER))}
    named = {name for row in own for name in row.match.tools} | subjects
    _refuse_unknown("tool", named, {*compiled.names.values(), *compiled.rules.composites})
    # Of other toolsets nobody signs who is in them.
    _refuse_unknown(
        "toolset", {name.removeprefix(TOOLSET) for name in every.budgets if name.startswith(TOOLSET)}, {*compiled.toolsets, *EMITTED_SETS}
    )
    reached = {rule.id for tool in compiled.tools for rule in every.rules_for(tool)}
    return Policy(rules=(*own, *(row for row in EMITTED if row.id in reached)), budgets=every.budgets)


def _refuse_repeated(ids: list[str]) -> None:
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise CaskError("CASK-N003", f"two rules of the policy have the id `{twice[0]}`", place="policy.yaml", mend="rename yours")


def _refuse_unknown(kind: str, named: set[str], known: set[str]) -> None:
    unknown = sorted(named - known)
    if unknown:
        what = f"the policy names the {kind} `{unknown[0]}`, which does not exist"
        raise CaskError("CASK-I010", what, place="policy.yaml", mend="cask gate list")
