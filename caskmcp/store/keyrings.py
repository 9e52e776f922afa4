"""Passwords from the operating system's keyring (extra `keyring`). Imported only when a reference needs it."""

from caskmcp.errors import CaskError

try:
    import keyring  # type: ignore[import-not-found, unused-ignore]
    import keyring.errors  # type: ignore[import-not-found, unused-ignore]
except ModuleNotFoundError:
    # The extra is not installed; `password` says so when it is asked.
    keyring = None


def password(service: str, name: str) -> str:
    """The password under a name. CASK-W002 without the extra; CASK-R009 if there is none, or no keyring (a headless machine)."""
    if keyring is None:
        raise CaskError("CASK-W002", "`keyring:` needs the extra `keyring`", mend='pip install "caskmcp[keyring]"')
    try:
        value = keyring.get_password(service, name)
    except keyring.errors.KeyringError as cause:
        raise CaskError("CASK-R009", f"the keyring gives no `{name}`: {type(cause).__name__}", mend="python -m keyring diagnose") from cause
    if not value:
        raise CaskError("CASK-R009", f"the keyring has no `{name}`", mend=f"python -m keyring set {service} {name}")
    return str(value)
