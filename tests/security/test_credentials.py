"""Where secrets go and where they never go: a real token server, a real API and the whole gateway, with what lies on the disk and stands in `/proc`.

Each guard is also taken away: then what it keeps back comes through.
"""

import hashlib
import hmac
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest

from caskmcp.model.auth import AuthRule
from caskmcp.model.project import EnvironmentHost
from caskmcp.runtime import conduct as driver
from caskmcp.runtime.clean import clean
from caskmcp.runtime.conduct import Hands
from caskmcp.runtime.confirm import Confirmations
from caskmcp.runtime.gateway import Call, Flight
from caskmcp.runtime.respond import Result
from caskmcp.runtime.state import State
from caskmcp.runtime.surface import Surface
from caskmcp.runtime.upstream import Upstream as Client
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.store.files import LocalFiles
from tests.support import audited
from tests.support.calls import GET_ORDER, HOST, PAY_ORDER, served
from tests.support.idp import CLIENT, REFRESH, SECRET, Guarded, TokenServer, refusal
from tests.support.upstream import Heard, Upstream, answer
from tests.support.world import NOON, CountingEntropy

OAUTH = {"token_url": "https://id.example.com/oauth/token", "client_id": CLIENT}


class Place(NamedTuple):
    """A token server, an API behind it, and a folder that is the whole disk."""

    mind: TokenServer
    idp: Upstream
    api: Upstream
    folder: Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    mind = TokenServer()
    with Upstream(mind) as idp, Upstream(Guarded(mind)) as api:
        yield Place(mind, idp, api, tmp_path)


def rule(scheme: str = "oauth2", reference: str = "env:CLIENT_SECRET", **more: Any) -> AuthRule:
    if scheme == "oauth2":
        more = {"oauth2": {**OAUTH, **more}}
    return AuthRule.model_validate_json(json.dumps({"scheme": scheme, "from": reference, **more}))


def surface(place: Place, auth: AuthRule, *tools: Any, **environment: EnvironmentHost) -> Surface:
    places = {HOST: EnvironmentHost(url=place.api.url, private=True), "id.example.com": EnvironmentHost(url=place.idp.url, private=True)}
    return served(*(tools or (GET_ORDER,)), environment={**places, **environment}, auth={HOST: auth})


def called(
    place: Place,
    on: Surface,
    *calls: str,
    environ: Mapping[str, str] | None = None,
    carried: Mapping[str, str] | None = None,
    log: list[str] | None = None,
) -> list[Result]:
    """Calls in a row, or at once, over one set of real ports."""
    credentials = ReferencedCredentials({"CLIENT_SECRET": SECRET} if environ is None else environ, LocalFiles(), place.folder / "config")

    async def run() -> list[Result]:
        state = State(place.folder / "state" / "confirmations.db")
        journal = audited.journal(place.folder / "state" / "audit")
        hands = Hands(state, Confirmations(state, CountingEntropy()), Client(), credentials, journal)
        with closing(state):
            results = []
            for number, name in enumerate(calls or ("get_order",)):
                call = Call(f"c{number}", name, {"order_id": 7}, "stdio", NOON, carried=carried or {})
                results.append(await driver.conduct(Flight(call, on, clean), hands, (log if log is not None else []).append))
            await hands.upstream.aclose()
            journal.close()
            return results

    return anyio.run(run)


def written(place: Place) -> bytes:
    """Every byte under the root."""
    return b"".join(path.read_bytes() for path in sorted(place.folder.rglob("*")) if path.is_file() and "config" not in path.parts)


# ---------------------------------------------------------------- tokens of a real server
@pytest.mark.parametrize("auth", ["basic", "post"])
def test_a_token_is_got_once_and_sent_with_each_call(place: Place, auth: str) -> None:
    results = called(place, surface(place, rule(client_auth=auth)), "get_order", "get_order", "get_order")
    assert [result.error for result in results] == ["", "", ""]
    assert place.mind.given == ["access-token-1"]
    assert [heard.header("authorization") for heard in place.api.heard] == ["Bearer access-token-1"] * 3


def test_a_refresh_token_is_changed_for_tokens_and_the_newest_one_is_used(place: Place) -> None:
    place.mind.expires = 0
    auth = rule(reference="env:REFRESH", grant="refresh_token", client_secret="env:CLIENT_SECRET")
    results = called(place, surface(place, auth), "get_order", "get_order", environ={"REFRESH": REFRESH, "CLIENT_SECRET": SECRET})
    assert [result.error for result in results] == ["", ""]
    assert [form["refresh_token"] for form in place.mind.forms] == ["r3fresh-token-0", "r3fresh-token-1"]


def test_a_token_that_is_refused_is_renewed_once_and_the_call_is_sent_again(place: Place) -> None:
    assert isinstance(place.api.reply, Guarded)
    place.api.reply.taken_back.add("access-token-1")
    (result,) = called(place, surface(place, rule()))
    assert result.error == ""
    assert [heard.header("authorization") for heard in place.api.heard] == ["Bearer access-token-1", "Bearer access-token-2"]


@pytest.mark.feature(83)
def test_a_credential_that_stays_refused_is_told_by_its_reference_and_not_tried_a_third_time(place: Place) -> None:
    assert isinstance(place.api.reply, Guarded)
    place.api.reply.taken_back |= {f"access-token-{number}" for number in range(1, 9)}
    (result,) = called(place, surface(place, rule()))
    assert result.error == "CASK-R030"
    assert "env:CLIENT_SECRET (401)" in result.text
    assert "who are you" not in result.text
    assert len(place.api.heard) == 2
    (line,) = audited.decisions(place.folder / "state" / "audit")
    assert (line["verdict"], line["status"], line["code"]) == ("allow", 401, "CASK-R030")


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("env:CLIENT_SECRET", "sets CLIENT_SECRET to one that holds and starts the server again"),
        ("caller:x-shop-token", "send one that holds in the header `x-shop-token`"),
    ],
)
def test_what_mends_a_refused_secret_depends_on_where_it_comes_from(place: Place, reference: str, told: str) -> None:
    (result,) = called(place, surface(place, rule("bearer", reference)), carried={"x-shop-token": "n0-good"})
    assert (result.error, told in result.text) == ("CASK-R030", True)
    assert len(place.api.heard) == 1


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (lambda: refusal("invalid_client"), "answers 401: invalid_client; it was asked with env:CLIENT_SECRET"),
        (lambda: answer(b'{"access_token":"x"}'), "gives no bearer token"),
        (lambda: answer(status="302 Found", extra=("Location: http://169.254.169.254/",)), "answers 302"),
        (lambda: b"", "cannot be reached"),
        (lambda: answer(b'{"access_token":"' + b"x" * 100_000 + b'","token_type":"bearer"}'), "gives no bearer token"),
    ],
)
def test_without_a_token_nothing_is_sent_to_the_api(place: Place, says: Any, told: str) -> None:
    place.mind.says = says
    (result,) = called(place, surface(place, rule()))
    assert result.error == "CASK-R031"
    assert told in result.text
    assert place.api.heard == []


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"id.example.com": EnvironmentHost(url="http://127.0.0.1:9")}, "CASK-E003"),
        ({"id.example.com": EnvironmentHost(url="http://169.254.169.254", private=True)}, "CASK-E003"),
        ({"id.example.com": EnvironmentHost.model_construct(url="ftp://id.example.com", private=True)}, "CASK-E001"),
    ],
)
def test_the_client_secret_goes_to_no_place_that_a_call_could_not_go_to(place: Place, where: Any, code: str) -> None:
    (result,) = called(place, surface(place, rule(), **where))
    assert result.error == code
    assert place.api.heard == place.idp.heard == []


def test_in_a_chosen_environment_no_token_is_got_where_that_names_no_place(place: Place) -> None:
    on = served(GET_ORDER, environment={HOST: EnvironmentHost(url=place.api.url, private=True)}, auth={HOST: rule()})
    (result,) = called(place, on)
    assert result.error == "CASK-E001"
    assert "id.example.com" in result.text


def test_without_the_check_of_addresses_the_secret_would_go_there(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caskmcp.runtime.egress.check_address", lambda *_, **__: None)
    monkeypatch.setattr("caskmcp.runtime.upstream.check_address", lambda *_, **__: None)
    on = surface(place, rule(), **{"id.example.com": EnvironmentHost(url=place.idp.url)})
    (result,) = called(place, on)
    assert (result.error, len(place.idp.heard)) == ("", 1), "the verdicts above would hold without the guard"


# ---------------------------------------------------------------- where secrets stand
ECHO = ("access-token-1", "r3fresh-token-1", SECRET)


@pytest.mark.feature(84)
def test_neither_token_nor_secret_is_on_the_disk_in_the_log_or_in_what_the_agent_reads(place: Place) -> None:
    """The token cache is memory alone: there is no file of it that could be read, encrypted or not. The API repeats the token; it is cut."""
    log: list[str] = []
    auth = rule(reference="env:REFRESH", grant="refresh_token", client_secret="env:CLIENT_SECRET")
    on, environ = surface(place, auth, GET_ORDER, PAY_ORDER), {"REFRESH": REFRESH, "CLIENT_SECRET": SECRET}
    results = called(place, on, "get_order", "pay_order", "nothing", environ=environ, log=log)
    place.mind.says = lambda: refusal("invalid_grant")
    results += called(place, on, environ=environ, log=log)
    assert [result.error for result in results] == ["", "CASK-R005", "CASK-R001", "CASK-R031"]
    assert results[0].structured == {"ok": True, "you_sent": "[credential removed]"}
    seen = written(place) + repr((results, log)).encode()
    assert len(written(place)) > 1000
    assert [secret for secret in (*ECHO, REFRESH) if secret.encode() in seen] == []
    assert [secret for secret in (*ECHO, REFRESH) if secret.encode() in _command_lines()] == []


def test_without_the_cut_the_agent_would_read_the_token(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caskmcp.runtime.authenticate.Held.cut", lambda _, then: lambda value: value)
    (result,) = called(place, surface(place, rule()))
    assert "access-token-1" in result.text


def _command_lines() -> bytes:
    if not Path("/proc/self/cmdline").exists():
        return b""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes())
        except OSError:  # it has ended meanwhile
            continue
    return b"\n".join(found)


def test_what_a_command_prints_is_in_no_process_list_and_is_renewed_once_when_it_is_refused(place: Place) -> None:
    folder = place.folder / "config"
    folder.mkdir()
    lists = "pathlib.Path('/proc').glob('[0-9]*/cmdline')"
    (folder / "print.py").write_text(
        "import pathlib\n"
        f"p = pathlib.Path({str(folder / 'runs')!r})\nn = len(p.read_text()) if p.exists() else 0\np.write_text('x' * (n + 1))\n"
        f"pathlib.Path({str(folder / 'listed')!r}).write_bytes(b''.join(q.read_bytes() for q in {lists} if q.parent.exists()))\n"
        "print('access-token-' + str(n))\n"
    )
    config = folder / "config.yaml"
    config.write_text(f"credentials: {{shop: {{command: [{sys.executable}, -S, {folder / 'print.py'}]}}}}")
    config.chmod(0o600)
    place.mind.given.append("access-token-1")
    results = called(place, surface(place, rule("bearer", "config:shop")), "get_order", "get_order")
    assert [result.error for result in results] == ["", ""]
    assert [heard.header("authorization") for heard in place.api.heard] == [f"Bearer access-token-{number}" for number in (0, 1, 1)]
    if Path("/proc/self").exists():
        assert b"print.py" in (folder / "listed").read_bytes()
        assert b"access-token-" not in (folder / "listed").read_bytes()
    assert b"access-token-" not in written(place)


# ---------------------------------------------------------------- signatures
def _verified(heard: Heard) -> bytes:
    """The signer's other end: takes what was signed with its key over what it got, and nothing else."""
    asked = f"{heard.method}\n{heard.target}\n{heard.header('x-time')}\n".encode() + heard.body
    good = hmac.new(b"k3y-of-the-shop", asked, hashlib.sha256).hexdigest()
    return answer(b'{"ok":true}') if heard.header("x-signature") == f"v1={good}" else answer(status="401 Unauthorized")


def test_an_api_that_checks_signatures_takes_ours_and_none_by_another_key(place: Place) -> None:
    place.api.reply = _verified
    auth = rule(
        "hmac",
        "env:KEY",
        hmac={"header": "X-Signature", "parts": ["method", "target", "timestamp", "body"], "prefix": "v1=", "timestamp": "X-Time"},
    )
    good, bad = (called(place, surface(place, auth), environ={"KEY": key})[0] for key in ("k3y-of-the-shop", "another-key"))
    assert (good.error, bad.error) == ("", "CASK-R030")
    assert b"k3y-of-the-shop" not in written(place) + b"".join(heard.head.encode() for heard in place.api.heard)


def test_a_request_to_aws_is_signed_with_three_references(place: Place) -> None:
    place.api.reply = lambda heard: answer(json.dumps({"head": heard.head}).encode())
    auth = rule(
        "sigv4", "env:SECRET", sigv4={"key_id": "env:KEY_ID", "session": "env:SESSION", "region": "eu-west-1", "service": "execute-api"}
    )
    environ = {"SECRET": "aws-s3cret-key", "KEY_ID": "AKIDEXAMPLE", "SESSION": "s3ssion-token"}
    (result,) = called(place, surface(place, auth), environ=environ)
    (heard,) = place.api.heard
    scope = (
        "Credential=AKIDEXAMPLE/20261121/eu-west-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature="
    )
    assert (heard.header("authorization") or "").startswith(f"AWS4-HMAC-SHA256 {scope}")
    assert heard.header("x-amz-security-token") == "s3ssion-token"
    assert "s3ssion-token" not in result.text
    for name, told in (("SECRET", "SECRET is not set"), ("KEY_ID", "KEY_ID is not set"), ("SESSION", "SESSION is not set")):
        (result,) = called(place, surface(place, auth), environ={key: value for key, value in environ.items() if key != name})
        assert (result.error, told in result.text) == ("CASK-R009", True)


# ---------------------------------------------------------------- the caller's own header
def test_a_header_of_the_caller_is_passed_on_where_an_approved_rule_names_it(place: Place) -> None:
    place.api.reply = lambda heard: answer(json.dumps({"head": heard.head}).encode())
    on = surface(place, rule("bearer", "caller:x-shop-token"))
    (result,) = called(place, on, carried={"x-shop-token": "mine-alone"})
    assert place.api.heard[0].header("authorization") == "Bearer mine-alone"
    assert "mine-alone" not in result.text
    assert b"mine-alone" not in written(place)


@pytest.mark.parametrize("carried", [{}, {"x-other": "mine"}, {"x-shop-token": "bad\x7f"}, {"x-shop-token": ""}])
def test_without_it_nothing_is_sent_and_nobody_elses_is_taken(place: Place, carried: dict[str, str]) -> None:
    on = surface(place, rule("bearer", "caller:x-shop-token"))
    results = called(place, on, environ={"X_SHOP_TOKEN": "the-servers"}, carried=carried)
    assert results[0].error == "CASK-R009"
    assert "x-shop-token" in results[0].text
    assert place.api.heard == []
