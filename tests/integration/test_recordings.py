"""Battles with real text of real models: the recorded answers of LLMFAO, replayed over the same wire."""

import json
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from arena.gateway.openai_chat import Message
from arena.gateway.recordings import load_recordings
from arena.tables import Response
from arena.web.markdown import render_markdown
from tests.integration.conftest import StartArena, StartModels
from tests.integration.serving import answered_battle, events, start_battle, text_of, vote

MODELS = ("GPT 4", "Claude v2", "LLaMA-2-Chat (70B)", "Mythalion 13B")


async def test_recorded_answers_come_through_word_for_word(
    real_data: Path,
    start_models: StartModels,
    start_arena: StartArena,
    catalog: object,
    session: AsyncSession,
) -> None:
    folder = real_data / "llmfao"
    recorded = load_recordings(folder / "results.jsonl", folder / "prompts.jsonl")
    prompts = [json.loads(line) for line in (folder / "prompts.jsonl").read_text().splitlines()]
    await start_models(*(recorded[name] for name in MODELS))
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        for prompt in prompts[:8]:
            battle = await answered_battle(voter, prompt["text"])
            responses = battle["turns"][0]["responses"]
            cast = (await vote(voter, battle["id"])).json()
            for side in "ab":
                model = cast["models"][side]["name"]
                said = responses[side]["text"]
                assert said == recorded[model].reply(recorded_messages(prompt["text"]), None).replace(
                    "\0", ""
                )
                assert "<script" not in render_markdown(said)
    assert {response.finish_reason for response in await session.scalars(select(Response))} == {"stop"}


def recorded_messages(prompt: str) -> list[Message]:
    return [Message(role="user", content=prompt)]


async def test_recorded_answers_stream_in_equal_frames(
    real_data: Path, start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    folder = real_data / "llmfao"
    recorded = load_recordings(folder / "results.jsonl", folder / "prompts.jsonl")
    prompt = json.loads((folder / "prompts.jsonl").read_text().splitlines()[1])["text"]
    await start_models(recorded["GPT 4"], recorded["Claude v2"])
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await start_battle(voter, prompt)
        seen = [event async for event in events(voter, battle["id"])]
    texts = {side: text_of(seen, side) for side in "ab"}
    assert {recorded[name].reply(recorded_messages(prompt), None) for name in ("GPT 4", "Claude v2")} == set(
        texts.values()
    )
