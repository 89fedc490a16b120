from __future__ import annotations

from pathlib import Path

import pytest

from arena.gateway.openai_chat import Message
from arena.gateway.recordings import NO_RECORDING, load_recordings

PROMPTS = '{"id": 8, "text": "Say hi. "}\n{"id": 9, "text": "Say bye."}\n'
RESULTS = (
    '{"name": "One", "org": "A", "rate": 10.0, "prompt": 8, "result": " hi\\n"}\n'
    '{"name": "One", "org": "A", "rate": 30.0, "prompt": 9, "result": " "}\n'
    '{"name": "Two", "org": "B", "rate": 0.0, "prompt": 8, "result": "hello"}\n'
)


def files(folder: Path, prompts: str = PROMPTS, results: str = RESULTS) -> tuple[Path, Path]:
    (folder / "results.jsonl").write_text(results)
    (folder / "prompts.jsonl").write_text(prompts)
    return folder / "results.jsonl", folder / "prompts.jsonl"


def user(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


def test_recorded_answers_are_found_by_their_prompt(tmp_path: Path) -> None:
    models = load_recordings(*files(tmp_path))
    assert set(models) == {"One", "Two"}
    assert models["One"].reply(user("Say hi."), None) == "hi"
    assert models["One"].reply(user(" Say hi.\n"), 3) == "hi"
    assert models["One"].reply(user("Say bye."), None) == NO_RECORDING
    assert models["One"].reply(user("Something else"), None) == NO_RECORDING
    assert models["One"].organization == "A"
    assert models["Two"].tokens_per_second >= 1


@pytest.mark.parametrize(
    ("prompts", "results", "message"),
    [
        ("{", RESULTS, "prompts.jsonl, line 1: not JSON"),
        (PROMPTS, '{"name": "One"}', "results.jsonl, line 1: without org, rate, prompt, result"),
        ('{"id": 8, "text": ""}', RESULTS, "prompt 9 is not in"),
    ],
)
def test_bad_files_say_where(tmp_path: Path, prompts: str, results: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_recordings(*files(tmp_path, prompts, results))


def test_the_published_recordings_load(real_data: Path) -> None:
    folder = real_data / "llmfao"
    models = load_recordings(folder / "results.jsonl", folder / "prompts.jsonl")
    assert len(models) == 70
    answer = models["Airoboros L2 70B"].reply(
        user("Argue for and against the use of kubernetes in the style of a haiku."), None
    )
    assert answer.startswith("For Kubernetes, a plea,")
