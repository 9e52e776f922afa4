"""`cask capture proxy` and `setup-proxy` as stories; and flow files on their way through `capture import` and `init`."""

import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.ports import World
from caskmcp.record.proxy import Listening
from caskmcp.workflows import capture, init, proxy
from tests.support.standin import standin
from tests.support.syntax import ROOT
from tests.support.world import ScriptedConsole, world

FLOWS = ROOT / "fixtures/captures/flows"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "bin").mkdir()
    return tmp_path / "project"


def here(folder: Path, code: str | None = None, **environ: str) -> World:
    """A world in which mitmdump does what the code says."""
    if code is not None:
        environ["CASK_MITMDUMP"] = str(standin(folder.parent / "bin", code).path)
    return world(folder, environ=environ, console=ScriptedConsole(interactive=False))


def record(
    at: World, *, hosts: tuple[str, ...] = ("api.example.com",), port: int = 0, upstream_ca: str | None = None
) -> Mapping[str, object]:
    return proxy.run(at, hosts=hosts, port=port, duration=5, upstream_ca=upstream_ca).summary


# ---------------------------------------------------------------- live
def test_what_passes_the_proxy_becomes_a_capture_and_how_to_use_it_is_told(folder: Path) -> None:
    at = here(folder, "begin(); listen(); exchange(1); exchange(2); say(**{'is': 'passed', 'host': 'x.test'}); end(2)")
    report = proxy.run(at, hosts=("api.example.com",), port=0, duration=5, upstream_ca=None)
    assert report.lines[:2] == ("the proxy: 2 exchanges; left out: 1 third party", "  hosts that are not yours: x.test (1)")
    (identity,) = (path.name for path in (folder / ".caskmcp/captures").iterdir())
    assert f"- capture: {identity}" in (folder / "cask.yaml").read_text()
    assert isinstance(at.console, ScriptedConsole)
    told = at.console.text
    authority = folder.parent / "project-state/caskmcp/proxy/mitmproxy-ca-cert.pem"
    assert "Proxy on 127.0.0.1:8099 (mitmproxy 12.2.3, $CASK_MITMDUMP)" in told
    assert f"  curl --proxy http://127.0.0.1:8099 --cacert {authority} https://api.example.com/" in told
    assert at.console.printed == []


def test_the_instructions_name_each_platform_with_the_file_and_the_port() -> None:
    lines = list(proxy.instructions(Listening(8099, "12.2.3", Path("/state/ca.pem")), "on the PATH", ("api.example.com", "b.test"), None))
    text = "\n".join(lines)
    for platform in ("macOS", "Windows", "Debian", "Fedora", "Firefox", "Android", "iOS"):
        assert platform in text
    assert "sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain /state/ca.pem" in text
    assert "adb reverse tcp:8099 tcp:8099" in text
    assert "Python: SSL_CERT_FILE=/state/ca.pem or REQUESTS_CA_BUNDLE=/state/ca.pem; Node: NODE_EXTRA_CA_CERTS=/state/ca.pem" in text
    assert "{" not in text
    assert lines[1] == "Records api.example.com, b.test; everything else passes unrecorded, and its tunnels unopened."
    assert lines[-1] == "Ctrl-C ends the recording and keeps what was seen."


def test_a_certificate_in_a_folder_with_spaces_is_quoted() -> None:
    text = "\n".join(proxy.instructions(Listening(1, "12", Path("/a b/ca.pem")), "here", ("h.test",), 2.5))
    assert "--cacert '/a b/ca.pem' https://h.test/" in text
    assert text.endswith("It ends by itself after 2.5 s.")


def test_nothing_that_passed_is_an_error_and_writes_nothing_into_the_project(folder: Path) -> None:
    with pytest.raises(CaskError) as raised:
        record(here(folder, "begin(); listen(); say(**{'is': 'passed', 'host': 'x.test'}); end(0)"))
    assert (raised.value.code, raised.value.exit) == ("CASK-C003", 3)
    assert raised.value.what == "0 of 1 entries kept; hosts seen: x.test"
    assert raised.value.mend == "… -a x.test"
    assert list(folder.iterdir()) == []


def test_hosts_are_the_projects_where_none_are_given(folder: Path) -> None:
    (folder / "cask.yaml").write_text("version: 1\nhosts: [api.example.com]\n")
    assert record(here(folder, "begin(); listen(); exchange(1); end(1)"), hosts=()) == {"added": 1, "kept": 1}


def test_without_a_host_or_a_program_nothing_is_started(folder: Path) -> None:
    with pytest.raises(CaskError) as hostless:
        record(here(folder, "sys.exit(1)"), hosts=())
    with pytest.raises(CaskError) as missing:
        record(here(folder))
    assert (hostless.value.code, hostless.value.mend) == ("CASK-I001", "… -a HOST")
    assert (missing.value.code, missing.value.mend) == ("CASK-W002", "cask capture setup-proxy")


def test_a_port_that_is_taken_is_said_with_another_one(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CaskError) as raised:
            record(here(folder, "sys.exit(1)"), port=port)
    assert (raised.value.code, raised.value.mend) == ("CASK-C020", f"… --port {port + 1}")


def test_certificates_for_upstreams_are_handed_on_and_have_to_be_there(folder: Path) -> None:
    code = "begin(); listen(); exchange(1); end(1); open(os.path.dirname(__file__) + '/argv', 'w').write(' '.join(sys.argv))"
    (folder / "ca.pem").write_text("x")
    record(here(folder, code), upstream_ca="ca.pem")
    assert f"ssl_verify_upstream_trusted_ca={folder / 'ca.pem'}" in (folder.parent / "bin/argv").read_text()
    with pytest.raises(CaskError) as raised:
        record(here(folder, code), upstream_ca="none.pem")
    assert (raised.value.code, raised.value.place) == ("CASK-I002", "none.pem")


def test_a_program_inside_the_project_is_refused_also_from_a_folder_below(folder: Path) -> None:
    (folder / "cask.yaml").write_text("version: 1\nhosts: [api.example.com]\n")
    (folder / "below").mkdir()
    inside = standin(folder, "begin(); listen(); exchange(1); end(1)").path
    with pytest.raises(CaskError) as raised:
        record(world(folder / "below", environ={"CASK_MITMDUMP": str(inside)}))
    assert raised.value.what == "$CASK_MITMDUMP cannot be taken: it lies inside the project"


# ---------------------------------------------------------------- flow files
def test_a_flow_file_is_converted_and_becomes_a_capture(folder: Path) -> None:
    at = here(folder, "begin(); exchange(1); exchange(2); end(2)")
    report = capture.take(at, sources=(str(FLOWS / "odd.mitm"),), hosts=("api.example.com",))
    assert report.summary == {"added": 1, "kept": 2}
    assert [row["kind"] for row in capture.listing(world(folder)).tables["captures"]] == ["flows"]


@pytest.mark.parametrize("code", ["begin(); exchange(1); end(1); sys.exit(1)", "begin(); exchange(1); say(**{'is': 'failed'})"])
def test_a_flow_file_that_cannot_be_read_is_refused_with_place_and_mend_and_nothing_is_written(code: str, folder: Path) -> None:
    with pytest.raises(CaskError) as raised:
        capture.take(here(folder, code), sources=(str(FLOWS / "odd.mitm"),), hosts=("api.example.com",))
    assert (raised.value.code, raised.value.exit, raised.value.mend) == ("CASK-C001", 3, "take the recording again, whole")
    assert (raised.value.place or "").startswith(str(FLOWS / "odd.mitm"))
    assert list(folder.iterdir()) == []


def test_a_flow_file_without_mitmdump_is_said_with_how_to_get_it(folder: Path) -> None:
    with pytest.raises(CaskError) as raised:
        capture.take(here(folder), sources=(str(FLOWS / "odd.mitm"),), hosts=("api.example.com",))
    assert (raised.value.code, raised.value.mend) == ("CASK-W002", "cask capture setup-proxy")


def test_init_leaves_flow_files_to_capture_import_and_other_files_of_that_ending_alone(folder: Path) -> None:
    shutil.copy(FLOWS / "odd.mitm", folder / "odd.mitm")
    (folder / "types.flow").write_text("// @flow\n")
    report = init.run(world(folder), hosts=("api.example.com",), name=None)
    assert report.summary["sources"] == 0
    assert [(each.code, each.subject, each.mend) for each in report.findings] == [("CASK-C001", "odd.mitm", "cask capture import odd.mitm")]


def test_a_flow_file_alone_does_not_say_whose_the_hosts_are(folder: Path) -> None:
    with pytest.raises(CaskError) as raised:
        capture.take(here(folder, "sys.exit(1)"), sources=(str(FLOWS / "odd.mitm"),), hosts=())
    assert raised.value.code == "CASK-I001"
    assert raised.value.mend == f"cask capture import {FLOWS / 'odd.mitm'} -a HOST"


# ---------------------------------------------------------------- setup
def test_setup_keeps_an_environment_that_works(folder: Path) -> None:
    at = here(folder)
    path = at.data / "mitmproxy/bin/mitmdump"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\necho 'Mitmproxy: 12.2.3'\n")
    path.chmod(0o755)
    report = proxy.setup(at)
    assert report.tables["programs"] == ({"program": str(path), "mitmproxy": "12.2.3", "state": "kept"},)
    assert report.lines == ("Next:", "  cask capture proxy -a HOST")


def test_setup_makes_one_anew_where_the_version_is_not_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = here(folder)
    path = at.data / "mitmproxy/bin/mitmdump"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\necho 'Mitmproxy: 9.0.1'\n")
    path.chmod(0o755)
    maker = folder.parent / "python"
    maker.write_text(f"#!/bin/sh\nsed -i s/9.0.1/12.2.9/ {path}; cp {maker} {path.parent}/python\n")
    maker.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(maker))
    assert proxy.setup(at).tables["programs"] == ({"program": str(path), "mitmproxy": "12.2.9", "state": "installed"},)


def test_setup_refuses_a_place_inside_the_project(folder: Path) -> None:
    (folder.parent / "cask.yaml").write_text("version: 1\nhosts: [a.test]\n")
    with pytest.raises(CaskError) as raised:
        proxy.setup(here(folder))
    assert (raised.value.code, raised.value.mend) == ("CASK-I005", "unset XDG_DATA_HOME")
