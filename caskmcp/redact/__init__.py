"""The cut: what must never reach the disk is found by name or by form and replaced by typed, keyed placeholders.

`cut.Redactor` does it for one capture; `placeholder.kind_of` knows what it made. The two questions here are asked by later stages, of
texts and names that may end up in an artifact.
"""

from caskmcp.redact.names import is_name_like
from caskmcp.redact.scan import is_sensitive

__all__ = ["is_name_like", "is_sensitive"]
