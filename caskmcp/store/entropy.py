"""The real randomness."""

import os


class SystemEntropy:
    """`ports.Entropy` from the operating system."""

    def token(self, size: int) -> bytes:
        """`size` unpredictable bytes."""
        return os.urandom(size)
