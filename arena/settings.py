"""Every setting of the arena: an environment variable `ARENA_…` or a key of `arena.toml`."""

import os
import re
import secrets
import tomllib
from difflib import get_close_matches
from importlib.resources.abc import Traversable
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import TomlConfigSettingsSource

from arena.wrong_values import what_is_wrong

FILE = "arena.toml"
LEAST_SECRET = 32  # characters
ReleasePolicy = Literal["paced", "raw", "together"]
CommaSeparated = Annotated[tuple[str, ...], NoDecode]
Schedule = Literal["never", "weekly", "monthly"]
Variant = Literal["open", "audit"]  # of a release
ADDRESS = re.compile(r"https?://[^/?#\s]+(?:/[^?#\s]*)?")
DESTINATION = re.compile(r"site|(?:file:)?/.+|s3://[a-z0-9][a-z0-9.-]+(?:/.*)?|hf://datasets/[\w.-]+/[\w.-]+")


class _SettingsFile(TomlConfigSettingsSource):
    def _read_file(self, file_path: Path | Traversable) -> dict[str, Any]:
        try:
            return super()._read_file(file_path)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ValueError(
                f"{file_path} cannot be read: {error}. docs/settings.md shows how to write it."
            ) from error


class Settings(BaseSettings):
    """What an operator may set; every field has a default that suits a first run on a laptop."""

    model_config = SettingsConfigDict(
        env_prefix="ARENA_", toml_file=FILE, extra="forbid", env_ignore_empty=True
    )

    # Where things are
    home: Path = Field(
        Path(".arena"), description="Folder of the embedded Postgres and the generated secret."
    )
    database_url: SecretStr | None = Field(
        None,
        description="A Postgres to use instead of the embedded one: `postgresql://user:password@host/name`.",
    )
    postgres_bin: Path | None = Field(
        None, description="Folder with the Postgres programs for the embedded server."
    )
    catalog: Path | None = Field(
        None, description="TOML file of models and endpoints, synchronised at every start."
    )
    secret_key: SecretStr | None = Field(
        None, description="Signs cookies and receipts; generated once in the home folder when unset."
    )

    # The site
    title: str = Field("Arena", description="Name of this arena, shown on every page.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on.")
    workers: int = Field(1, ge=1, description="Web processes.")
    public_url: str | None = Field(
        None, description="Address the site is reached at, such as `https://arena.example.org`."
    )
    trusted_proxies: CommaSeparated = Field(
        (), description="Comma-separated networks of the proxies whose `X-Forwarded-For` is believed."
    )
    data_license: str = Field("CC-BY-4.0", description="Licence under which consented prompts are published.")
    publish_default: bool = Field(
        False,
        description="Whether the publish box is ticked when a voter first arrives. A box ticked beforehand is no "
        "consent under the law of the European Union.",
    )
    contact: str | None = Field(
        None, description="Mail or web address of the operator, shown on the about page."
    )

    # Battles
    prompt_max_characters: int = Field(12_000, ge=1, description="Longest prompt accepted, in characters.")
    body_max_bytes: int = Field(262_144, ge=1024, description="Largest request body accepted, in bytes.")
    turns_max: int = Field(20, ge=1, description="Most turns of one battle.")
    answer_max_tokens: int = Field(
        2048, ge=1, description="Most tokens of one answer, the same for every model."
    )
    temperature: float = Field(0.7, ge=0, le=2, description="Sampling temperature sent to every model.")
    top_p: float = Field(1.0, gt=0, le=1, description="Nucleus sampling sent to every model.")
    system_prompt: str | None = Field(None, description="System prompt sent to every model; none by default.")
    release_policy: ReleasePolicy = Field(
        "paced",
        description="How answers reach the voter: `paced` on one clock for both sides, `together`, or `raw`.",
    )
    release_interval_milliseconds: int = Field(
        80, ge=10, description="Time between two frames of the paced release."
    )
    release_characters: int = Field(
        32, ge=1, description="Characters a side in one frame of the paced release."
    )
    checkpoint_seconds: float = Field(0.5, gt=0, description="How often a running answer is saved.")
    interrupted_after_seconds: float = Field(
        15, gt=0, description="A running turn not heard of for this long is declared interrupted."
    )
    failed_expires_minutes: float = Field(
        60, gt=0, description="A failed battle that nobody retries becomes void after this time."
    )
    shutdown_seconds: float = Field(
        20, ge=0, description="How long running answers may finish when the server stops."
    )

    # Endpoints
    connect_timeout_seconds: float = Field(
        5, gt=0, description="Longest wait for a connection to an endpoint."
    )
    first_token_timeout_seconds: float = Field(
        60, gt=0, description="Longest wait for the first token of an answer."
    )
    token_timeout_seconds: float = Field(30, gt=0, description="Longest wait between two tokens.")
    total_timeout_seconds: float = Field(300, gt=0, description="Longest time for one answer.")
    discover: bool = Field(
        True, description="Look for OpenAI-compatible servers on loopback when no model is listed."
    )
    demo: bool = Field(True, description="Offer the demo models when no other model is found.")
    demo_speed: float = Field(
        1.0, ge=0, description="Speed-up of the demo models; 0 answers without waiting."
    )
    simulated_voters: int = Field(
        0,
        ge=0,
        description="Battles that simulated voters play on the demo models at start, on a board of their own.",
    )

    # Leaderboards
    categories_file: Path | None = Field(
        None, description="TOML file of your own categories, read at every start."
    )
    tagger_model: str | None = Field(
        None,
        description="Model of the catalog that labels prompts for the categories; the built-in classifiers by default.",
    )
    moderation_model: str | None = Field(
        None,
        description="Model of the catalog that marks what is unsafe in prompts and answers, for the releases.",
    )

    # Limits
    battles_per_hour: int = Field(60, ge=1, description="Prompts a voter may send in an hour.")
    address_battles_per_hour: int = Field(
        600, ge=1, description="Prompts one network address may send in an hour."
    )

    # Trust
    private_tests_max: int = Field(
        3, ge=0, description="Private tests that one organisation may run at the same time."
    )
    private_result_days: int = Field(
        90,
        ge=0,
        description="Days after which the result of a private test is published that ended without a release.",
    )

    # Releases
    release_signing_key: Path | None = Field(
        None,
        description="File with the Ed25519 private key (PEM) that signs releases; made once in the home folder when "
        "unset.",
    )
    release_least_group: int = Field(
        10,
        ge=2,
        description="Fewest voters that anything in a release may be told of; languages and withheld pairs of fewer "
        "are folded.",
    )
    release_destinations: CommaSeparated = Field(
        (),
        description="Comma-separated places where `arena dataset publish` puts releases: a folder (`/srv/releases`), "
        "`s3://bucket/prefix`, `hf://datasets/organisation/name`, `site` (this site, under `/data`).",
    )
    release_s3_endpoint: str | None = Field(
        None, description="Address of S3-compatible storage that is not Amazon's."
    )
    release_hf_endpoint: str | None = Field(
        None, description="Address of a hub of datasets that is not huggingface.co."
    )
    release_schedule: Schedule = Field(
        "never",
        description="Export, publish and close a release by itself when a week or a month is over: `weekly`, "
        "`monthly`, or `never`.",
    )
    release_boards: bool = Field(
        True, description="Whether releases that are made on schedule hold the votes of imported boards."
    )

    # Running it
    fit_seconds: float = Field(
        5,
        gt=0,
        description="How often the leaderboards are computed when votes came in. Where that takes long, they rest for "
        "twice the time it took, a minute at most.",
    )
    feed_seconds: float = Field(
        1, ge=0, description="How long a web process may serve a snapshot without looking for a newer one."
    )
    jobs: bool = Field(True, description="Run the periodic jobs inside the web process.")
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token for `/metrics`; without one only loopback clients are answered."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")
    log_format: Literal["console", "json"] = Field(
        "console", description="Log lines for people or for machines."
    )

    @field_validator("trusted_proxies", "release_destinations", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network, strict=False)
        return value

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not ADDRESS.fullmatch(value):
            raise ValueError(f"{value!r} is no address: give it whole, such as https://arena.example.org")
        return value

    @field_validator("release_destinations")
    @classmethod
    def _destinations(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for destination in value:
            if not DESTINATION.fullmatch(destination):
                raise ValueError(
                    f"{destination!r} is no place for releases: give a folder by its whole path, s3://bucket/prefix, "
                    "hf://datasets/organisation/name, or site"
                )
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _SettingsFile(settings_cls)

    @property
    def own_url(self) -> str:
        """Where this arena answers on its own machine."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        host = everywhere.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def secret_is_short(self) -> bool:
        """Whether the signing key that was set can be found by trying."""
        return self.secret_key is not None and len(self.secret_key.get_secret_value()) < LEAST_SECRET

    def secret(self) -> str:
        """The signing key: the one set, or one generated once and kept in the home folder."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        return _kept_secret(self.home / "secret_key")


def wrong_settings(error: ValidationError) -> str:
    """What is wrong with the settings, each with the variable or the key of the file that it was read from."""
    return "; ".join(
        f"{_source(str(problem['loc'][0]))}: {what_is_wrong(problem)}{_meant(str(problem['loc'][0]))}"
        for problem in error.errors()
    )


def _source(name: str) -> str:
    """The environment wins over the file."""
    given = {variable.upper() for variable, value in os.environ.items() if value}
    variable = f"ARENA_{name.upper()}"
    return variable if variable in given else f"{FILE}, key {name}"


def _meant(name: str) -> str:
    near = [] if name in Settings.model_fields else get_close_matches(name, Settings.model_fields, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _kept_secret(path: Path) -> str:
    """Create the file once, atomically: two processes starting together must end with the same key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
