"""How long a batch takes: seconds = overhead + tokens x slope, fitted to the batches of late."""

from __future__ import annotations

from dataclasses import dataclass

MEMORY = 0.98  # what an observation keeps of its weight with each that follows
SLOPE = 1e-4  # seconds per token before anything was seen
OVERHEAD = 5e-3  # seconds, likewise


@dataclass(slots=True)
class Pace:
    """A line through (tokens, seconds), by least squares over observations that fade.

    As long as all batches were of one size, what of their time is overhead stays as it was thought to be.

    >>> pace = Pace()
    >>> for tokens in (100, 1000, 500, 2000) * 10:
    ...     pace.saw(tokens, 0.002 + tokens * 1e-5)
    >>> round(pace.seconds(1000), 3), round(pace.overhead, 3)
    (0.012, 0.002)
    """

    weight: float = 0.0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    overhead: float = OVERHEAD
    slope: float = SLOPE

    def saw(self, tokens: int, seconds: float) -> None:
        """Learn from a batch."""
        self.weight = self.weight * MEMORY + 1
        self.x = self.x * MEMORY + tokens
        self.y = self.y * MEMORY + seconds
        self.xx = self.xx * MEMORY + tokens * tokens
        self.xy = self.xy * MEMORY + tokens * seconds
        spread = self.xx * self.weight - self.x * self.x
        mean = self.y / self.weight
        if spread <= 1e-3 * self.xx * self.weight:
            # All batches were of about one size: the share of the overhead is left as it was thought to be.
            known = self.overhead + self.slope * self.x / self.weight
            self.overhead, self.slope = self.overhead * mean / known, self.slope * mean / known
            return
        slope = (self.xy * self.weight - self.x * self.y) / spread
        self.slope = min(max(slope, 0.0), self.y / max(self.x, 1.0))
        self.overhead = max(mean - self.slope * self.x / self.weight, 0.0)

    def seconds(self, tokens: int) -> float:
        """What a batch of so many padded tokens takes."""
        return self.overhead + self.slope * tokens

    def tokens(self, seconds: float) -> int:
        """How many tokens a batch may have to take no longer."""
        return int(max(seconds - self.overhead, 0.0) / max(self.slope, 1e-9))
