"""Releases: the folder of files in which an arena publishes its battles and votes, and how to check one.

Needs nothing of the arena that wrote it: `schema` says what the files hold.
"""
