from __future__ import annotations

import asyncio
from contextlib import aclosing
from time import monotonic

import aiohttp
import pytest

from arena.gateway.breaker import Breaker
from arena.gateway.demo_server import DemoServer, Fault
from arena.gateway.errors import (
    BrokenStream,
    EndpointRefused,
    FirstTokenTimeout,
    GatewayError,
    NoEndpointAvailable,
)
from arena.gateway.openai_chat import Delta, Endpoint, Finished, Timeouts
from arena.gateway.pool import Pool
from arena.gateway.probe import Verdict, probe
from tests.unit.gateway.conftest import ANSWER, StartPool, StartServer, endpoint, request, until

RESTLESS = Breaker(
    failures_to_open=2, first_pause_seconds=0.05, probe_seconds=0.02, probe_timeout_seconds=0.5
)
NEVER_PROBES = Breaker(failures_to_open=2, probe_seconds=1000)


async def ask(pool: Pool, model: str = "alpha") -> tuple[str, Finished]:
    text = ""
    async for item in pool.chat(model, request()):
        if isinstance(item, Finished):
            return text, item
        text += item.text
    raise AssertionError("the stream ended without Finished")


async def test_it_answers_and_gives_the_slot_back(start_server: StartServer, start_pool: StartPool) -> None:
    server = await start_server()
    pool = await start_pool(endpoint(server.url))
    text, finished = await ask(pool)
    assert (text, finished.attempts) == (ANSWER, 1)
    assert [(s.in_flight, s.waiting, s.breaker_state) for s in pool.snapshot()] == [(0, 0, "closed")]


async def test_unknown_model(start_pool: StartPool) -> None:
    pool = await start_pool()
    with pytest.raises(NoEndpointAvailable):
        await ask(pool, "nobody")
    assert not pool.has_capacity("nobody")
    assert pool.available_models() == frozenset()


async def test_before_the_first_token_another_endpoint_is_tried(
    start_server: StartServer, start_pool: StartPool
) -> None:
    broken = await start_server(faults={"alpha": Fault.HTTP_500})
    well = await start_server()
    pool = await start_pool(endpoint(broken.url, "a"), endpoint(well.url, "b"))
    text, finished = await ask(pool)
    assert (text, finished.endpoint_id, finished.attempts) == (ANSWER, "b", 2)
    assert [status.consecutive_failures for status in pool.snapshot()] == [1, 0]


async def test_after_the_first_token_nothing_is_repeated(
    start_server: StartServer, start_pool: StartPool
) -> None:
    broken = await start_server(faults={"alpha": Fault.CUT})
    well = await start_server()
    pool = await start_pool(endpoint(broken.url, "a"), endpoint(well.url, "b"))
    with pytest.raises(BrokenStream):
        await ask(pool)
    assert well.requests == 0


async def test_a_bad_request_is_neither_repeated_nor_held_against_the_endpoint(
    start_server: StartServer, start_pool: StartPool
) -> None:
    servers = [await start_server(maximum_context_tokens=20) for _ in range(2)]
    pool = await start_pool(*(endpoint(server.url, str(n)) for n, server in enumerate(servers)))
    with pytest.raises(EndpointRefused):
        await ask(pool)
    assert [server.requests for server in servers] == [1, 0]
    assert [status.consecutive_failures for status in pool.snapshot()] == [0, 0]


async def test_the_last_failure_is_what_the_caller_gets(
    start_server: StartServer, start_pool: StartPool
) -> None:
    servers = [await start_server(faults={"alpha": Fault.HTTP_500}) for _ in range(3)]
    pool = await start_pool(
        *(endpoint(server.url, str(n)) for n, server in enumerate(servers)), timeouts=Timeouts()
    )
    with pytest.raises(EndpointRefused) as caught:
        await ask(pool)
    assert (caught.value.endpoint_id, caught.value.attempts) == ("2", 3)


async def test_slots_bound_what_runs_at_once(start_server: StartServer, start_pool: StartPool) -> None:
    server = await start_server(speed=20)
    pool = await start_pool(
        endpoint(server.url, slots=2), timeouts=Timeouts(first_token_seconds=10, total_seconds=20)
    )
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, server.running["alpha"])
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    answers = await asyncio.gather(*(ask(pool) for _ in range(6)))
    watching.cancel()
    assert len(answers) == 6
    assert most == 2


async def test_the_least_loaded_endpoint_is_chosen_and_ties_are_stable(
    start_server: StartServer, start_pool: StartPool
) -> None:
    servers = [await start_server(faults={"alpha": Fault.HANG_BETWEEN_TOKENS}) for _ in range(2)]
    patient = Timeouts(first_token_seconds=5, token_seconds=5)
    pool = await start_pool(
        *(endpoint(s.url, str(n), slots=2) for n, s in enumerate(servers)), timeouts=patient
    )
    chats = [pool.chat("alpha", request()) for _ in range(3)]
    for chat in chats:
        assert isinstance(await anext(chat), Delta)
    assert [status.in_flight for status in pool.snapshot()] == [2, 1]
    assert pool.has_capacity("alpha")
    chats.append(pool.chat("alpha", request()))
    await anext(chats[-1])
    assert not pool.has_capacity("alpha")
    for chat in chats:
        await chat.aclose()
    assert [status.in_flight for status in pool.snapshot()] == [0, 0]


async def test_waiting_for_a_slot_counts_towards_the_first_token(
    start_server: StartServer, start_pool: StartPool
) -> None:
    server = await start_server(faults={"alpha": Fault.HANG_BETWEEN_TOKENS})
    pool = await start_pool(
        endpoint(server.url, slots=1), timeouts=Timeouts(first_token_seconds=0.2, token_seconds=5)
    )
    async with aclosing(pool.chat("alpha", request())) as first:
        await anext(first)
        began_at = monotonic()
        with pytest.raises(FirstTokenTimeout):
            await ask(pool)
        assert 0.15 < monotonic() - began_at < 1
        assert pool.snapshot()[0].consecutive_failures == 0
    assert [(s.in_flight, s.waiting) for s in pool.snapshot()] == [(0, 0)]


@pytest.mark.parametrize("how", ["aclose", "cancel"])
async def test_leaving_closes_the_connection_and_frees_the_slot_once(
    how: str, start_server: StartServer, start_pool: StartPool
) -> None:
    server = await start_server(speed=1)
    pool = await start_pool(endpoint(server.url, slots=1), timeouts=Timeouts())
    for round in range(1, 4):
        await leave(how, pool)
        assert pool.snapshot()[0].in_flight == 0
        await until(lambda round=round: server.disconnects == round, seconds=1)  # type: ignore[misc]
        assert server.running["alpha"] == 0
        assert pool.has_capacity("alpha")
    assert pool.snapshot()[0].breaker_state == "closed"


async def leave(how: str, pool: Pool) -> None:
    if how == "aclose":
        chat = pool.chat("alpha", request())
        await anext(chat)
        await chat.aclose()
        return
    task = asyncio.create_task(ask(pool))
    await until(lambda: pool.snapshot()[0].in_flight == 1)
    await asyncio.sleep(0.4)  # past the first token
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_a_request_that_waits_for_a_slot_takes_none(
    start_server: StartServer, start_pool: StartPool
) -> None:
    server = await start_server(faults={"alpha": Fault.HANG_BETWEEN_TOKENS})
    pool = await start_pool(endpoint(server.url, slots=1), timeouts=Timeouts())
    async with aclosing(pool.chat("alpha", request())) as first:
        await anext(first)
        waiting = asyncio.create_task(ask(pool))
        await until(lambda: pool.snapshot()[0].waiting == 1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert pool.snapshot()[0].waiting == 0
    server.faults.clear()
    assert (await ask(pool))[0] == ANSWER


async def test_an_endpoint_that_keeps_failing_is_left_alone(
    start_server: StartServer, start_pool: StartPool
) -> None:
    server = await start_server(faults={"alpha": Fault.HTTP_500})
    pool = await start_pool(endpoint(server.url), breaker=NEVER_PROBES)
    for _ in range(2):
        with pytest.raises(EndpointRefused):
            await ask(pool)
    with pytest.raises(NoEndpointAvailable):
        await ask(pool)
    assert server.requests == 2
    assert pool.available_models() == frozenset()
    assert not pool.has_capacity("alpha")


async def test_it_comes_back_by_itself(start_server: StartServer, start_pool: StartPool) -> None:
    server = await start_server(faults={"alpha": Fault.HTTP_500})
    pool = await start_pool(endpoint(server.url), breaker=RESTLESS)
    for _ in range(2):
        with pytest.raises(GatewayError):
            await ask(pool)
    assert pool.snapshot()[0].breaker_state == "open"
    server.faults.clear()
    await until(lambda: pool.snapshot()[0].breaker_state == "half_open")
    await ask(pool)
    assert [(s.breaker_state, s.consecutive_failures) for s in pool.snapshot()] == [("closed", 0)]


async def test_half_open_allows_one_trial_and_closes_again_when_it_fails(
    start_server: StartServer, start_pool: StartPool
) -> None:
    server = await start_server(faults={"alpha": Fault.HANG_BETWEEN_TOKENS})
    pool = await start_pool(
        endpoint(server.url), breaker=RESTLESS, timeouts=Timeouts(first_token_seconds=1, token_seconds=0.1)
    )
    for _ in range(2):
        with pytest.raises(GatewayError):
            await ask(pool)
    await until(lambda: pool.snapshot()[0].breaker_state == "half_open")
    trial = asyncio.create_task(ask(pool))
    await until(lambda: pool.snapshot()[0].in_flight == 1)
    with pytest.raises(NoEndpointAvailable):
        await ask(pool)
    with pytest.raises(GatewayError):
        await trial
    assert pool.snapshot()[0].breaker_state == "open"


async def test_a_dead_engine_is_noticed_before_anyone_asks(
    start_server: StartServer, start_pool: StartPool
) -> None:
    server = await start_server()
    pool = await start_pool(endpoint(server.url), breaker=RESTLESS)
    server.engine_dead = True
    await until(lambda: pool.snapshot()[0].breaker_state == "open")
    server.engine_dead = False
    await until(lambda: pool.snapshot()[0].breaker_state == "half_open")


async def test_a_vanished_server_is_noticed_too(start_pool: StartPool, start_server: StartServer) -> None:
    server = await start_server()
    pool = await start_pool(endpoint(server.url), breaker=RESTLESS)
    await server.close()
    await until(lambda: pool.available_models() == frozenset())


async def test_endpoints_that_stay_keep_their_health(
    start_server: StartServer, start_pool: StartPool
) -> None:
    server = await start_server(faults={"alpha": Fault.HTTP_500})
    one, two = endpoint(server.url, "one"), endpoint(server.url, "two", model="beta")
    pool = await start_pool(one, breaker=NEVER_PROBES)
    with pytest.raises(EndpointRefused):
        await ask(pool)
    pool.set_endpoints([two, one])
    assert [(s.endpoint_id, s.consecutive_failures) for s in pool.snapshot()] == [("two", 0), ("one", 1)]
    pool.set_endpoints([endpoint(server.url, "one", slots=3)])
    assert [(s.slots, s.consecutive_failures) for s in pool.snapshot()] == [(3, 0)]
    with pytest.raises(ValueError, match="two endpoints have the id one"):
        pool.set_endpoints([one, one])


async def test_an_endpoint_taken_away_finishes_what_it_began(
    start_server: StartServer, start_pool: StartPool
) -> None:
    server = await start_server()
    pool = await start_pool(endpoint(server.url))
    async with aclosing(pool.chat("alpha", request())) as chat:
        first = await anext(chat)
        pool.set_endpoints([])
        items = [first] + [item async for item in chat]
    assert isinstance(items[-1], Finished)


async def test_a_slow_server_does_not_hold_up_another(
    start_server: StartServer, start_pool: StartPool
) -> None:
    slow: DemoServer = await start_server(faults={"alpha": Fault.HANG_BEFORE_FIRST_TOKEN})
    quick = await start_server()
    pool = await start_pool(
        endpoint(slow.url, "slow"), endpoint(quick.url, "quick", model="beta"), timeouts=Timeouts()
    )
    hanging = asyncio.create_task(ask(pool))
    await until(lambda: slow.running["alpha"] == 1)
    await asyncio.wait_for(ask(pool, "beta"), 1)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)


async def test_a_pool_that_was_not_started_says_so() -> None:
    pool = Pool(Timeouts())
    pool.set_endpoints([endpoint("http://127.0.0.1:9/v1")])
    with pytest.raises(RuntimeError, match="start"):
        await ask(pool)


async def test_a_probe_that_raises_does_not_end_the_watch(
    start_server: StartServer, start_pool: StartPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[str] = []

    async def sometimes_raising(
        session: aiohttp.ClientSession, probed: Endpoint, timeout_seconds: float, *, thorough: bool
    ) -> Verdict:
        if probed.id == "cursed":
            raised.append(probed.id)
            raise RuntimeError("nobody thought of this")
        return await probe(session, probed, timeout_seconds, thorough=thorough)

    monkeypatch.setattr("arena.gateway.pool.probe", sometimes_raising)
    server = await start_server()
    pool = await start_pool(endpoint(server.url, "cursed"), endpoint(server.url, "well"), breaker=RESTLESS)
    await until(lambda: len(raised) >= 2)
    server.engine_dead = True
    await until(lambda: [status.breaker_state for status in pool.snapshot()] == ["closed", "open"])
