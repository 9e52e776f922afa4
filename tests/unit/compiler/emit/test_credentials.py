"""What the manifest says authenticates calls is no argument of a tool: parameters and headers that a scheme sets."""

import json
from typing import Any

import pytest

from caskmcp.compiler.emit.tools import credentials
from caskmcp.model.auth import AuthRule
from caskmcp.model.contract import Contract

CONTRACT = Contract.model_construct(host="api.example.com", port=0)


def rule(scheme: str, **more: Any) -> AuthRule:
    return AuthRule.model_validate_json(json.dumps({"scheme": scheme, "from": "env:S", **more}))


@pytest.mark.parametrize(
    ("of", "names"),
    [
        (rule("bearer"), set()),
        (rule("api_key", name="X-Key"), {"header:x-key"}),
        (rule("api_key", name="key", **{"in": "query"}), {"query:key"}),
        (rule("hmac", hmac={"header": "X-Signature", "parts": ["body"]}), {"header:x-signature"}),
        (
            rule("hmac", hmac={"header": "X-Signature", "parts": ["timestamp"], "timestamp": "X-Time"}),
            {"header:x-signature", "header:x-time"},
        ),
        (
            rule("sigv4", sigv4={"key_id": "env:K", "region": "eu-west-1", "service": "s3"}),
            {"header:authorization", "header:x-amz-date", "header:x-amz-security-token", "header:x-amz-content-sha256"},
        ),
    ],
)
def test_what_a_scheme_sets_is_no_argument(of: AuthRule, names: set[str]) -> None:
    assert credentials(CONTRACT, {"api.example.com": of}) == names
    assert credentials(CONTRACT, {"other.example.com": of}) == set()
