"""Secrets by reference: `env:NAME` from the environment, `keyring:NAME` from the operating system's keyring (extra `keyring`).

What comes out is never written, logged or shown; only references are named in errors.
"""

from collections.abc import Mapping
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.load import load

SERVICE: Final = "caskmcp"
"""The keyring's service name."""


class ReferencedCredentials:
    """`ports.Credentials` over an environment and the keyring."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def resolve(self, reference: str) -> str:
        """The secret behind a reference; CASK-R009 if there is none, CASK-W002 without the extra that a reference needs."""
        kind, _, name = reference.partition(":")
        if kind == "env":
            return self._from_environment(name)
        if kind == "keyring":
            return str(load("store.keyrings:password")(SERVICE, name))
        raise CaskError("CASK-R009", f"`{kind}:` is no kind of reference", mend="use env:NAME or keyring:NAME in cask.yaml")

    def _from_environment(self, name: str) -> str:
        value = self._environ.get(name, "")
        if not value:
            raise CaskError("CASK-R009", f"the environment variable {name} is not set", mend=f"export {name}=…")
        return value
