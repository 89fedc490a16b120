"""The slow tests drive the same program with the same fixtures as the quick ones."""

from tests.integration.conftest import catalog, database, session, start_arena, start_models

__all__ = ["catalog", "database", "session", "start_arena", "start_models"]
