"""Probes P7 and P9 to P12: IAM, weather, task protection, secrets, Daily."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from uuid import uuid4

import boto3
import httpx
from botocore.credentials import ReadOnlyCredentials

from agent_core import endpoint
from agent_core.causes import classify
from agent_core.errors import ModelError
from agent_core.nova.sdk import SdkModelClient
from deployment.console import CheckMark
from doctor import amazon
from doctor.live.model_exchange import ModelExchange
from doctor.live.model_probes import ModelProbes
from doctor.live.probe_result import ProbeResult
from doctor.surroundings import MachineState

_FORECAST_URL: Final = "https://api.open-meteo.com/v1/forecast"
_SECONDS: Final = 6.0
_PROTECTION_SECONDS: Final = 5.0
_DAILY: Final = "https://api.daily.co/v1"
_JOIN: Final = "the join itself needs a browser: open the page"
_SPOT: Final = {"latitude": "59.33", "longitude": "18.07", "current": "temperature_2m"}


type Probe = Callable[[MachineState], list[ProbeResult]]


class Fixed:
    """Credentials of an assumed role."""

    def __init__(self, keys: ReadOnlyCredentials) -> None:
        self._keys = keys

    async def frozen(self) -> ReadOnlyCredentials:
        """Return the credentials."""
        return self._keys


async def role(surroundings: MachineState, model: ModelProbes, arn: str) -> list[ProbeResult]:
    """P7: test whether a role with only `bedrock:InvokeModel` can open a stream."""
    if not arn:
        return [ProbeResult("P7 policy", None, "pass --role with a role that has only bedrock:InvokeModel")]
    # Assume the role: with the operator's own permissions the test would prove nothing.
    taken = boto3.client("sts", surroundings.region).assume_role(RoleArn=arn, RoleSessionName="voice-agent-doctor")
    keys = taken["Credentials"]
    fixed = Fixed(ReadOnlyCredentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]))
    client = SdkModelClient(region=surroundings.model_region, endpoint=endpoint_of(surroundings), credentials=fixed)  # type: ignore[arg-type]

    async def use(one: ModelExchange) -> None:
        await one.introduce()
        # Bedrock checks the permission before it sends the response headers.
        await one.stream.ready()

    try:
        await replace(model, client=client).open("P7", use)
    except ModelError as error:
        return [ProbeResult("P7 policy", assumed=False, found=classify(error).why)]
    return [ProbeResult("P7 policy", assumed=True, found="bedrock:InvokeModel is enough")]


def endpoint_of(surroundings: MachineState) -> str:
    """Return the endpoint of the model."""
    return endpoint.resolve(surroundings.model_region, surroundings.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME") or None)


def weather(surroundings: MachineState) -> list[ProbeResult]:
    """P9: test that the free plan answers without a key, and the commercial host only with one."""
    url, key = surroundings.get("OPEN_METEO_FORECAST_URL", _FORECAST_URL), surroundings.get("OPEN_METEO_API_KEY")
    with httpx.Client(timeout=_SECONDS) as client:
        free = client.get(url, params=_SPOT).status_code
        found = [ProbeResult("P9 weather without a key", free == httpx.codes.OK, f"status {free}")]
        if not key:
            return [*found, ProbeResult("P9 weather with a key", None, "OPEN_METEO_API_KEY is not set")]
        # Open-Meteo's commercial plan has its own host name, with the same paths.
        paying = url.replace("://api.", "://customer-api.")
        status = client.get(paying, params={**_SPOT, "apikey": key}).status_code
    return [*found, ProbeResult("P9 weather with a key", status == httpx.codes.OK, f"status {status}")]


def protection(surroundings: MachineState) -> list[ProbeResult]:
    """P10: measure how long ECS takes to protect a task; works only inside a task."""
    agent = surroundings.get("ECS_AGENT_URI")
    if not agent:
        return [ProbeResult("P10 task protection", None, "needs the ECS agent: run it inside a task")]
    url, began = f"{agent}/task-protection/v1/state", time.monotonic()
    with httpx.Client(timeout=_PROTECTION_SECONDS * 2) as client:
        # One minute is the shortest time that ECS accepts.
        on = client.put(url, json={"ProtectionEnabled": True, "ExpiresInMinutes": 1})
        took = time.monotonic() - began
        client.put(url, json={"ProtectionEnabled": False})
    quick = on.is_success and took <= _PROTECTION_SECONDS
    return [ProbeResult("P10 task protection", quick, f"status {on.status_code} after {took:.2f} s (at most 5)")]


def stored_keys(surroundings: MachineState) -> list[ProbeResult]:
    """P11: check that each key in a template is in its secret."""
    rows = amazon.stored_keys(surroundings)
    return [
        ProbeResult(
            f"P11 {row.subject}", None if row.mark is CheckMark.UNSET else row.mark is CheckMark.GOOD, row.found
        )
        for row in rows
    ]


def daily(surroundings: MachineState) -> list[ProbeResult]:
    """P12: create a room and a token, and delete the room."""
    key = surroundings.get("DAILY_API_KEY")
    if not key:
        return [ProbeResult("P12 Daily", None, "DAILY_API_KEY is not set")]
    name, url = f"doctor-{uuid4().hex[:12]}", surroundings.get("DAILY_API_URL", _DAILY).rstrip("/")
    # The room also expires, in case this program is killed before it deletes the room.
    expires = int(time.time()) + 120
    room = {"name": name, "privacy": "private", "properties": {"exp": expires, "eject_at_room_exp": True}}
    token = {"properties": {"room_name": name, "exp": expires}}
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=_SECONDS) as client:
        began = time.monotonic()
        # All three run whatever their statuses, so that the room is deleted even if Daily rejects the token.
        statuses = [
            client.post(f"{url}/rooms", json=room).status_code,
            client.post(f"{url}/meeting-tokens", json=token).status_code,
            client.delete(f"{url}/rooms/{name}").status_code,
        ]
        took = time.monotonic() - began
    good = all(status == httpx.codes.OK for status in statuses)
    words = f"room, token, delete: {', '.join(map(str, statuses))} in {took:.1f} s; {_JOIN}"
    return [ProbeResult("P12 Daily", good, words)]


def safely(name: str, probe: Probe, surroundings: MachineState) -> list[ProbeResult]:
    """Run a probe; report a failure to run it as a row too."""
    service = {"P9": "open_meteo", "P12": "daily"}.get(name, "aws")
    try:
        return probe(surroundings)
    except Exception as error:  # noqa: BLE001 - a crash in one probe must not hide the others
        return [ProbeResult(name, None, str(classify(error, service)))]
