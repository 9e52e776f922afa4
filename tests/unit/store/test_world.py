"""Clock, entropy and credentials as they are, and where everything lies under the root."""

import importlib.util
import re
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.ports import Clock, Credentials, Entropy
from caskmcp.store.clock import SystemClock
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.store.entropy import SystemEntropy
from caskmcp.store.layout import Pack, Root


def test_the_clock_tells_utc_with_seconds() -> None:
    clock: Clock = SystemClock()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", clock.now())
    assert clock.now() >= "2026-01-01"


def test_two_tokens_differ_and_have_the_size_asked_for() -> None:
    entropy: Entropy = SystemEntropy()
    assert len(entropy.token(32)) == 32
    assert entropy.token(32) != entropy.token(32)


def test_a_secret_is_found_by_its_environment_variable() -> None:
    credentials: Credentials = ReferencedCredentials({"STORE_TOKEN": "s3"})
    assert credentials.resolve("env:STORE_TOKEN") == "s3"


@pytest.mark.parametrize("reference", ["env:ABSENT", "env:EMPTY", "file:/etc/passwd", "command:id", "nonsense", ""])
def test_a_reference_that_leads_to_nothing_is_refused_without_a_value(reference: str) -> None:
    with pytest.raises(CaskError) as caught:
        ReferencedCredentials({"EMPTY": "", "OTHER": "hunter2"}).resolve(reference)
    assert caught.value.code == "CASK-R009"
    assert caught.value.mend
    assert "hunter2" not in str(caught.value)


@pytest.mark.skipif(importlib.util.find_spec("keyring") is not None, reason="the extra is installed here")
def test_a_keyring_reference_without_the_extra_names_it() -> None:
    with pytest.raises(CaskError) as caught:
        ReferencedCredentials({}).resolve("keyring:store")
    assert caught.value.code == "CASK-W002"
    assert caught.value.mend == 'pip install "caskmcp[keyring]"'


ROOT = Root(Path("/p/.caskmcp"))
PACK = ROOT.pack("shop")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (ROOT.exchanges("2f9c"), "captures/2f9c/exchanges.ndjson.gz"),
        (ROOT.redaction("2f9c"), "captures/2f9c/redaction.json"),
        (PACK.toolpack, "toolpacks/shop/toolpack.yaml"),
        (PACK.artifact("tools.json"), "toolpacks/shop/artifact/tools.json"),
        (PACK.observations, "toolpacks/shop/artifact/observations.json"),
        (PACK.pending, "toolpacks/shop/lockfile/caskmcp.lock.pending.yaml"),
        (PACK.lock, "toolpacks/shop/lockfile/caskmcp.lock.yaml"),
        (PACK.content("sha256:ab"), "toolpacks/shop/lockfile/content/ab.json"),
        (PACK.trust_root(3), "toolpacks/shop/trust/3.root.json"),
        (ROOT.baseline("shop"), "baselines/shop/baseline.json"),
        (ROOT.confirmations, "state/confirmations.db"),
        (ROOT.lock, "state/lock"),
        (ROOT.keys, "state/keys"),
        (ROOT.audit, "state/audit"),
        (ROOT.redaction_key, "state/redaction.key"),
        (ROOT.evidence("r1"), "evidence/r1"),
        (ROOT.blobs, "cache/blobs"),
        (ROOT.receipts, "cache/receipts"),
        (ROOT.index, "cache/index"),
    ],
)
def test_everything_lies_where_the_specification_says(path: Path, place: str) -> None:
    assert path == Path("/p/.caskmcp") / place


def test_a_relocated_pack_finds_its_own_files() -> None:
    assert Pack(Path("/srv/shop")).lock == Path("/srv/shop/lockfile/caskmcp.lock.yaml")
