"""Arena beside its peers in one run: streaming, votes and ratings; run with `python -m benchmarks`.

Absolute times on a shared machine are noise. Every figure here is therefore taken in turns with that of a
peer doing the same work, round after round, and told as a ratio.
"""
