"""The corpus of planted secrets against the capture: what must vanish is nowhere, what must stay is there, and nothing depends on the key."""

import json

import pytest

from tests.support.capturing import OTHER_KEY, Captured, capture
from tests.support.secrets import HOST, Case, cases, forms, leaks, readable, recording

SECRETS = [case for case in cases("gone") if case.where != "otel.attr"]
LOOKALIKES = [case for case in cases("survives") if case.survives != "shape"]


@pytest.fixture(scope="module")
def captured() -> Captured:
    return capture(recording(cases(), repeat=2), HOST)


@pytest.fixture(scope="module")
def written(captured: Captured) -> bytes:
    return captured.written


def test_the_corpus_is_found_before_redaction() -> None:
    assert len(SECRETS) == 59
    assert leaks(SECRETS, recording(SECRETS)) == [case.id for case in SECRETS]


def test_no_secret_is_left_in_any_form(written: bytes) -> None:
    assert leaks(SECRETS, written) == []


@pytest.mark.parametrize("case", SECRETS, ids=lambda case: f"{case.id}-{case.where}")
def test_a_secret_alone_in_its_recording_is_gone(case: Case) -> None:
    data = recording([case, next(iter(LOOKALIKES))])
    assert leaks([case], capture(data, HOST).written) == []


@pytest.mark.parametrize("case", LOOKALIKES, ids=lambda case: f"{case.id}-{case.where}")
def test_a_look_alike_is_still_readable(case: Case, written: bytes) -> None:
    assert readable(case, written)


def test_the_receipt_counts_cuts_by_detector_and_place_and_holds_no_value(captured: Captured) -> None:
    cuts = {(detector, place): count for detector, place, count in captured.head["cuts"]}
    assert cuts["password", "request.body.password"] == 8
    assert cuts["slack-webhook", "path"] == 2
    receipt = json.dumps(captured.head).encode()
    assert not any(form in receipt for case in SECRETS for form in forms(case.value))


def test_two_keys_give_one_capture_id_and_other_placeholders() -> None:
    data = recording(cases())
    first, second = capture(data, HOST), capture(data, HOST, key=OTHER_KEY)
    assert first.head == second.head
    assert first.items != second.items
