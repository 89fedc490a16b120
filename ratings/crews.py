"""Who does the work on parts: this process, or actors on a Ray cluster. Answers come in the order of the parts."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

from ratings.errors import InvalidOptionError, RatingsError
from ratings.part_worker import PartWorker
from ratings.sources import Source

_LIVES = 3
"""How often an actor is started again, and a call repeated, before a lost node is an error."""


class Crew(Protocol):
    """Workers that hold one part each."""

    def each(self, method: str, *arguments: Any) -> Iterator[Any]:
        """Call a method of every `PartWorker`; yields the results in the order of the parts."""


class LocalCrew:
    """One part after the other, in this process; nothing is kept between passes."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._workers = [PartWorker(source, keep=False) for source in sources]

    def each(self, method: str, *arguments: Any) -> Iterator[Any]:
        for worker in self._workers:
            yield getattr(worker, method)(*arguments)


class RayCrew:
    """An actor for each part on a Ray cluster, which reads its part once and keeps the prepared rows.

    Joins the cluster of this process's ``ray.init``, of the environment variable RAY_ADDRESS, or a new one on this
    machine. The paths of the parts must be readable from every node.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        if find_spec("ray") is None:
            raise InvalidOptionError("Ray is not installed: install the extra 'ray', or leave out on='ray'.")
        import ray

        if not ray.is_initialized():
            ray.init(log_to_driver=False, include_dashboard=False)
        self._ray = ray
        # An actor takes no processor while it waits, so there may be more parts than processors.
        start = ray.remote(num_cpus=0, max_restarts=_LIVES, max_task_retries=_LIVES)(PartWorker)
        self._actors = [start.remote(source, keep=True) for source in sources]

    def each(self, method: str, *arguments: Any) -> Iterator[Any]:
        shared = [self._ray.put(argument) for argument in arguments]
        running = [getattr(actor, method).remote(*shared) for actor in self._actors]
        for answer in running:
            try:
                yield self._ray.get(answer)
            except self._ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, RatingsError):
                    raise error.cause from error
                raise
