"""`cask capture proxy`: traffic of any program, through mitmdump on 127.0.0.1, into a capture; and `setup-proxy`, which gets mitmdump.

How a device comes to trust the proxy is printed and left to the person: nothing is changed on the machine.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.record import mitmdump, proxy
from caskmcp.record.proxy import Listening
from caskmcp.store.places import find_manifest
from caskmcp.workflows import live

FOLDER: Final = "proxy"
"""Below the user's state folder: the certificate authority, so that it has to be trusted once."""
PATIENCE: Final = 600.0
"""Seconds to wait for another installation."""
# fmt: off
TRUST: Final = (
    # where             how it comes to trust the certificate
    ("curl, scripts",   "curl --cacert {file}; Python: SSL_CERT_FILE={file} or REQUESTS_CA_BUNDLE={file}; Node: NODE_EXTRA_CA_CERTS={file}"),
    ("macOS",           "sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {file}"),
    ("Windows",         "certutil -addstore -user Root {file}"),
    ("Debian, Ubuntu",  "sudo cp {file} /usr/local/share/ca-certificates/cask-proxy.crt && sudo update-ca-certificates"),
    ("Fedora, Arch",    "sudo trust anchor {file}"),
    ("Firefox",         "Settings, Privacy & Security, View Certificates, Authorities, Import: {file}, to identify websites"),
    ("Android",         "adb reverse tcp:{port} tcp:{port}; adb push {file} /sdcard/Download/; Settings, Security, Install a certificate, CA certificate"),
    ("iOS Simulator",   "xcrun simctl keychain booted add-root-cert {file} (it uses this Mac's proxy; a phone itself cannot reach 127.0.0.1)"),
)
# fmt: on


def run(world: World, *, hosts: tuple[str, ...], port: int, duration: float | None, upstream_ca: str | None) -> Report:
    """Record until the duration (seconds) is over, or until Ctrl-C. hosts: first parties beside the project's; nothing else is recorded.

    upstream_ca: a file of certificates (PEM) that upstreams are trusted by. Raises CASK-W002 without mitmdump, CASK-C020 where it does not
    begin, CASK-C003 where nothing was kept, and CASK-I001, CASK-I002 for what is given.
    """
    ours = live.first_parties(world, hosts)
    program = mitmdump.find(world.environ, world.data, project(world))
    trusted = _certificates(world, upstream_ca) if upstream_ca else None

    def tell(listening: Listening) -> None:
        for line in instructions(listening, program.origin, ours, duration):
            world.console.note(line)

    seen = proxy.exchanges(program, world.state / FOLDER, hosts=ours, port=port, duration=duration, trusted=trusted, tell=tell)
    return live.keep(world, "proxy", seen, hosts, "the proxy")


def project(world: World) -> Path:
    """The folder that no program is taken from."""
    manifest = find_manifest(world.files, world.cwd)
    return manifest.parent if manifest else world.cwd


def instructions(listening: Listening, origin: str, hosts: tuple[str, ...], duration: float | None) -> Iterator[str]:
    """What a person has to know to send traffic through the proxy."""
    url, file = f"http://{proxy.ADDRESS}:{listening.port}", shlex.quote(str(listening.authority))
    yield f"Proxy on {proxy.ADDRESS}:{listening.port} (mitmproxy {listening.version}, {origin})"
    yield f"Records {', '.join(hosts)}; everything else passes unrecorded, and its tunnels unopened."
    yield f"  curl --proxy {url} --cacert {file} https://{hosts[0]}/"
    yield f"HTTPS needs trust in its certificate, {listening.authority}"
    yield from (f"  {where}: {how.format(file=file, port=listening.port)}" for where, how in TRUST)
    yield "Whoever has the key beside it can read your traffic: take the trust back when you are done."
    yield "Ctrl-C ends the recording and keeps what was seen." + (f" It ends by itself after {duration:g} s." if duration else "")


def _certificates(world: World, given: str) -> Path:
    path = world.cwd / given
    if not world.files.exists(path) or world.files.is_folder(path):
        raise CaskError("CASK-I002", "there is no such file of certificates", place=given, mend=f"ls -l {shlex.quote(given)}")
    return path


# ---------------------------------------------------------------- setup
def setup(world: World) -> Report:
    """Make the environment that mitmdump is taken from where none is on the PATH. One that is there and of a known version is kept.

    Raises CASK-C020 where a step fails, and CASK-I005 where the user's data folder lies inside the project.
    """
    folder = mitmdump.environment(world.data)
    if mitmdump.is_inside(folder, world.environ, project(world)):
        what = "the user's data folder lies inside the project, where no program is taken from"
        raise CaskError("CASK-I005", what, place=str(folder), mend="unset XDG_DATA_HOME")
    with world.files.lock(world.data / "mitmproxy.lock", PATIENCE):
        version = mitmdump.installed(folder)
        is_new = version is None or not mitmdump.is_known(version)
        if is_new:
            world.console.note(f"Installing {mitmdump.wanted()} into {folder}: this takes a minute.")
            version = mitmdump.install(folder)
    row = {"program": str(mitmdump.program_of(folder)), "mitmproxy": version, "state": "installed" if is_new else "kept"}
    return Report(
        report="setup-proxy", summary={"mitmproxy": version}, tables={"programs": (row,)}, lines=("Next:", "  cask capture proxy -a HOST")
    )
