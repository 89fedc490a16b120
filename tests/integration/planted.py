"""Models whose every fact is a distinctive mark, so that a leak of any of them can be found in bytes."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from arena.gateway.demo_faults import Fault
from arena.gateway.demo_server import DemoServer

# Parts of what is planted in every model, and of what model servers say; each would be a leak.
STEMS = (
    b"zephyrine", b"ostrava cognition", b"quillfeather", b"weights/hollow", b"planted_variable",
    b"sk-canary", b"borealis licence", b"maker-of-it.example", b"tuned with nettles", b"extra_thistle",
    b"127.0.0.1", b"chatcmpl", b"nginx", b"bad gateway", b"enginecore", b"internalservererror", b"finish_reason",
    b"prompt_token", b"gatewayerror", b"brokenstream", b"timeouterror", b"endpoint_id", b"traceback",
)  # fmt: skip
WORDS = (
    "rain", "river", "bread", "music", "and", "then", "slowly", "people", "walk", "home", "past", "old", "mills",
    "under", "tall", "trees", "where", "paths", "cross", "near", "distant", "hills",
)  # fmt: skip
TRIES_BEFORE_ONE_GOES_WELL = 2  # below what opens a breaker, so that a fault is met again and again


@dataclass
class PlantedModel:
    """A model that answers in neutral words, and if it has a fault, shows it two times out of three."""

    number: int
    fault: Fault | None = None
    tokens_per_second: float = 1500
    first_token_milliseconds: float = 0
    shown: Counter[Fault] = field(default_factory=Counter)
    server: DemoServer | None = None
    _requests: int = 0

    @property
    def name(self) -> str:
        return f"weights/hollow-{self.number:02d}"

    @property
    def key_variable(self) -> str:
        return f"PLANTED_VARIABLE_{self.number:02d}"

    @property
    def key(self) -> str:
        return f"sk-canary-{self.number:02d}"

    def reply(self, messages: Sequence[object], seed: int | None) -> str:
        assert self.server is not None
        self._requests += 1
        self.server.faults.clear()
        if self.fault and self._requests % (TRIES_BEFORE_ONE_GOES_WELL + 1):
            self.server.faults[self.name] = self.fault
            self.shown[self.fault] += 1
        random = Random(f"{self.number}:{self._requests}")
        return " ".join(random.choice(WORDS) for _ in range(random.randrange(20, 160))) + "."

    def entry(self, url: str) -> str:
        """The model in the catalog: a mark in every field that takes one."""
        return f"""
[[model]]
name = "Zephyrine-{self.number:02d}"
organization = "Ostrava Cognition {self.number:02d}"
license = "Borealis Licence {self.number:02d}"
link = "https://{self.number:02d}.maker-of-it.example/"
description = "Tuned with nettles, batch {self.number:02d}."
aliases = ["quillfeather-{self.number:02d}"]
extra = {{ extra_thistle = "{self.number:02d}" }}
[[model.endpoint]]
url = "{url}"
served_model = "{self.name}"
api_key_env = "{self.key_variable}"
"""


def write_catalog(path: Path, entries: Iterable[str]) -> None:
    """What the program reads at its start."""
    path.write_text("\n".join(entries))


def add_to_catalog(path: Path, text: str) -> None:
    """What belongs behind the last line there is."""
    path.write_text(f"{path.read_text()}\n{text}")


def catalog_entry(name: str, url: str) -> str:
    """A model without any particulars."""
    return (
        f'[[model]]\nname = "{name}"\norganization = "Maker of {name}"\n[[model.endpoint]]\nurl = "{url}"\n'
    )


@dataclass(frozen=True, kw_only=True)
class Planted:
    """The models that are served, and the marks by which they would be known."""

    models: Sequence[PlantedModel]
    marks: Sequence[bytes]

    @property
    def shown(self) -> Counter[Fault]:
        """How often each fault was met."""
        return sum((model.shown for model in self.models), Counter[Fault]())


def planted_models(count: int) -> list[PlantedModel]:
    """So many models, the first of them with one fault each; a third at least have none."""
    faults = list(Fault)
    assert count >= 1.5 * len(faults)
    return [
        PlantedModel(number, fault)
        for number, fault in zip(range(count), [*faults, *[None] * count], strict=False)
    ]


@asynccontextmanager
async def serving_planted(models: Sequence[PlantedModel], catalog: Path) -> AsyncIterator[Planted]:
    """Serve each model on a port of its own, and write the catalog that lists them all."""
    async with AsyncExitStack() as stack:
        entries, ports = [], []
        for model in models:
            # Without waiting, an answer that never ends would only keep the processor busy.
            model.server = DemoServer({model.name: model}, speed=1 if model.fault is Fault.ENDLESS else 0)
            url = await model.server.start()
            stack.push_async_callback(model.server.close)
            entries.append(model.entry(url))
            ports.append(f":{urlsplit(url).port}".encode())
        write_catalog(catalog, entries)
        yield Planted(models=models, marks=(*STEMS, *ports))
