"""Settings: where they come from, what is refused, and the secret that is made once."""

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pydantic import ValidationError

from arena.settings import Settings, wrong_settings

Write = Callable[[str], None]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder and no variables of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ARENA_{name.upper()}", raising=False)


@pytest.fixture
def write_toml(tmp_path: Path) -> Write:
    def write(text: str) -> None:
        (tmp_path / "arena.toml").write_text(text, encoding="utf-8")

    return write


def test_every_setting_has_a_default() -> None:
    settings = Settings()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8080, 1)
    assert settings.database_url is None


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("arena.lan", "arena.lan"),
    ],
)
def test_own_address_can_be_asked(host: str, address: str) -> None:
    assert Settings(host=host, port=9000).own_url == f"http://{address}:9000"


def test_environment_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_PORT", "9000")
    monkeypatch.setenv("ARENA_DEMO", "false")
    monkeypatch.setenv("ARENA_RELEASE_POLICY", "raw")
    settings = Settings()
    assert (settings.port, settings.demo, settings.release_policy) == (9000, False, "raw")


def test_file_sets(write_toml: Write) -> None:
    write_toml('title = "Tasting"\nfirst_token_timeout_seconds = 90\n')
    settings = Settings()
    assert (settings.title, settings.first_token_timeout_seconds) == ("Tasting", 90)


def test_environment_wins_over_file_and_argument_over_both(
    write_toml: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_toml("port = 9001\nworkers = 2\n")
    monkeypatch.setenv("ARENA_PORT", "9000")
    assert (Settings().port, Settings().workers) == (9000, 2)
    assert Settings(port=9002).port == 9002


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"ARENA_{name.upper()}", "")
    assert Settings() == Settings.model_construct(**{n: f.default for n, f in Settings.model_fields.items()})


@pytest.mark.parametrize(
    ("given", "networks"),
    [
        ("10.0.0.0/8, 192.168.1.7", ("10.0.0.0/8", "192.168.1.7")),
        ("::1/128,", ("::1/128",)),
        (" , ", ()),
    ],
)
def test_proxies_are_separated_by_commas(
    given: str, networks: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARENA_TRUSTED_PROXIES", given)
    assert Settings().trusted_proxies == networks


def test_proxies_may_be_a_list_in_the_file(write_toml: Write) -> None:
    write_toml('trusted_proxies = ["10.0.0.0/8", "127.0.0.1"]\n')
    assert Settings().trusted_proxies == ("10.0.0.0/8", "127.0.0.1")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("port", "abc", "must be a whole number, not 'abc'"),
        ("port", "65536", "must be 65535 or less, not '65536'"),
        ("workers", "0", "must be 1 or more, not '0'"),
        ("temperature", "3", "must be 2 or less, not '3'"),
        ("top_p", "0", "must be greater than 0, not '0'"),
        ("release_policy", "slow", "'paced', 'raw' or 'together'"),
        ("log_level", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("demo", "perhaps", "must be true or false, not 'perhaps'"),
        ("trusted_proxies", "10.0.0.0/8, proxy", "'proxy' does not appear to be an IPv4 or IPv6 network"),
        ("public_url", "foo", "'foo' is no address: give it whole, such as https://arena.example.org"),
        ("body_max_bytes", "10", "must be 1024 or more"),
    ],
)
def test_bad_value_is_refused_with_its_name_and_what_is_allowed(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ARENA_{name.upper()}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert wrong_settings(caught.value).startswith(f"ARENA_{name.upper()}: ")
    assert said in wrong_settings(caught.value)


def test_unknown_key_of_the_file_is_refused_by_name(write_toml: Write) -> None:
    write_toml("prot = 9000\nworkers = 0\n")
    with pytest.raises(ValidationError) as caught:
        Settings()
    said = set(wrong_settings(caught.value).split("; "))
    assert said == {
        "arena.toml, key prot: is not known here (did you mean port?)",
        "arena.toml, key workers: must be 1 or more, not 0",
    }


def test_file_that_is_no_toml_is_named(write_toml: Write) -> None:
    write_toml("port = = 9000\n")
    with pytest.raises(ValueError, match=r"^arena.toml cannot be read: .*line 1"):
        Settings()


def test_wrong_secret_is_not_told(write_toml: Write) -> None:
    write_toml("metrics_token = 12345678\n")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert wrong_settings(caught.value) == "arena.toml, key metrics_token: must be text in quotes"


def test_short_secret_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Settings().secret_is_short  # one is generated
    for secret, is_short in (("x" * 31, True), ("x" * 32, False)):
        monkeypatch.setenv("ARENA_SECRET_KEY", secret)
        assert Settings().secret_is_short == is_short


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_SECRET_KEY", "canary-key")
    monkeypatch.setenv("ARENA_METRICS_TOKEN", "canary-token")
    monkeypatch.setenv("ARENA_DATABASE_URL", "postgresql://arena:canary-password@db/arena")
    assert "canary" not in repr(Settings()) + str(Settings().model_dump())


def test_secret_that_is_set_is_used_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARENA_SECRET_KEY", "a key of the operator")
    assert Settings(home=tmp_path / "home").secret() == "a key of the operator"
    assert not (tmp_path / "home").exists()


def test_secret_is_generated_once_for_its_owner_only(tmp_path: Path) -> None:
    first = Settings(home=tmp_path / "new" / "home").secret()
    assert len(first) >= 48
    assert Settings(home=tmp_path / "new" / "home").secret() == first
    (file,) = (tmp_path / "new" / "home").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Settings(home=tmp_path / "other").secret() != first


@pytest.mark.parametrize("attempt", range(10))
def test_programs_that_start_together_get_one_secret(tmp_path: Path, attempt: int) -> None:
    starting = Barrier(12)

    def start() -> str:
        starting.wait()
        return Settings(home=tmp_path).secret()

    with ThreadPoolExecutor(12) as programs:
        secrets = {future.result() for future in [programs.submit(start) for _ in range(12)]}
    assert len(secrets) == 1
    assert secrets.pop(), "nobody may read the file before it is written"
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
