"""Settings that hold for every test: property tests are reproducible, and no test reads the developer's own configuration."""

import gc
import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from caskmcp.govern import keys

# Derandomised: a red run in CI is red on the developer's machine as well. `--hypothesis-profile=search` looks further.
settings.register_profile("house", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

# A shell starts background jobs (and some CI systems start all of theirs) with Ctrl-C ignored, and children inherit that; a terminal does not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _cheap_keys() -> Iterator[None]:
    """Let keys that a test makes in its own process open quickly; that a guess costs 0.6 s is held by `tests/unit/govern/test_keys.py`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "ROUNDS", 1)
        yield


HOMES = itertools.count()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Workers for `-n auto`: one more than there are processors, since many tests wait for a server, a terminal or a disk."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what stays to the end: all tests and modules, half a gigabyte."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _private_world(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own home, so that keys, pins and client files of this user are neither read nor written."""
    # Not `mktemp`, which lists all that it made before: there are thousands.
    home: Path = tmp_path_factory.getbasetemp() / f"home-{next(HOMES)}"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    for name in ("CASK_TRUST_PIN", "CASK_MITMDUMP", "CASK_CHROMIUM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
