"""The site: every page works without JavaScript; the scripts only make it quicker."""

from fastapi import APIRouter

from arena.web import (
    pages_about,
    pages_arena,
    pages_battle,
    pages_boards,
    pages_compare,
    pages_data,
    pages_history,
    pages_me,
    pages_models,
    pages_own_board,
    pages_pictures,
    pages_robustness,
    pages_static,
    pages_topic,
    pages_trust,
)

router = APIRouter(include_in_schema=False)
for page in (
    pages_arena,
    pages_battle,
    pages_boards,
    pages_compare,
    pages_topic,
    pages_history,
    pages_models,
    pages_pictures,
    pages_robustness,
    pages_own_board,
    pages_me,
    pages_about,
    pages_trust,
    pages_data,
    pages_static,
):
    router.include_router(page.router)
