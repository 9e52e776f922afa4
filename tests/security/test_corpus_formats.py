"""The corpus of planted secrets through other sources than HAR, and a larger set of the same families that no detector was made from."""

from collections.abc import Iterable

import pytest

from caskmcp.compiler.capture.sources.table import SOURCES
from tests.support.capturing import OTHER_KEY, Captured, capture
from tests.support.corpus_formats import WRITERS, written
from tests.support.secrets import HOST, Case, cases, leaks, recording
from tests.support.unseen import cases as unseen

SECRETS = cases("gone")
# What a format cannot hold is not in its file: an answer in a curl command, a page's title outside HAR.
HELD = {"otel": 50, "curl": 35, "ndjson": 50, "postman": 45}


def captured(kind: str, found: Iterable[Case], key: bytes = b"k" * 32) -> Captured:
    return capture(written(kind, found), HOST, kind=kind, key=key)


def test_each_writer_has_a_source() -> None:
    assert set(WRITERS) <= set(SOURCES)


@pytest.mark.parametrize("kind", WRITERS)
def test_the_file_holds_the_secrets_and_the_capture_none(kind: str) -> None:
    data = written(kind, SECRETS)
    assert len(leaks(SECRETS, data)) >= HELD[kind]
    made = captured(kind, cases())
    assert made.head["kept"] > 60
    assert leaks(SECRETS, made.written) == []


def test_a_span_with_a_header_of_authorization_keeps_its_scheme_alone() -> None:
    (case,) = (case for case in SECRETS if case.where == "otel.attr")
    made = captured("otel", [case])
    assert leaks([case], written("otel", [case])) == [case.id]
    assert leaks([case], made.written) == []
    assert made.only.auth == ("bearer",)


@pytest.mark.parametrize("kind", WRITERS)
def test_two_keys_give_one_capture_of_every_kind(kind: str) -> None:
    assert captured(kind, cases()).head == captured(kind, cases(), OTHER_KEY).head


@pytest.mark.parametrize("seed", [11, 12])
def test_a_larger_set_of_the_same_families_is_gone(seed: int) -> None:
    found = unseen(seed)
    assert len(found) > 200
    data = recording(found)
    hidden = {case.id for case in found if "\n" in case.value and case.where == "req.json.b64"}  # its line ends are escaped inside base64
    assert set(leaks(found, data)) | hidden == {case.id for case in found}
    assert leaks(found, capture(data, HOST).written) == []


@pytest.mark.parametrize("kind", ["otel", "curl", "ndjson"])
def test_a_larger_set_is_gone_from_other_kinds_too(kind: str) -> None:
    found = unseen(13)
    assert leaks(found, captured(kind, found).written) == []
