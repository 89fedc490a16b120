"""The README's example for programs, by copy and paste."""

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import IN_CI, ROOT
from tests.integration.conftest import StartArena

ADDRESS = "http://localhost:8080"


async def test_battle_from_a_program_works_by_copy_and_paste(start_arena: StartArena, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        message = "no curl found: install it (Debian: apt-get install curl)"
        pytest.fail(message) if IN_CI else pytest.skip(message)
    arena = await start_arena(demo_speed=5)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (pasted,) = (block for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "/events" in block)
    assert ADDRESS in pasted
    shell = await asyncio.create_subprocess_exec(
        "sh", "-c", pasted.replace(ADDRESS, arena.url), cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    said = (await asyncio.wait_for(shell.communicate(), timeout=60))[0].decode()
    vote = json.loads(said.strip().splitlines()[-1])
    assert vote["winner"] == "model_a"
    assert all(vote["models"][side]["name"].startswith("demo-") for side in "ab")
