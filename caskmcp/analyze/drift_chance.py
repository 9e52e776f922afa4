"""How likely a difference between two samples of the same thing is: what tells a change from a field that happened to be missing.

A recording is a sample. Of `n` samples before none differed, of `m` now `k` do. If nothing changed, all `n + m` are one heap, and the chance
that its `k` odd ones all lie among the `m` is C(m, k) / C(n + m, k) (Fisher's exact test, one-sided).
"""

from math import comb, exp, lgamma
from typing import Final, NamedTuple

SOME: Final = 0.001
"""Chance below which a difference that only some of the new samples show counts as a change."""
ALL: Final = 0.01
"""The same where every new sample shows it: fields that are there by halves do not vanish as a whole."""
PROBED: Final = 0.12
"""The same of answers to a probe, of which there are as many as there are calls: such a finding is for review, never breaking."""
FAILING: Final = 1e-4
"""The same of failing calls: every service has its bad hours."""


class Odds(NamedTuple):
    """How many samples differ."""

    differ: int
    """Of the new ones."""
    of: int
    """New ones."""
    before: int
    """Old ones, none of which differed."""

    @property
    def chance(self) -> float:
        """That nothing changed and they differ all the same; 1 if there is nothing to compare."""
        if not (0 < self.differ <= self.of and self.before > 0):
            return 1.0
        return exp(_log_comb(self.of, self.differ) - _log_comb(self.of + self.before, self.differ))

    @property
    def sure(self) -> bool:
        """Whether it is a change."""
        return self.chance <= (ALL if self.differ == self.of else SOME)

    @property
    def probed(self) -> bool:
        """Whether a person should look, if each new sample is the answer to a probe."""
        return self.differ == self.of and self.chance <= PROBED

    def __str__(self) -> str:
        return f"{self.differ} of {self.of}; before 0 of {self.before}"


class Gone(NamedTuple):
    """How many samples had something that no new one has."""

    had: int
    """Of the old ones."""
    before: int
    """Old ones."""
    of: int
    """New ones."""

    @property
    def chance(self) -> float:
        """That nothing changed and no new one has it all the same."""
        if not (0 < self.had <= self.before and self.of > 0):
            return 1.0
        return exp(_log_comb(self.before, self.had) - _log_comb(self.before + self.of, self.had))

    @property
    def sure(self) -> bool:
        """Whether it is a change."""
        return self.chance <= (ALL if self.had == self.before else SOME)

    @property
    def probed(self) -> bool:
        """Whether a person should look, if each new sample is the answer to a probe."""
        return self.had == self.before and self.chance <= PROBED

    def __str__(self) -> str:
        return f"0 of {self.of}; before {self.had} of {self.before}"


class Rose(NamedTuple):
    """How many calls failed, before and now."""

    failed: int
    of: int
    failed_before: int
    before: int

    @property
    def chance(self) -> float:
        """That as many or more of the failures fall among the new calls, if nothing changed."""
        failures, heap = self.failed + self.failed_before, self.of + self.before
        if not (self.failed and self.of and self.before):
            return 1.0
        ways = sum(comb(self.of, k) * comb(self.before, failures - k) for k in range(self.failed, min(self.of, failures) + 1))
        return ways / comb(heap, failures)

    @property
    def sure(self) -> bool:
        """Whether it is a change: unlikely, and large enough to matter."""
        return self.chance <= FAILING and self.failed / self.of >= self.failed_before / self.before + 0.2

    @property
    def probed(self) -> bool:
        """Whether a person should look, if each new call is a probe."""
        return self.failed == self.of and self.chance <= PROBED

    def __str__(self) -> str:
        return f"{self.failed} of {self.of}; before {self.failed_before} of {self.before}"


Evidence = Odds | Gone | Rose


def _log_comb(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
