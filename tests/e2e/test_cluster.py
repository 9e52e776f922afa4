"""A build on a Dask cluster of two real worker processes: the bytes of a build without one, whatever happens to a worker."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caskmcp.canon import Digest
from caskmcp.engine.cluster import Cluster, _own
from caskmcp.errors import CaskError, Exit
from caskmcp.workflows import build, work
from tests.support.toy import Bench
from tests.support.world import world
from tests.unit.workflows.test_jobs import large, tree

distributed = pytest.importorskip("distributed", reason="the extra `scale` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
    ) as found:
        yield found


def address(cluster: Any) -> str:
    return str(cluster.scheduler_address)


def project(folder: Path, data: bytes) -> Path:
    folder.mkdir()
    (folder / "a.har").write_bytes(data)
    (folder / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\nsources: [{har: a.har}]\n")
    (folder / ".caskmcp" / "state").mkdir(parents=True)
    (folder / ".caskmcp" / "state" / "redaction.key").write_bytes(bytes(range(32)))
    (folder / ".caskmcp" / "state" / "redaction.key").chmod(0o600)
    return folder


def test_a_cluster_gives_the_bytes_of_one_process(workers: Any, tmp_path: Path) -> None:
    data, engine = large(), address(workers).replace("tcp://", "dask://")
    trees = []
    for name, options in (("alone", {"jobs": 1}), ("cluster", {"engine": engine})):
        folder = project(tmp_path / name, data)
        build.run(world(folder), **options)
        trees.append(tree(folder))
    assert len(trees[0]) > 8
    assert trees[0] == trees[1]


def bench(folder: Path) -> Bench:
    folder.mkdir()
    made = Bench(folder)
    for number in range(12):
        made.source(f"{number}.txt", f"NAP{number} x\n")
    return made


def test_a_worker_that_is_killed_costs_only_what_it_was_at(workers: Any, tmp_path: Path) -> None:
    alone, killed = bench(tmp_path / "alone"), bench(tmp_path / "killed")
    alone.build()
    victim, _ = _pids(workers)
    threading.Timer(0.5, lambda: os.kill(victim, signal.SIGKILL)).start()
    begun = time.monotonic()
    with Cluster(address(workers), Digest(_own())) as pool:
        killed.build(jobs=2, pool=pool)
    assert killed.tree() == alone.tree()
    assert time.monotonic() - begun < 60


def _pids(workers: Any) -> list[int]:
    with distributed.Client(address(workers), set_as_default=False) as client:
        return list(client.run(os.getpid).values())


def test_a_worker_with_another_toolchain_refuses(workers: Any, tmp_path: Path) -> None:
    made = bench(tmp_path / "other")
    with Cluster(address(workers), Digest("sha256:" + "0" * 64)) as pool, pytest.raises(CaskError, match=r"CASK-B005 .*another toolchain"):
        made.build(jobs=2, pool=pool)


def test_a_scheduler_without_workers_is_said_to_have_none(tmp_path: Path) -> None:
    with (
        distributed.LocalCluster(n_workers=0, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50) as empty,
        pytest.raises(CaskError, match="CASK-B005 the scheduler has no worker") as caught,
    ):
        Cluster(address(empty), Digest(_own()))
    assert caught.value.exit == Exit.WORLD


def test_where_no_scheduler_listens_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caskmcp.engine.cluster.SECONDS", 1)
    with pytest.raises(CaskError, match=r"CASK-B005 no scheduler answers · tcp://127\.0\.0\.1:9"):
        Cluster("tcp://127.0.0.1:9", Digest(_own()))


@pytest.mark.parametrize(
    "engine", ["dask", "dask://", "dask://host", "dask://host:port", "ray://host:1", "dask+ucx://host:1", "dask://a b:1", ""]
)
def test_what_is_no_engine_is_bad_input(engine: str, tmp_path: Path) -> None:
    with pytest.raises(CaskError, match="CASK-I001"):
        build.run(world(project(tmp_path / "p", b'{"log": {"entries": []}}')), engine=engine)


def test_tls_is_what_the_address_says() -> None:
    assert work._address("dask+tls://10.0.0.1:8786") == "tls://10.0.0.1:8786"
    assert work._address("dask://[::1]:8786") == "tcp://[::1]:8786"
