"""The container files against the program they run."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from arena.catalog import read_catalog
from arena.gateway.probe import health_address
from arena.settings import Settings
from arena.web.health import router
from docs.generate import walk_commands

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
Service = dict[str, Any]  # a service of a YAML file holds whatever compose allows


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    found: dict[str, Service] = composed["services"]
    return found


def health_paths(text: str) -> set[str]:
    return set(re.findall(r"http://127\.0\.0\.1:\d+(/\w+)", text))


def assert_is_command(words: list[str]) -> None:
    """The words call the program `arena` with a command and options that it has."""
    known = dict(walk_commands())
    assert words[0] == "arena"
    assert words[1] in known
    offered = {option for p in known[words[1]].params for option in (*p.opts, *p.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= offered


def test_services_run_commands_that_exist(services: dict[str, Service]) -> None:
    ours = {name: service for name, service in services.items() if service["image"] == "arena"}
    assert set(ours) == {"web", "jobs"}
    for service in ours.values():
        assert_is_command(service["command"])


def test_one_service_alone_runs_the_jobs(services: dict[str, Service]) -> None:
    assert "--no-jobs" in services["web"]["command"]
    assert services["jobs"]["command"] == ["arena", "jobs"]


def test_variables_are_settings_with_allowed_values(services: dict[str, Service]) -> None:
    for name in ("web", "jobs"):
        given = {
            key: value for key, value in services[name]["environment"].items() if key.startswith("ARENA_")
        }
        values = {key.removeprefix("ARENA_").lower(): value for key, value in given.items()}
        assert set(values) <= set(Settings.model_fields)
        Settings(**{key: value for key, value in values.items() if value is not None})


def test_every_variable_of_the_file_is_known() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    named = {name.lower() for name in re.findall(r"ARENA_([A-Z_]+)", text)}
    assert named <= set(Settings.model_fields)


def test_secrets_have_no_default(services: dict[str, Service]) -> None:
    for variable in ("ARENA_SECRET_KEY", "ARENA_DATABASE_URL"):
        assert ":?" in services["web"]["environment"][variable], (
            f"{variable} must stop compose when it is unset"
        )
    assert ":?" in services["db"]["environment"]["POSTGRES_PASSWORD"]


def test_postgres_is_recent_and_its_data_is_kept(services: dict[str, Service]) -> None:
    image, major = services["db"]["image"].split(":")
    assert image == "postgres"
    assert int(major) >= 17
    # From version 18 on the image keeps its data in a folder named by version below this one.
    assert services["db"]["volumes"] == ["database:/var/lib/postgresql"]


def test_web_and_jobs_wait_for_what_they_need(services: dict[str, Service]) -> None:
    assert services["web"]["depends_on"]["db"]["condition"] == "service_healthy"
    assert "healthcheck" in services["db"]
    assert services["jobs"]["depends_on"]["web"]["condition"] == "service_healthy"
    assert services["jobs"]["healthcheck"] == {"disable": True}


def test_only_the_web_is_published_and_only_on_loopback(services: dict[str, Service]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8080:8080"]}


def test_model_servers_come_with_the_profile_gpu_and_answer_the_catalog(services: dict[str, Service]) -> None:
    engines = {name: service for name, service in services.items() if service.get("profiles") == ["gpu"]}
    (model,) = read_catalog(ROOT / "docs" / "examples" / "catalog.toml").model
    assert {endpoint.url for endpoint in model.endpoint} == {f"http://{name}:8000/v1" for name in engines}
    for engine in engines.values():
        command = engine["command"]
        assert command[command.index("--served-model-name") + 1] == model.endpoint[0].served_model
        path = health_address("http://127.0.0.1:8000/v1").removeprefix("http://127.0.0.1:8000")
        assert health_paths(" ".join(engine["healthcheck"]["test"])) == {path}
        assert set(engine["networks"]) & set(services["web"]["networks"])


def test_catalog_of_the_containers_is_mounted(services: dict[str, Service]) -> None:
    (mount,) = services["web"]["volumes"]
    source, target, mode = mount.split(":")
    assert (ROOT / source).is_file()
    assert (target, mode) == ("/etc/arena/catalog.toml", "ro")


def test_image_is_asked_for_a_path_that_exists() -> None:
    served = {getattr(route, "path", None) for route in router.routes}
    asked = health_paths(DOCKERFILE)
    assert asked == {"/livez"}
    assert asked <= served


def test_image_runs_a_command_that_exists_and_not_as_root() -> None:
    *_, last = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, flags=re.MULTILINE)
    assert_is_command(yaml.safe_load(last))
    assert re.search(r"^USER arena$", DOCKERFILE, flags=re.MULTILINE)


def test_image_copies_files_that_exist_and_are_not_ignored() -> None:
    allowed = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, flags=re.MULTILINE):
        for source in shlex.split(line)[:-1]:
            assert (ROOT / source).exists(), f"{source} does not exist"
            assert source in allowed, f"{source} is kept from the build by .dockerignore"


def test_image_installs_only_what_the_lock_names() -> None:
    assert "--require-hashes" in DOCKERFILE
    assert "pip install --no-deps --no-build-isolation ." in DOCKERFILE
