"""Plots as SVG made on the server: pure functions from plain dataclasses to markup, without script or style."""
