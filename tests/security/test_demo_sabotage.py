"""The demo's proofs bite: with a guard taken out of a copy of the program, the demo must end with 4 and name the proof that failed.

A demo takes seconds, so guards that do not stand behind each other are taken out together; `CASK_EVERY_SABOTAGE=1` takes each out alone.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Final, NamedTuple

import pytest

import caskmcp
from caskmcp.workflows.demo.attacks import ATTACKS
from tests.support.terminal import environment, without_terminal

PACKAGE = Path(caskmcp.__file__).parent


class Sabotage(NamedTuple):
    """Guards taken out together, since they stand behind each other, and the proof that has to fail."""

    proof: str
    edits: tuple[tuple[str, str, str], ...]
    """(module, what stands there, what stands there instead)."""


ARGUMENTS = ("runtime/gateway.py", "    flight.known.check.refuse(flight.call.arguments)\n", "")
# fmt: off
SABOTAGES = (
    Sabotage("unapproved-tool",      (("govern/admit.py", 'if standing.status != "approved":', "if False:"),)),
    Sabotage("self-approval",        (("workflows/person.py", "if not world.console.interactive:", "if False:"),)),
    Sabotage("forged-signature",     (("govern/statements.py", "    if key is None:\n        return f\"", "    if key is None:\n        return \"\" and f\""),
                                      ("govern/statements.py", "[row for row in present if row.key in role.keys and row.key in examined.chain.current.keys]", "list(present)"),
                                      ("govern/statements.py", "examined.chain.current.keys[row.key].name for row in live", "row.key for row in live"))),
    Sabotage("poisoned-description", (("model/served.py", "exclude=set(UNSIGNED)", 'exclude={*UNSIGNED, "description"}'),)),
    Sabotage("edited-path",          (("model/served.py", '    record["toolsets"] = ', '    del record["request"]\n    record["toolsets"] = '),)),
    Sabotage("edited-policy",        (("govern/admit.py", "for other in _needs(row, needed):", "for other in ():"),)),
    Sabotage("edited-environment",   (("govern/admit.py", '        needed[f"env:{environment}"] = found.shared[f"env:{environment}"]\n', "        pass\n"),)),
    Sabotage("path-traversal",       (ARGUMENTS,
                                      ("runtime/plan.py", 'raise leaves("a path argument would make a segment that is empty, `.` or `..`")', "pass"),
                                      ("runtime/plan.py", 'raise leaves(f"`{piece.argument}` holds a character that its place in the path does not take")', "pass"))),
    Sabotage("undeclared-argument",  (ARGUMENTS,)),
    # What is missing here is a follower: one is put in, as a careless HTTP client would bring it.
    Sabotage("private-redirect",     (("runtime/gateway.py", "    return (yield from once(send)), None\n",
                                       "    reply = yield from once(send)\n"
                                       "    if getattr(reply, 'status', 0) == 302:\n"
                                       "        target = reply.header('location').split('/', 3)[3]\n"
                                       "        reply = yield from once(replace(send, request=replace(send.request, target='/' + target)))\n"
                                       "    return reply, None\n"),)),
    Sabotage("private-address",      (("runtime/egress.py", "if row is not None and not (private and row.opens):", "if False:"),)),
    Sabotage("secret-in-answer",     (("runtime/clean.py", "return _formed(named) if _scanner().suspicious(", "return named if _scanner().suspicious("),)),
    Sabotage("self-confirmation",    (("runtime/gateway.py", "    raise _UNCONFIRMED[standing.state](standing)\n", '    return replace(flight, confirmed="nobody")\n'),)),
    Sabotage("secret-on-disk",       (("compiler/capture/intake.py", "            return Body(media, body.kind, self._value(body, place), body.size)", "            return Body(media, body.kind, body.value, body.size)"),)),
    Sabotage("list",                 (("govern/admit.py", 'if standing.status != "approved":', "if False:"),)),
    Sabotage("rebuild",              (("compiler/emit/files/openapi.py", '"version": "1"}', '"version": str(__import__("time").time_ns())}'),)),
)
# fmt: on


def sabotaged(folder: Path, edits) -> None:
    """A copy of the package in which each edit took place exactly once. A guard that has moved fails here, not in silence."""
    shutil.copytree(PACKAGE, folder / "caskmcp")  # with what is compiled: it is stale only where the text is another
    for module, old, new in edits:
        path = folder / "caskmcp" / module
        source = path.read_text(encoding="utf-8")
        assert source.count(old) == 1, f"{module} has {source.count(old)} places with {old!r}"
        path.write_text(source.replace(old, new), encoding="utf-8")


def demo(folder: Path, home: Path):
    home.mkdir()
    return without_terminal(
        [sys.executable, "-m", "caskmcp", "demo"], cwd=home, env={**environment(home), "PYTHONPATH": str(folder)}, timeout=110
    )


@pytest.mark.feature(108)
def test_the_demo_holds_offline_and_twice_with_the_same_words(tmp_path):
    sabotaged(tmp_path, ())
    first, second = demo(tmp_path, tmp_path / "one"), demo(tmp_path, tmp_path / "two")
    assert first.exit == 0, first.transcript + first.errors
    assert first.transcript == second.transcript
    assert "NOT HELD" not in first.transcript
    assert not list((tmp_path / "one").rglob("*")), "the demo left something behind"


TOGETHER: Final = (
    ("unapproved-tool", "list", "poisoned-description", "edited-policy", "path-traversal", "undeclared-argument"),
    ("self-approval", "edited-path", "edited-environment", "private-redirect"),
    ("forged-signature", "private-address", "secret-in-answer", "self-confirmation"),
    ("secret-on-disk", "rebuild"),
)
ALONE: Final = os.environ.get("CASK_EVERY_SABOTAGE") == "1"
ROUNDS: Final = tuple((case.proof,) for case in SABOTAGES) if ALONE else TOGETHER


@pytest.mark.slow
@pytest.mark.feature(108)
@pytest.mark.parametrize("proofs", ROUNDS, ids="+".join)
def test_without_its_guard_a_proof_fails_and_so_does_the_demo(proofs, tmp_path):
    sabotaged(tmp_path, tuple(dict.fromkeys(edit for case in SABOTAGES if case.proof in proofs for edit in case.edits)))
    done = demo(tmp_path, tmp_path / "home")
    assert done.exit != 0, done.transcript + done.errors
    assert done.exit == 4, done.transcript + done.errors
    failed = {line.split()[0] for line in done.transcript.splitlines() if "NOT HELD" in line}
    assert set(proofs) - failed == set(), done.transcript + done.errors


def test_each_guard_is_taken_out():
    assert sorted(proof for proofs in TOGETHER for proof in proofs) == sorted(case.proof for case in SABOTAGES)


def test_every_attack_is_sabotaged():
    assert {attack.id for attack in ATTACKS} <= {case.proof for case in SABOTAGES}


def test_the_demo_attacks_itself_in_at_least_eight_ways():
    assert len(ATTACKS) >= 8
