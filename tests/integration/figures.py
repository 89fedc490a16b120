"""Figures that a test measured, for whoever runs it with `-v`."""

import pytest
from _pytest.capture import CaptureManager


def say(config: pytest.Config, **figures: float) -> None:
    """One line on the terminal, past the capture."""
    if config.get_verbosity() <= 0:
        return
    words = ", ".join(f"{name.replace('_', ' ')} {value:,.10g}" for name, value in figures.items())
    capture: CaptureManager | None = config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        config.get_terminal_writer().line(f"\n  {words}")
