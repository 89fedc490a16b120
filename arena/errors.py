"""Everything that may be refused, as one tree.

ArenaError
├── InvalidInput (422)
│   ├── PromptEmpty · PromptTooLong · PromptUnreadable
│   └── CatalogInvalid · CategoriesInvalid · DatasetInvalid · ReleaseInvalid
├── NotFound (404)
│   ├── BattleNotFound · ModelNotFound · LeaderboardNotFound · SnapshotNotFound · DayNotFound · ReleaseNotFound
├── Conflict (409)
│   ├── AlreadyVoted · NothingToVoteOn · StillAnswering · BattleClosed · NothingToRetry · TooManyTurns
│   └── ReleaseClosed · OtherVariant · FolderTaken · PublishRefused
├── Forbidden (403)
│   └── CrossOrigin
├── CookieInvalid (401)
├── NotJson · BodyUnreadable (400)
├── MethodNotAllowed (405)
├── BodyTooLarge (413)
├── RateLimited (429)
└── Unavailable (503)
    ├── NoModels · DatabaseUnavailable
    └── SideFailed (502, sent inside a stream)

A class carries its `slug`, `title` and `status`; its docstring is the default detail, so it is written
for the person who reads it. `web/problems.py` renders any of them as RFC 9457 problem+json or as a page.
"""

from typing import Any, ClassVar


class ArenaError(Exception):
    """Something went wrong."""

    slug: ClassVar[str] = "error"
    title: ClassVar[str] = "Error"
    status: ClassVar[int] = 500

    def __init__(self, detail: str | None = None, **extensions: Any) -> None:
        self.detail = detail or " ".join((self.__doc__ or "").split())
        self.extensions = extensions
        super().__init__(self.detail)


class InvalidInput(ArenaError):
    """The request could not be understood."""

    slug, title, status = "invalid-input", "Invalid input", 422


class PromptEmpty(InvalidInput):
    """The prompt is empty. Write a question or a task and send it again."""

    slug, title = "prompt-empty", "Empty prompt"


class PromptTooLong(InvalidInput):
    """The prompt is too long. Shorten it and send it again."""

    slug, title = "prompt-too-long", "Prompt too long"


class PromptUnreadable(InvalidInput):
    """The prompt holds characters that are no text (NUL or half of a surrogate pair). Remove them and send it again."""

    slug, title = "prompt-unreadable", "Unreadable prompt"


class CatalogInvalid(InvalidInput):
    """The catalog file is not valid."""

    slug, title = "catalog-invalid", "Invalid catalog"


class CategoriesInvalid(InvalidInput):
    """The file of the operator's categories is not valid."""

    slug, title = "categories-invalid", "Invalid categories file"


class DatasetInvalid(InvalidInput):
    """The votes file is not valid."""

    slug, title = "dataset-invalid", "Invalid votes file"


class ReleaseInvalid(InvalidInput):
    """The release does not pass its checks, so nothing was published."""

    slug, title = "release-invalid", "Invalid release"


class NotFound(ArenaError):
    """There is nothing at this address."""

    slug, title, status = "not-found", "Not found", 404


class BattleNotFound(NotFound):
    """There is no such battle, or it was started in another browser. A battle is seen only by the voter who
    started it; if your cookie was deleted or has expired, start a new battle."""

    slug, title = "battle-not-found", "Battle not found"


class ModelNotFound(NotFound):
    """There is no model of this name."""

    slug, title = "model-not-found", "Model not found"


class LeaderboardNotFound(NotFound):
    """There is no leaderboard of this name."""

    slug, title = "leaderboard-not-found", "Leaderboard not found"


class DayNotFound(NotFound):
    """There is no board of this day."""

    slug, title = "day-not-found", "Day not found"


class SnapshotNotFound(NotFound):
    """There is no snapshot with this id."""

    slug, title = "snapshot-not-found", "Snapshot not found"


class ReportNotFound(NotFound):
    """This has not been computed yet. Come back in a minute."""

    slug, title = "report-not-found", "Not computed yet"


class ReleaseNotFound(NotFound):
    """There is no release of this name."""

    slug, title = "release-not-found", "Release not found"


class Conflict(ArenaError):
    """The battle is not in a state that allows this."""

    slug, title, status = "conflict", "Conflict", 409


class AlreadyVoted(Conflict):
    """This battle has its vote already. A battle takes one vote, and it cannot be changed after the reveal."""

    slug, title = "already-voted", "Already voted"


class NothingToVoteOn(Conflict):
    """There is no complete pair of answers to vote on yet. Wait until both models have answered, or stop them."""

    slug, title = "nothing-to-vote-on", "Nothing to vote on"


class StillAnswering(Conflict):
    """The models are still answering. Wait until both are ready, or stop them."""

    slug, title = "still-answering", "Still answering"


class BattleClosed(Conflict):
    """This battle is closed. Start a new one."""

    slug, title = "battle-closed", "Battle closed"


class NothingToRetry(Conflict):
    """No answer of this battle waits for another try."""

    slug, title = "nothing-to-retry", "Nothing to retry"


class TooManyTurns(Conflict):
    """This battle has reached its last turn. Vote, or start a new battle."""

    slug, title = "too-many-turns", "Too many turns"


class ReleaseClosed(Conflict):
    """This release is closed: its key is destroyed, and nobody can export it again."""

    slug, title = "release-closed", "Release closed"


class OtherVariant(Conflict):
    """A release of this name exists, and is of the other variant."""

    slug, title = "other-variant", "Release of the other variant"


class FolderTaken(Conflict):
    """The folder holds something else. Give an empty one, or one that does not exist yet."""

    slug, title = "folder-taken", "Folder taken"


class PublishRefused(Conflict):
    """This is no release that may be published."""

    slug, title = "publish-refused", "Not to be published"


class Forbidden(ArenaError):
    """This is not allowed."""

    slug, title, status = "forbidden", "Forbidden", 403


class CrossOrigin(Forbidden):
    """The request came from another site. Use the arena's own pages, or a program that sends no Origin header."""

    slug, title = "cross-origin", "Request from another site"


class CookieInvalid(ArenaError):
    """The voter cookie is expired or not ours. Delete it and start a battle: you will get a new one."""

    slug, title, status = "cookie-invalid", "Invalid cookie", 401


class NotJson(ArenaError):
    """The body is not valid JSON. Send an object such as {"prompt": "…"}."""

    slug, title, status = "not-json", "Not JSON", 400


class BodyUnreadable(ArenaError):
    """The body could not be read. Send JSON with Content-Type: application/json, or a form as browsers send it."""

    slug, title, status = "body-unreadable", "Unreadable body", 400


class MethodNotAllowed(ArenaError):
    """This address does not take this method. The header Allow names those that it takes."""

    slug, title, status = "method-not-allowed", "Method not allowed", 405


class BodyTooLarge(ArenaError):
    """The request is too large."""

    slug, title, status = "body-too-large", "Request too large", 413


class RateLimited(ArenaError):
    """Too many prompts in a short time. Wait a moment and send it again."""

    slug, title, status = "rate-limited", "Too many prompts", 429


class Unavailable(ArenaError):
    """The arena cannot do this right now. Try again in a moment."""

    slug, title, status = "unavailable", "Unavailable", 503


class NoModels(Unavailable):
    """Fewer than two models can answer right now. Try again in a moment."""

    slug, title = "no-models", "No models"


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached. Nothing was lost; try again in a moment."""

    slug, title = "database-unavailable", "Database unavailable"


class SideFailed(Unavailable):
    """One of the models could not answer. You can try again with the same two models."""

    slug, title, status = "side-failed", "No answer", 502


def tree(root: type[ArenaError] = ArenaError) -> list[type[ArenaError]]:
    """Every class of the tree, for the documentation test and the OpenAPI description."""
    return [root, *(below for child in root.__subclasses__() for below in tree(child))]
