"""Write the reference pages that are derived from the code: settings, call detail records, errors, metrics.

``python -m tools.reference`` writes them; the tests compare them with what it would write.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "shared/agent_core/src/agent_core"
PHONE = ROOT / "services/phone-agent/src/phone_agent"
WEB = ROOT / "services/webrtc-agent/src/webrtc_agent"
NOVA = ROOT / "standins/src/standins/nova"
PAGES = ROOT / "docs/reference"
DEPLOYMENT = ROOT / "infra/deployment/src/deployment"


@dataclass(frozen=True)
class Field:
    """A name in a class body with its default and the docstring below it."""

    name: str
    default: str | None
    text: str


def fields(path: Path, owner: str) -> Iterator[Field]:
    """Read the documented names of a class, in order."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    body = next(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == owner)
    for node, below in zip(body, [*body[1:], None], strict=True):
        name = _name(node)
        if name is not None and name != "model_config":
            value = getattr(node, "value", None)
            yield Field(name, None if value is None else ast.unparse(value), _docstring(below))


def _name(node: ast.stmt) -> str | None:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def _docstring(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return " ".join(node.value.value.split()).replace("``", "`").replace("|", "\\|")
    return ""


def settings_page() -> str:
    """Return the page of all settings."""
    lines = [
        "# Settings",
        "",
        (
            "Each service reads its settings once, at start: from the environment, then from `.env`. If a required one "
            "is missing, it does not start and prints one line that says what to set. Credentials for Bedrock come "
            "from the default AWS chain; they are not settings."
        ),
    ]
    for title, path, owner in (
        ("Both services", CORE / "settings.py", "CoreSettings"),
        ("Phone service", PHONE / "settings.py", "PhoneSettings"),
        ("Web service", WEB / "settings.py", "WebSettings"),
    ):
        lines += ["", f"## {title}", "", "| variable | default | what it does |", "|---|---|---|"]
        lines += [f"| `{f.name.upper()}` | {_default(f.default)} | {f.text} |" for f in fields(path, owner)]
    return "\n".join(lines) + "\n"


def _default(source: str | None) -> str:
    if source is None:
        return "**must be set**"
    if source in ("None", "()"):
        return "none"
    if re.fullmatch(r"[A-Z][A-Za-z]+\.[A-Z_]+", source):  # a member of an enumeration
        return f"`{source.rpartition('.')[2].lower()}`"
    plain = source.removeprefix("HttpUrl(").removesuffix(")") if source.startswith("HttpUrl(") else source
    return f"`{plain.strip(chr(39))}`"


def records_page() -> str:
    """Return the page of the call detail record."""
    lines = [
        "# Call detail records",
        "",
        (
            "Every admitted conversation writes exactly one call detail record: the log line `session_ended`. It has "
            "identifiers and numbers, but no words and no phone number."
        ),
        "",
        "## End reasons (`reason`)",
        "",
        "| reason | meaning |",
        "|---|---|",
    ]
    lines += [f"| `{str(f.default).strip(chr(39))}` | {f.text} |" for f in fields(CORE / "events.py", "EndReason")]
    lines += ["", "## Session statistics", "", "| field | meaning |", "|---|---|"]
    lines += [f"| `{f.name}` | {f.text or '-'} |" for f in fields(CORE / "events.py", "SessionStats")]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Measured:
    """A metric as the code declares it."""

    name: str
    kind: str
    text: str
    unit: str = "Count"
    labels: tuple[str, ...] = ()


def metrics() -> Iterator[Measured]:
    """Read the metrics, in order."""
    tree = ast.parse((CORE / "observability/metrics.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(call := node.value, ast.Call):
            name, kind, text, *unit = call.args
            labels = next((ast.literal_eval(given.value) for given in call.keywords if given.arg == "labels"), ())
            given_unit = _member(unit[0]).capitalize() if unit else "Count"
            yield Measured(
                ast.literal_eval(name), _member(kind).lower(), ast.literal_eval(text), given_unit, tuple(labels)
            )


def _member(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


_METRICS_HEAD = """# Metrics

Each service writes its metrics to standard output, one JSON object a line, in CloudWatch's embedded metric format. The
log group turns them into metrics without an agent or an API call. A service writes them every
`METRICS_INTERVAL_SECONDS` if its log is JSON; on a terminal it writes none.

The namespace is `VoiceAgent`; `METRICS_NAMESPACE` changes it. Two environments in one account and region need two
namespaces, otherwise one would scale on the other's calls. Every metric has the dimension `Service`: `phone-agent` or
`webrtc-agent`. A metric with labels is published twice, by `Service` alone and by `Service` with its labels. A label
has at most 40 values in a task; further values count as `other`.

Gauges and counters by service are published at every interval, also when they are zero: no value at all means that no
task runs. A gauge's average is per task. Use the statistic Sum for a counter, and p50, p90, p99 or Maximum for a
distribution.

| metric | kind | unit | labels | meaning |
|---|---|---|---|---|"""

_FIELDS = """
## Log events

Metric lines have `event` = `metrics`. Every other log line has `event` (a constant name), `level`, `service`,
`environment` and `timestamp`; lines of a conversation also have `session_id` and, on the phone, `call_sid`. The most
useful events for Logs Insights:

| event | further fields |
|---|---|
| `session_ended` | `channel`, `reason`, `duration_ms`, `cost_usd`, [and more](end-records.md#session-statistics) |
| `session_started` | `channel` |
| `tool_called`, `tool_failed` | `tool`, `elapsed_ms`; a failed one also `outcome`, `error` |
| `call_answered` | `caller`, the other party: `number`, `withheld`, `sip`, `app` or `other`; `outbound`: our call |
| `status_callback_misdirected` | `status`: a status callback points at `/incoming-call`; clear it at Twilio |
| `machine_answered` | `answered_by`: an outbound call of ours that was hung up |
| `dial_failed` | `code`, Twilio's error: 13214 requires another `TRANSFER_CALLER_ID` |
| `twilio_checked`, `twilio_not_checked` | `host`, `error`: the result of the check of Twilio's REST API at start |
| `twilio_refuses_us`, `hang_up_failed` | `error`: the answer of Twilio's REST API, and the setting to change |
| `call_after_its_stream` | `ended_normally`: yes, the call was hung up; no, the fallback followed |
| `call_rejected` | `cause` (`AtCapacity`, `ModelBusy`, `Draining`, `OverBudget`), `tries` |
| `model_throttled` | `error`, `region`, `streams` of this task, `seconds` without new conversations |
| `model_throttle_over` | `region`: the model accepts streams again |
| `model_streams_unreachable`, `model_streams_reached` | `error`: the table that counts the account's streams |
| `model_streams_not_returned` | a stopped task did not release its leases; they expire within a minute |
| `model_stream_failed`, `model_lost` | `error`; [`cause`, `why`, `remedy`](causes.md); the first also `failures` |
| `model_renewal_refused` | `error`: the next stream rejected the conversation, and the old one continues |
| `model_refuses_history` | `kept_bytes`: the length of the rejected history; from now on half of it is sent |
| `model_refuses_audio_during_tools`, `model_refuses_nudges` | audio waits for a tool, an announcement covers it |
| `tool_calls_limited`, `tool_use_repeated` | `tool`: the model called too many in one turn, or repeated one |
| `pipeline_failed`, `session_failed`, `call_failed` | `error`: the defect that ended a conversation |
| `release_failed`, `record_not_counted` | a defect in one step of a conversation's end; other steps were completed |
| `variable_ignored` | `variable`, `meant`: an environment variable that looks like a misspelt setting |
| `request_refused` | `path`, `status`, `error` |
| `requests_over_budget` | `requests`: how many were rejected since the previous line, at least a minute ago |
| `open_request` | `open`: the task's own request through the load balancer started, or ended with its last visitor |
| `open_request_broken` | `error`; it is opened again |
| `open_request_failed` | `tries`: none of them reached this task, and none is open |
| `draining`, `drained` | `sessions` |
"""


def metrics_page() -> str:
    """Return the page of metrics and log events."""
    rows = [
        f"| `{m.name}` | {m.kind} | {m.unit} | {', '.join(f'`{label}`' for label in m.labels) or 'none'} | {m.text} |"
        for m in metrics()
    ]
    return "\n".join([_METRICS_HEAD, *rows, _FIELDS.rstrip(), ""])


def errors_page() -> str:
    """Return the page with the tree of errors."""
    tree = ast.parse((CORE / "errors.py").read_text(encoding="utf-8"))
    head, _, rest = (ast.get_docstring(tree) or "").partition("\n\n")
    picture, _, tail = rest.partition("\n\n")
    return f"# Errors\n\n{head}\n\n```text\n{picture}\n```\n\n{tail}\n"


_NOVA_HEAD = """# The stand-in for Nova Sonic

`python -m standins.nova` implements the protocol of Bedrock's InvokeModelWithBidirectionalStream and its rules. It has
no model: understanding, voice and token counts are simulated. [How to run it](../howto/run-nova-sonic-locally.md).

**It implements the strictest reading of the service.** Public sources disagree about many limits. A client that passes
with the strictest of them passes with all. So each default below is the strictest one, except `audio_during_tools`, and
each is a setting.

The control server is for programs on this machine: every stand-in answers 403 to a request from a web page, which it
recognizes by the header `Origin` or `Sec-Fetch-Site`.

## Limits

Set a limit on the command line with `--limit NAME=VALUE`, repeatedly if needed; while it runs with `PATCH /limits` of
the control server and `{"NAME": VALUE}`, for streams that open later; in tests with `NovaSettings(limits=Limits(…))`.
Times are in seconds, sizes in bytes of UTF-8.

| limit | default | meaning and source |
|---|---|---|"""

_NOVA_PACE = """
## Pace

`--pace field`, the command's default, uses the figures of public reports: the first text 0.63 s and the first audio
0.75 s after the caller's words, chunks of 80 ms in bursts with gaps of up to 0.4 s, 5 times real time on average.
`--pace quick`, the default in tests, is the table below. `--timing NAME=VALUE` and `PATCH /pace` change one of its
values.

| timing | quick | meaning |
|---|---|---|"""

_NOVA_FAULTS = """
## Faults

`POST /faults` of the control server schedules a fault, `GET` lists those still pending, `DELETE` cancels all.

| field | default | meaning |
|---|---|---|"""


def nova_page() -> str:
    """Return the page of the stand-in for the model: limits, pace and faults."""
    lines = [_NOVA_HEAD]
    lines += [
        f"| `{f.name}` | {_default(f.default)} | {f.text} |"
        for f in fields(NOVA / "service_limits.py", "ServiceLimits")
    ]
    lines += [_NOVA_PACE]
    lines += [f"| `{f.name}` | {_default(f.default)} | {f.text} |" for f in fields(NOVA / "pace.py", "Pace")]
    lines += [_NOVA_FAULTS]
    for f in fields(NOVA / "faults.py", "ModelFault"):
        bounded = re.match(r"Field\(default=([^,)]+)", f.default or "")
        lines.append(f"| `{f.name}` | {_default(bounded[1] if bounded else f.default)} | {f.text} |")
    lines += ["", "| action | what happens |", "|---|---|"]
    lines += [f"| `{name}` | {text} |" for name, text in _table(NOVA / "faults.py", "ACTIONS").items()]
    return "\n".join(lines) + "\n"


_CAUSES_HEAD = """# Causes

Why a service that the agent depends on failed. Each failure is one log line, at WARNING or ERROR, with the fields
`cause` (below), `why` and `remedy`; `voice-agent run` shows the two sentences. They contain no key, no number and no
words of a caller. Where to start: [Troubleshooting](../howto/troubleshooting.md).

| `cause` | why | remedy |
|---|---|---|"""
_WORDS = {"host": "`<host>`", "label": "the service", "clock": "this machine's clock is wrong", "error": "an error"}
_WORDS |= {"address": "the settings of its address", "keys": "the settings of its key"}


def causes_page() -> str:
    """Return the page of all causes, with words in place of what `agent_core.causes` fills in."""
    rows = []
    for name, (why, remedy) in _table(CORE / "cause_texts.py", "CAUSES").items():
        texts = [text.format(**_WORDS) for text in (why, remedy)]
        rows.append(f"| `{name}` | {' | '.join(text[0].upper() + text[1:] for text in texts)} |")
    return "\n".join([_CAUSES_HEAD, *rows]) + "\n"


_WITHOUT_CALLS = {"EventLoopLag"}
"""A distribution that has values also while idle; gauges and counters have, zeros."""


def measured_file() -> str:
    """Return the file from which `voice-agent deploy` counts its estimate; it shares no code with the services."""
    found = list(metrics())
    always = [one.name for one in found if one.kind in {"gauge", "counter"} or one.name in _WITHOUT_CALLS]
    defaults = {one.name: one.default for one in fields(CORE / "settings.py", "CoreSettings")}
    prices = ("speech_input", "text_input", "speech_output", "text_output")
    told = {
        "always": always,
        "in_calls": [one.name for one in found if one.name not in always],
        "labelled": [one.name for one in found if one.labels],
        "seconds_between_lines": float(str(defaults["metrics_interval_seconds"])),
        "dollars_for_1000_tokens": {name: float(str(defaults[f"{name}_usd_per_1k_tokens"])) for name in prices},
    }
    return json.dumps(told, indent=2) + "\n"


def _table(path: Path, name: str) -> dict[str, Any]:
    """Read a constant that is a mapping of words."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and node.value is not None and _name(node) == name:
            table: dict[str, Any] = ast.literal_eval(node.value)
            return table
    raise LookupError(name)


def pages() -> dict[Path, str]:
    """Return every page by its path, except the HTTP API, which needs the services' code (`tools.reference_http`)."""
    return {
        PAGES / "settings.md": settings_page(),
        PAGES / "end-records.md": records_page(),
        PAGES / "errors.md": errors_page(),
        PAGES / "metrics.md": metrics_page(),
        PAGES / "causes.md": causes_page(),
        PAGES / "nova-standin.md": nova_page(),
        DEPLOYMENT / "measured.json": measured_file(),
    }


def main() -> int:
    """Write the pages."""
    from tools import reference_http  # noqa: PLC0415 - loads both services

    for path, text in (pages() | {reference_http.PAGE: reference_http.http_page()}).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
