"""Which state a server and `cask confirm` are given: the root's own, or one that a URL leads to; the URL itself is shown nowhere."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.ports import World
from caskmcp.runtime import state_postgres, state_redis
from caskmcp.runtime.commands import Binding
from caskmcp.runtime.keeper import Challenge
from caskmcp.runtime.state import State
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.workflows import confirm, here, keeping
from tests.support.stateservers import redis_server
from tests.support.world import NOON, world
from tests.unit.runtime.test_keepers import shared

SECRET = "hunter2-hunter2"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".caskmcp").mkdir()
    return tmp_path


def of(folder: Path, url: str = "") -> World:
    return replace(world(folder), credentials=ReferencedCredentials({"STATE": url} if url else {}))


def refused(folder: Path, url: str, reference: str = "env:STATE") -> CaskError:
    at = of(folder, url)
    with pytest.raises(CaskError) as error:
        keeping.keeper(at, here.root(at), reference)
    assert SECRET not in str(error.value)
    return error.value


def test_without_a_reference_the_root_keeps_it(project: Path) -> None:
    at = of(project)
    assert isinstance(keeping.keeper(at, here.root(at), None), State)


@pytest.mark.parametrize("scheme", sorted(keeping.KEEPERS))
def test_each_scheme_has_a_keeper_that_connects_to_nothing_yet(project: Path, scheme: str) -> None:
    pytest.importorskip("redis")
    pytest.importorskip("psycopg")
    at = of(project, f"{scheme}://user:{SECRET}@127.0.0.1:1/0")
    with closing(keeping.keeper(at, here.root(at), "env:STATE")) as held:
        assert held.shared


@pytest.mark.parametrize("url", [f"mysql://u:{SECRET}@h/d", SECRET, f"://{SECRET}", f"{SECRET}:x"])
def test_a_url_of_another_kind_is_refused_and_not_repeated(project: Path, url: str) -> None:
    assert refused(project, url).code == "CASK-I010"


@pytest.mark.parametrize("reference", ["env:ABSENT", "nowhere", f"redis://:{SECRET}@127.0.0.1/0"])
def test_a_reference_that_leads_to_nothing_is_refused_as_is_a_url_in_its_place(project: Path, reference: str) -> None:
    assert refused(project, "", reference).code == "CASK-R009"


@pytest.mark.parametrize(("module", "name", "url"), [(state_redis, "redis", "redis://h"), (state_postgres, "psycopg", "postgresql://h")])
def test_without_the_extra_it_is_named(project: Path, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, url: str) -> None:
    monkeypatch.setattr(module, name, None)
    error = refused(project, url)
    assert error.code == "CASK-W002"
    assert "pip install" in str(error.mend)


@pytest.mark.parametrize(
    "url", [f"redis://:{SECRET}@127.0.0.1:nine/0", f"postgresql://u:{SECRET}@127.0.0.1:nine/d", f"postgres://[{SECRET}"]
)
def test_a_url_that_is_none_ends_in_an_error_without_it(project: Path, url: str) -> None:
    pytest.importorskip("redis")
    pytest.importorskip("psycopg")
    at = of(project, url)
    with pytest.raises(CaskError) as error, closing(keeping.keeper(at, here.root(at), "env:STATE")) as held:
        held.waiting(NOON)
    assert (error.value.code, SECRET in str(error.value)) == ("CASK-R020", False)


@contextmanager
def waiting(folder: Path) -> Iterator[World]:
    """A shared state in which one call waits."""
    with redis_server() as server:
        row = Challenge("q1", Binding("shop", "pay", "sha256:a", "sha256:l", "ann"), "{}", NOON, "2026-11-21T12:10:00Z")
        with closing(shared(server)) as held:
            held.add(row)
        yield of(folder, server.url)
    shutil.rmtree(folder / ".caskmcp")


def test_calls_that_wait_at_replicas_are_listed_and_denied_with_the_same_reference(project: Path) -> None:
    with waiting(project) as at:
        assert confirm.listing(at).summary == {"waiting": 0}
        assert confirm.listing(at, reference="env:STATE").summary == {"waiting": 1}
        with pytest.raises(CaskError, match="no such challenge"):
            confirm.deny(at, challenge="q1")
        assert confirm.deny(at, challenge="q1", reference="env:STATE").summary == {"challenge": "q1", "tool": "pay"}
        assert confirm.listing(at, reference="env:STATE").summary == {"waiting": 0}
