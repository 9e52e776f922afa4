"""Secrets by reference: `env:NAME` from the environment, `keyring:NAME` from the operating system's keyring (extra `keyring`), `config:NAME` from
the file or the command that the user's own configuration names so.

What comes out is never written, logged or shown; only references are named in errors.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.ports import Files

SERVICE: Final = "caskmcp"
"""The keyring's service name."""


class ReferencedCredentials:
    """`ports.Credentials` over an environment, the keyring and the user's configuration folder."""

    def __init__(self, environ: Mapping[str, str], files: Files | None = None, config: Path | None = None) -> None:
        self._environ = environ
        self._files = files
        self._config = config
        self._printed: dict[str, str] = {}
        """What commands printed, by name: they are run again when that is refused."""

    def resolve(self, reference: str, refused: str = "") -> str:
        """The secret behind a reference; CASK-R009 if there is none, CASK-W002 without the extra that a reference needs."""
        kind, _, name = reference.partition(":")
        if kind == "env":
            return self._from_environment(name)
        if kind == "keyring":
            return str(load("store.keyrings:password")(SERVICE, name))
        if kind == "config":
            return self._from_configuration(name, refused)
        raise CaskError("CASK-R009", f"`{kind}:` is no kind of reference", mend="use env:NAME or keyring:NAME in cask.yaml")

    def _from_environment(self, name: str) -> str:
        value = self._environ.get(name, "")
        if not value:
            raise CaskError("CASK-R009", f"the environment variable {name} is not set", mend=f"export {name}=…")
        return value

    def _from_configuration(self, name: str, refused: str) -> str:
        printed = self._printed.get(name, "")
        if printed and printed != refused:
            return printed
        if self._files is None or self._config is None:
            raise CaskError("CASK-R009", f"there is no configuration that could name `config:{name}`", mend="cask doctor")
        value, by_command = load("store.personal:secret")(self._files, self._config, name)
        if by_command:
            self._printed[name] = value
        return str(value)
