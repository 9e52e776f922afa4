"""AWS Signature Version 4: the published test suite, and what of a request of ours is signed."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp.model.auth import SigV4
from caskmcp.runtime import sigv4
from caskmcp.runtime.plan import PreparedRequest
from caskmcp.runtime.sigv4 import Keys

SUITE: Final = Path(__file__).parents[3] / "fixtures" / "sigv4" / "aws4_testsuite.jsonl"
VECTORS: Final = [json.loads(line) for line in SUITE.read_text(encoding="utf-8").splitlines()]
SECRET: Final = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
RULE: Final = SigV4(key_id="env:AWS_ACCESS_KEY_ID", region="us-east-1", service="service")
AT: Final = "2015-08-30T12:36:00Z"


def test_the_suite_is_whole() -> None:
    assert len({row["name"] for row in VECTORS}) == 34


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["name"])
def test_a_request_of_the_published_suite_gets_its_published_signature(row: dict[str, Any]) -> None:
    digest = hashlib.sha256(row["body"].encode()).hexdigest()
    names, asked = sigv4.canonical(row["method"], row["target"].encode(), [tuple(each) for each in row["headers"]], digest)
    assert names == row["names"]
    assert sigv4.signature(SECRET, "20150830/us-east-1/service/aws4_request", "20150830T123600Z", asked) == row["signature"]


def request(target: bytes = b"/", **headers: str) -> PreparedRequest:
    rows = (("Host", "example.amazonaws.com"), *((name.replace("_", "-"), value) for name, value in headers.items()))
    return PreparedRequest("GET", "https", "10.1.2.3", 443, target, rows)


def signed(of: PreparedRequest, rule: SigV4 = RULE, session: str = "") -> dict[str, str]:
    return dict(sigv4.signed(of, rule, Keys("AKIDEXAMPLE", SECRET, session), AT).headers)


def test_a_request_of_ours_is_signed_as_the_suite_says() -> None:
    """`get-vanilla`: the host of the Host header counts, wherever the request goes; headers that proxies change do not."""
    head = signed(request(User_Agent="caskmcp/1", Accept="*/*", Accept_Encoding="gzip"))
    assert head["X-Amz-Date"] == "20150830T123600Z"
    assert head["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


def test_a_session_token_is_sent_and_signed() -> None:
    head = signed(request(), session="6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267")
    assert head["Authorization"].endswith("Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8")


def test_each_part_of_the_request_changes_the_signature() -> None:
    made = [request(), request(b"/a"), request(b"/?a=1"), request(X_Api="1"), request(Content_Type="a/b")]
    changed = PreparedRequest("POST", "https", "10.1.2.3", 443, b"/", (("Host", "example.amazonaws.com"),), b"x")
    assert len({signed(each)["Authorization"].rpartition("=")[2] for each in (*made, changed)}) == 6


def test_a_path_is_encoded_once_more_but_for_s3_which_also_wants_the_digest_of_the_body() -> None:
    s3 = RULE.model_copy(update={"service": "s3"})
    digest = "0" * 64
    assert sigv4.canonical("GET", b"/a%20b//c", (), digest)[1].split("\n")[1] == "/a%2520b/c"
    assert sigv4.canonical("GET", b"/a%20b//c", (), digest, once=True)[1].split("\n")[1] == "/a%20b//c"
    assert signed(request(), s3)["X-Amz-Content-Sha256"] == EMPTY
    assert "SignedHeaders=host;x-amz-content-sha256;x-amz-date" in signed(request(), s3)["Authorization"]
    assert "X-Amz-Content-Sha256" not in signed(request())


@pytest.mark.parametrize(
    ("target", "path"), [(b"/v1../x", "/v1../x"), (b"/a/b..", "/a/b.."), (b"/../a/./b/", "/a/b/"), (b"//", "/"), (b"/a/../..", "/")]
)
def test_only_whole_segments_of_dots_go_from_a_path(target: bytes, path: str) -> None:
    assert sigv4.canonical("GET", target, (), EMPTY)[1].split("\n")[1] == path


def test_the_key_stands_nowhere_in_the_request() -> None:
    assert SECRET not in repr(sigv4.signed(request(), RULE, Keys("AKIDEXAMPLE", SECRET), AT))
