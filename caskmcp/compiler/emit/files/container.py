"""The container's files: everything that `docker build` and `docker run` need beside the toolpack, each a function from the surface to bytes.

Nothing is served that is not mounted: the toolpack is read-only, the pin comes from outside, and without either the container ends. The
package is installed from a wheel that the reader puts beside these files, never by its name from an index. No Docker is asked here, and
no image was built from these files: `docs/how-to/container.md` says what to check.
"""

import re
from importlib.resources import files
from typing import Final

from caskmcp.compiler.emit.surface import Compiled

PYTHON: Final = "3.13"
"""What `requirements.lock` was resolved for."""
WHEEL: Final = "caskmcp-*-py3-none-any.whl"
"""Whatever release the reader puts there: a new one changes no byte of an artifact."""
USER: Final = "65532:65532"
MEMORY: Final = "512m"
CPUS: Final = "1.0"
PROCESSES: Final = 128
_ENV: Final = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]{0,127})", re.ASCII)


def lock(_: Compiled) -> bytes:
    """`requirements.lock`: the base install, each wheel by its hash."""
    return files("caskmcp.compiler.emit").joinpath("data/requirements.lock").read_bytes()


def dockerfile(compiled: Compiled) -> bytes:
    """`Dockerfile`: two stages; the image holds Python, the locked libraries and the wheel, and no toolpack."""
    return _text(
        f"""
        # Serves the toolpack `{compiled.id}`. Build from a folder with these files and one {WHEEL}; `sh caskmcp.run build` does it.
        # BASE has no default on purpose: name an image of Python {PYTHON} by its digest, or the build is not the same twice.
        ARG BASE
        FROM ${{BASE}} AS build
        ARG WHEEL_SHA256
        COPY requirements.lock {WHEEL} /build/
        RUN test -n "${{WHEEL_SHA256}}" && cd /build && echo "${{WHEEL_SHA256}}  $(ls {WHEEL})" | sha256sum -c -
        RUN python -m venv /opt/cask \\
         && /opt/cask/bin/pip install --no-cache-dir --no-compile --only-binary :all: --require-hashes -r /build/requirements.lock \\
         && /opt/cask/bin/pip install --no-cache-dir --no-compile --no-index --no-deps /build/{WHEEL}

        FROM ${{BASE}}
        COPY --from=build /opt/cask /opt/cask
        COPY entrypoint.sh /opt/cask/entrypoint.sh
        RUN install -d -m 0700 -o {USER.split(":")[0]} -g {USER.split(":")[1]} /state
        ENV PATH=/opt/cask/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp XDG_CONFIG_HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
        USER {USER}
        WORKDIR /state
        ENTRYPOINT ["/bin/sh", "/opt/cask/entrypoint.sh"]
        """
    )


def entrypoint(compiled: Compiled) -> bytes:
    """`entrypoint.sh`: refuses to start without a toolpack and a pin, then becomes the server."""
    return _text(
        f"""
        #!/bin/sh
        # Serves the mounted toolpack `{compiled.id}` on stdio. Ends where anything that says what may run is missing.
        set -eu
        toolpack=${{CASK_TOOLPACK_PATH:-/toolpack}}
        state=${{CASK_STATE_PATH:-/state}}
        if [ -z "${{CASK_TRUST_PIN:-}}" ]; then
          echo "entrypoint: CASK_TRUST_PIN is not set: whose approvals count is not known (cask trust show)" >&2
          exit 4
        fi
        if [ ! -f "$toolpack/toolpack.yaml" ]; then
          echo "entrypoint: no toolpack is mounted at $toolpack" >&2
          exit 3
        fi
        exec cask --root "$state" --toolpack "$toolpack/toolpack.yaml" serve "$@"
        """
    )


def run(compiled: Compiled) -> bytes:
    """`caskmcp.run`: build the image, or start it as an MCP client would."""
    names = " ".join(f"-e {name}" for name in secrets(compiled))
    return _text(
        f"""
        #!/bin/sh
        # sh caskmcp.run build BASE   builds the image; BASE is an image of Python {PYTHON} with its digest: python:{PYTHON}-slim@sha256:…
        # sh caskmcp.run [ARGUMENT…]  serves on stdio; an MCP client starts this
        set -eu
        here=$(cd "$(dirname "$0")" && pwd)
        image=cask-{compiled.id}
        if [ "${{1:-}}" = build ]; then
          base=${{2:-}}
          case $base in
            *@sha256:*) ;;
            *) echo "caskmcp.run: name the base image with its digest: python:{PYTHON}-slim@sha256:…" >&2; exit 3 ;;
          esac
          set -- "$here"/{WHEEL}
          [ $# -eq 1 ] && [ -f "$1" ] || {{ echo "caskmcp.run: put one {WHEEL} beside this file (doit wheel)" >&2; exit 3; }}
          sum=$(sha256sum "$1" | cut -d " " -f 1)
          exec docker build --build-arg BASE="$base" --build-arg WHEEL_SHA256="$sum" -t "$image" "$here"
        fi
        toolpack=${{CASK_TOOLPACK:-$(dirname "$here")}}
        [ -n "${{CASK_TRUST_PIN:-}}" ] || {{ echo "caskmcp.run: set CASK_TRUST_PIN (cask trust show)" >&2; exit 4; }}
        [ -f "$toolpack/toolpack.yaml" ] || {{ echo "caskmcp.run: no toolpack at $toolpack; set CASK_TOOLPACK" >&2; exit 3; }}
        exec docker run --rm -i --read-only --user {USER} --cap-drop ALL --security-opt no-new-privileges \\
          --memory {MEMORY} --cpus {CPUS} --pids-limit {PROCESSES} --tmpfs /tmp:rw,noexec,nosuid,size=64m \\
          -v "cask-{compiled.id}-state:/state" -v "$toolpack:/toolpack:ro" -e CASK_TRUST_PIN{f" {names}" if names else ""} \\
          "$image" "$@"
        """
    )


def compose(compiled: Compiled) -> bytes:
    """`compose.yaml`: the same limits for those who compose. Secrets are passed on by name; their values never stand here."""
    passed = "".join(f"\n              {name}: ${{{name}:?set {name}}}" for name in secrets(compiled))
    return _text(
        f"""
        # docker compose run --rm -T cask
        name: cask-{compiled.id}
        services:
          cask:
            image: cask-{compiled.id}
            stdin_open: true
            user: "{USER}"
            read_only: true
            cap_drop: [ALL]
            security_opt: ["no-new-privileges:true"]
            mem_limit: {MEMORY}
            cpus: {CPUS}
            pids_limit: {PROCESSES}
            tmpfs: ["/tmp:rw,noexec,nosuid,size=64m"]
            environment:
              CASK_TRUST_PIN: ${{CASK_TRUST_PIN:?say whose approvals count (cask trust show)}}{passed}
            volumes:
              - type: bind
                source: ${{CASK_TOOLPACK:?name the folder of the toolpack}}
                target: /toolpack
                read_only: true
              - {{type: volume, source: state, target: /state}}
        volumes:
          state: {{}}
        """
    )


def secrets(compiled: Compiled) -> tuple[str, ...]:
    """Names of the environment variables that the manifest's references want. A `keyring:` has no place in a container."""
    found = (_ENV.fullmatch(name) for rule in compiled.auth.hosts.values() for _, name in rule.references)
    return tuple(sorted({match[1] for match in found if match}))


def _text(block: str) -> bytes:
    """The lines without the indent of this file, a newline at the end."""
    rows = block.strip("\n").rstrip(" ").split("\n")
    return ("\n".join(row.removeprefix(" " * 8) for row in rows).rstrip("\n") + "\n").encode("utf-8")
