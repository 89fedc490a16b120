"""Run the gateway's contract tests, which otherwise meet only the demo server, against real vLLM."""

import os
import subprocess
import sys

from tests.vllm.make_environment import REPOSITORY
from tests.vllm.servers import Server, contract_environment

CONTRACT = "tests/integration/gateway/test_wire_contract.py"


def test_real_vllm_keeps_the_contract(vllm_servers: tuple[Server, Server]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "vllm", CONTRACT],
        cwd=REPOSITORY,
        env=os.environ | contract_environment(vllm_servers),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    assert "SKIPPED" not in result.stdout, result.stdout
