"""The images and the Compose file, as far as they can be tested without a container engine."""

import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from standins.nova.local_authority import NAMES
from standins.twilio.settings import ExchangeSettings
from tools import render_edge
from tools.lock import third_party
from tools.workspace import ROOT, lock, members

SERVICES = ("phone-agent", "webrtc-agent")
DOCKERFILES = [
    *(ROOT / "services" / name / "Dockerfile" for name in SERVICES),
    ROOT / "standins/Dockerfile",
    ROOT / "infra/edge/Dockerfile",
]
COMPOSE = [ROOT / "docker-compose.yml", *sorted((ROOT / "infra/compose").glob("*.yaml"))]
UNUSED = ROOT / "infra/images/unused.txt"


def named(path: Path) -> str:
    """Return a file's name for a test's ID."""
    return str(path.relative_to(ROOT))


def instructions(path: Path, word: str) -> list[str]:
    """Return the arguments of every such instruction in a Dockerfile."""
    whole = path.read_text().replace("\\\n", " ")
    return [line.partition(" ")[2].strip() for line in whole.splitlines() if line.startswith(f"{word} ")]


def services(path: Path) -> dict[str, Any]:
    """Return the services of a Compose file, with the content of its anchors."""
    found: dict[str, Any] = yaml.safe_load(path.read_text())["services"]
    return found


@pytest.mark.parametrize("path", DOCKERFILES, ids=named)
def test_the_linter_has_nothing_to_say(path: Path) -> None:
    """Hadolint finds nothing, with every rule on."""
    command = [str(Path(sys.executable).parent / "hadolint"), "--no-color", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "hadolint ignore" not in path.read_text()


@pytest.mark.parametrize("path", DOCKERFILES, ids=named)
def test_an_image_is_built_from_named_versions_and_runs_as_nobody(path: Path) -> None:
    """An image has pinned bases, an unprivileged user, and a first process that receives signals."""
    text = path.read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE))
    bases = {base.split(" ")[0] for base in instructions(path, "FROM")} - stages
    assert bases <= {"python:3.12-slim", "nginx:1.28"}
    assert not text.startswith("# syntax")
    assert re.fullmatch(r"1000[123]:1000[123]", instructions(path, "USER")[-1])
    assert instructions(path, "ENTRYPOINT")[-1].startswith("[")


@pytest.mark.parametrize("path", [*DOCKERFILES, *COMPOSE], ids=named)
def test_no_secret_is_written_down(path: Path) -> None:
    """No secret is in the files; what resembles one belongs to the stand-ins and opens nothing else."""
    text = path.read_text()
    pretended = ExchangeSettings()
    for harmless in (pretended.account_sid, pretended.auth_token, "standin-secret"):
        text = text.replace(harmless, "")
    assert re.findall(r"AKIA[0-9A-Z]{16}|\bAC[0-9a-f]{32}|\bSK[0-9a-f]{32}|[0-9a-f]{32}|BEGIN [A-Z ]*KEY", text) == []
    assert re.findall(r"^(?:ARG|ENV) .*(?:SECRET|TOKEN|KEY|PASSWORD)", text, re.MULTILINE) == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_s_image_holds_its_own_code_and_packages_only(name: str) -> None:
    """A service's image holds only its own code and locked packages, without stand-ins or the other service."""
    path = ROOT / "services" / name / "Dockerfile"
    (other,) = set(SERVICES) - {name}
    assert "standins" not in path.read_text()
    assert other not in path.read_text()
    assert f"--require-hashes -r requirements/{name}.txt" in path.read_text()
    copied = [words for words in instructions(path, "COPY") if words.endswith(" /app/")]
    assert copied == [f"shared/agent_core/src/ services/{name}/src/ /app/"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_asked_without_curl_and_told_to_stop_with_a_signal_it_knows(name: str) -> None:
    """The health check needs no curl, which a slim image lacks, and the service handles its stop signal."""
    path = ROOT / "services" / name / "Dockerfile"
    assert instructions(path, "STOPSIGNAL") == ["SIGTERM"]
    (check,) = instructions(path, "HEALTHCHECK")
    assert "/health" in check
    assert not re.search(r"curl|wget", path.read_text())


def test_what_is_left_out_is_pinned_and_not_ours_to_use() -> None:
    """A package that the images leave out is locked, and no shipped member needs it."""
    names = [line.split("#")[0].strip() for line in UNUSED.read_text().splitlines() if not line.startswith("#")]
    pinned = "".join(lock(name).read_text() for name in SERVICES)
    assert [name for name in names if f"\n{name}==" not in pinned] == []
    shipped = [member for member in members() if member != "standins"]
    needed = {need.split("==")[0].split("[")[0] for member in shipped for need in third_party(member)}
    assert set(names) & needed == set()


def test_every_left_out_package_says_why() -> None:
    """Every package that is left out has a reason."""
    lines = [line for line in UNUSED.read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"\S+ +# .{5,}", line)] == []


def test_nothing_gets_into_an_image_that_was_not_let_in() -> None:
    """The ignore file excludes everything first, then includes files, and excludes settings with secrets last."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert lines[-1] == "**/.env*"
    assert all((ROOT / line.removeprefix("!").rstrip("*")).parent.is_dir() for line in lines if line.startswith("!"))


def test_nginx_is_configured_as_the_load_balancer_s_template_says() -> None:
    """Nginx is configured by `python -m tools.render_edge` from the load balancer's template."""
    rendered = render_edge.render(render_edge.TEMPLATE.read_text(encoding="utf-8"))
    assert render_edge.CONFIGURATION.read_text(encoding="utf-8") == rendered


def test_a_rule_that_nginx_was_not_taught_is_not_rendered() -> None:
    """A rule that nginx cannot express, such as a redirect, is rejected and not rendered."""
    template = render_edge.TEMPLATE.read_text(encoding="utf-8")
    assert '"/incoming-call*"' in template
    with pytest.raises(render_edge.UnrenderableError, match="cannot be quoted"):
        render_edge.render(template.replace('"/incoming-call*"', "'/incoming\"call*'"))


@pytest.mark.parametrize("name", [*SERVICES, "edge", "guide", "standin"])
def test_a_container_is_hardened_as_the_task_definition_is(name: str) -> None:
    """A container is hardened like the task: no capability, no new privilege, and only /tmp is writable."""
    service = services(ROOT / "infra/compose/standin.yaml" if name == "standin" else COMPOSE[0])[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert not {"privileged", "cap_add", "pid", "user"} & set(service)
    if name in SERVICES:
        task = (ROOT / "infra/cloudformation/service.yaml").read_text()
        stop = re.search(r"StopTimeout: (\d+)", task)
        assert stop is not None
        assert service["stop_grace_period"] == f"{stop[1]}s"
        assert 'User: "10001:10001"' in task
        assert "ReadonlyRootFilesystem: true" in task


def chosen(text: str, real: frozenset[str]) -> str:
    """Return the end of a file's name as Compose computes it from the variables."""
    return re.sub(r"\$\{(\w+):\+([^}]*)\}", lambda one: one[2] if one[1] in real else "", text)


def needed(extends: dict[str, str], folder: Path, real: frozenset[str]) -> set[str]:
    """Follow `extends` from file to file, and return the stand-ins that are waited for."""
    path = folder / chosen(extends["file"], real)
    service = services(path)[extends["service"]]
    waits = service.get("depends_on", {})
    assert all(wait == {"condition": "service_healthy"} for wait in waits.values())
    further = needed(service["extends"], path.parent, real) if "extends" in service else set()
    return {*waits, *further}


VARIABLES = ("AWS_ACCESS_KEY_ID", "TWILIO_AUTH_TOKEN", "OPEN_METEO_FORECAST_URL", "BOOKING_DESK_URL")


@pytest.mark.parametrize(
    "real", [frozenset(some) for many in range(5) for some in combinations(VARIABLES, many)], ids=len
)
def test_a_service_waits_for_each_stand_in_that_runs(real: frozenset[str]) -> None:
    """A service waits for each stand-in that is started, and for no other, which Compose would reject."""
    included = [ROOT / chosen(path, real) for path in yaml.safe_load(COMPOSE[0].read_text())["include"]]
    running = {name for path in included for name, one in services(path).items() if "profiles" not in one}
    for name in SERVICES:
        service = services(COMPOSE[0])[name]
        assert needed(service["extends"], ROOT, real) == running
        assert service["depends_on"] == {"edge": {"condition": "service_healthy"}}


def test_a_busy_machine_is_waited_for() -> None:
    """On a busy machine the start may take long, and a container that fails is restarted a few times."""
    standin = services(ROOT / "infra/compose/standin.yaml")["standin"]
    for service in (standin, *(services(COMPOSE[0])[name] for name in (*SERVICES, "edge"))):
        assert service["healthcheck"]["start_period"] == "300s"
        assert service["restart"] == "on-failure:3"


@pytest.mark.parametrize("path", COMPOSE, ids=named)
def test_ports_are_published_to_this_machine_only(path: Path) -> None:
    """Ports are published to this machine only, so that no other machine can call it."""
    ports = [str(port) for service in services(path).values() for port in service.get("ports", [])]
    assert [port for port in ports if not port.startswith(("127.0.0.1:", "${ICE_ADVERTISED_HOSTS:-127.0.0.1}:"))] == []


def test_the_ports_for_audio_are_none_that_a_system_hands_out() -> None:
    """The ports for audio are below 32768, from where Linux assigns ports to other programs."""
    (published,) = (port for port in services(COMPOSE[0])["webrtc-agent"]["ports"] if port.endswith("/udp"))
    ranges = re.findall(r"\$\{ICE_FIRST_PORT:-(\d+)\}-\$\{ICE_LAST_PORT:-(\d+)\}", published)
    (first, last) = {tuple(map(int, ports)) for ports in ranges}.pop()
    assert ranges == [(str(first), str(last))] * 2
    assert 1024 < first < last < 32768
    narrowed = services(COMPOSE[0])["webrtc-agent"]["sysctls"]["net.ipv4.ip_local_port_range"]
    assert re.findall(r":-(\d+)", narrowed) == [str(first), str(last)]
    page = (ROOT / "docs/howto/compose.md").read_text(encoding="utf-8")
    assert f"`{first}`, `{last}`" in page


def test_the_recogniser_can_be_built_where_it_has_no_wheel() -> None:
    """The recogniser is built on Linux and ARM by a hashed compiler package, which the base image lacks."""
    text = (ROOT / "standins/Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes -r requirements/recogniser.txt" in text
    assert "--no-build-isolation-package pocketsphinx" in text
    tools = re.findall(r"^([a-z-]+)==", lock("recogniser").read_text(encoding="utf-8"), re.MULTILINE)
    (removed,) = re.findall(r"uv pip uninstall --python \S+ (.+) \\", text)
    kept = {"packaging", "pathspec"}  # the stand-ins need them too, or they are small
    assert set(removed.split()) == set(tools) - kept
    for name in ("cc", "ar", "ranlib"):
        wrapper = ROOT / "infra/images/compiler" / name
        assert wrapper.stat().st_mode & 0o111
        assert f"exec python-zig {name} " in wrapper.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_told_nothing_that_it_does_not_know(name: str) -> None:
    """Compose sets only variables that a service knows."""
    service = services(COMPOSE[0])[name]
    given = set(service["environment"])
    for entry in service["env_file"]:
        if isinstance(entry, str):
            file = ROOT / re.sub(r"\$\{[A-Z_]+:\+-real\}", "", entry)
            real = file.with_stem(f"{file.stem}-real")
            given |= {
                line.partition("=")[0] for each in (file, real) for line in each.read_text().splitlines() if "=" in line
            }
    known = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE))
    for agent in (ROOT / "agents").glob("*/agent.yaml"):
        declared = yaml.safe_load(agent.read_text(encoding="utf-8"))
        known |= {*declared.get("environment", {}), *declared.get("secrets", ()), *declared.get("optional_secrets", ())}
    sdk = {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_EC2_METADATA_DISABLED",
        "SSL_CERT_FILE",
    }
    assert given - known - sdk == set()


def test_the_stand_ins_are_what_the_services_are_told() -> None:
    """Compose gives the services the stand-ins' default account, secrets and name, which the certificate has."""
    phone = services(COMPOSE[0])["phone-agent"]["environment"]
    pretended = ExchangeSettings()
    assert phone["TWILIO_ACCOUNT_SID"] == f"${{TWILIO_ACCOUNT_SID:-{pretended.account_sid}}}"
    assert phone["TWILIO_AUTH_TOKEN"] == f"${{TWILIO_AUTH_TOKEN:-{pretended.auth_token}}}"
    assert "nova" in NAMES
