"""Stop asking a server that keeps failing, and notice by itself when it is back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BreakerState = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """When to stop asking an endpoint, and how often to look whether it is well again."""

    failures_to_open: int = 3
    first_pause_seconds: float = 5
    longest_pause_seconds: float = 120
    probe_seconds: float = 5
    probe_timeout_seconds: float = 2


class Health:
    """What we know of one endpoint: closed (asked freely), open (left alone), half open (one trial)."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self.state: BreakerState = "closed"
        self.consecutive_failures = 0
        self.pause_ends_at = 0.0
        self._pause_seconds = breaker.first_pause_seconds
        self._trial_running = False

    @property
    def admits(self) -> bool:
        return self.state == "closed" or (self.state == "half_open" and not self._trial_running)

    def probe_due(self, now: float) -> bool:
        return self.state == "closed" or (self.state == "open" and now >= self.pause_ends_at)

    def begin(self) -> None:
        self._trial_running = self.state == "half_open"

    def end_without_verdict(self) -> None:
        self._trial_running = False

    def succeeded(self) -> None:
        self.state = "closed"
        self.consecutive_failures = 0
        self._trial_running = False
        self._pause_seconds = self._breaker.first_pause_seconds

    def failed(self, now: float) -> None:
        self.consecutive_failures += 1
        if self.state == "half_open" or self.consecutive_failures >= self._breaker.failures_to_open:
            self.open(now)

    def open(self, now: float) -> None:
        """Leave the endpoint alone for a while, each time twice as long."""
        self.state = "open"
        self._trial_running = False
        self.pause_ends_at = now + self._pause_seconds
        self._pause_seconds = min(2 * self._pause_seconds, self._breaker.longest_pause_seconds)

    def looks_well(self) -> None:
        """Allow one trial after a probe succeeded; only a real answer closes the breaker."""
        if self.state == "open":
            self.state = "half_open"
