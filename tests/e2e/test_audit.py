"""The record under real servers: one that is killed in the middle of its calls, one that is ended well, and what an agent can ask after."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from caskmcp.workflows import audit, why
from caskmcp.workflows.audit import Asked
from tests.support import audited
from tests.support.patience import HANGS
from tests.support.serving import META, Project, Served, project
from tests.support.upstream import Upstream
from tests.support.world import world


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Project]:
    with Upstream() as upstream:
        yield project(tmp_path, upstream)


def ended(server: Served) -> None:
    """The client closes its end."""
    assert server.process.stdin is not None
    server.process.stdin.close()
    server.process.wait(HANGS)


def killed(server: Served) -> int:
    """In the middle of many calls; how many of them were answered before."""
    for number in range(60):
        params = {"name": "r", "arguments": {"order_id": number}, "_meta": META}
        server.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
    answers = sum(server.heard(HANGS) is not None for _ in range(20))
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(HANGS)
    return answers


@pytest.mark.feature(94)
def test_servers_that_end_well_and_badly_leave_one_record_that_holds(shop: Project) -> None:
    here = world(shop.folder, config=shop.config)
    with Served(shop) as second:
        assert second.code("r", order_id=2) == ""
        answered = killed(second)
    with Served(shop) as first:
        assert first.code("r", order_id=1) == ""
        refused = first.call("w", order_id=3)
        ended(first)
    report = audit.verify(here)
    assert (report.exit, report.summary["flaws"]) == (0, 0)
    assert sorted(row["state"] for row in report.tables["segments"]) == ["open", "sealed"]
    assert answered > 0
    assert report.summary["decisions"] >= answered + 3, "what was answered is on record"

    error = refused["_meta"]["dev.caskmcp/error"]
    says = {row["what"]: row["says"] for row in why.run(here, error["call"]).tables["why"]}
    assert (says["rule"], says["command"]) == ("CASK-R005", f"cask confirm grant {error['challenge']}")
    (row,) = audit.query(here, Asked(id=error["call"])).tables["decisions"]
    assert (row["tool"], row["verdict"]) == ("w", "confirm")

    (sealed,) = [path for path in audited.files(here.cwd / ".caskmcp/state/audit") if audited.lines(path)[-1].get("kind") == "seal"]
    whole = sealed.read_bytes()
    audited.edit(sealed, lambda lines: [lines[0], *lines[2:]])
    (found,) = [row for row in audit.verify(here).findings if row.severity == "refused"]
    assert (found.message, found.place) == ("1 line is missing before this one", f"state/audit/{sealed.name}:2")
    sealed.write_bytes(whole)

    (cut,) = [path for path in audited.files(here.cwd / ".caskmcp/state/audit") if audited.lines(path)[-1].get("kind") != "seal"]
    audited.edit(cut, lambda lines: lines[:-1])
    report = audit.verify(here)
    assert (report.exit, report.findings[0].code) == (4, "CASK-S004")
    assert report.findings[0].place.startswith(f"state/audit/{cut.name}:")
