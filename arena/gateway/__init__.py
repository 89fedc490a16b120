"""Talking to model servers. Knows the wire and nothing else: no database, no web."""
