"""Generates the reference pages from the code: settings, records, errors, metrics, causes, stand-in, command.

``python -m tools.reference`` writes them; tests fail if a page differs from what it would write.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.reference_command import command_page

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "shared/agent_core/src/agent_core"
PHONE = ROOT / "services/phone-agent/src/phone_agent"
WEB = ROOT / "services/webrtc-agent/src/webrtc_agent"
NOVA = ROOT / "standins/src/standins/nova"
PAGES = ROOT / "docs/reference"
DEPLOYMENT = ROOT / "infra/deployment/src/deployment"


@dataclass(frozen=True)
class Field:
    """A name in a class body, its default, and the docstring below it."""

    name: str
    default: str | None
    text: str


def fields(path: Path, owner: str) -> Iterator[Field]:
    """Yield the documented names of a class, in order."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    body = next(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == owner)
    # The docstring of a name is the string below it.
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
    """Return settings.md."""
    lines = [
        "# Settings",
        "",
        (
            "Read once at start, from the environment, then from `.env`. A service without a required setting says in "
            "one line what to set. Credentials for Bedrock come from AWS's default chain, not from settings."
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
    """Return end-records.md."""
    lines = [
        "# End records",
        "",
        (
            "Every admitted conversation writes one `session_ended` line to the log. It contains identifiers and "
            "numbers, but no texts and no phone number."
        ),
        "",
        "## Why it ended (`reason`)",
        "",
        "| reason | meaning |",
        "|---|---|",
    ]
    lines += [f"| `{str(f.default).strip(chr(39))}` | {f.text} |" for f in fields(CORE / "events.py", "EndReason")]
    lines += ["", "## What was counted", "", "| field | meaning |", "|---|---|"]
    lines += [f"| `{f.name}` | {f.text or '-'} |" for f in fields(CORE / "events.py", "Tally")]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Measured:
    """A metric as defined in the code: its name and the arguments of its definition."""

    name: str
    kind: str
    text: str
    unit: str = "Count"
    labels: tuple[str, ...] = ()


def metrics() -> Iterator[Measured]:
    """Yield the metrics, in order."""
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

Each service writes its metrics to standard output, one JSON object per line in CloudWatch's embedded metric format. The
log group extracts them, without an agent or API calls. A service writes them every `METRICS_INTERVAL_SECONDS`, and only if the
log is JSON: not on a terminal.

The namespace is `VoiceAgent`. Two environments in one account and region need different ones (`METRICS_NAMESPACE`),
or one would scale on the other's calls. Every metric has the dimension `Service`: `phone-agent` or `webrtc-agent`.
Metrics with labels are emitted twice: by `Service`, and by `Service` and labels. A label has at most 40 values per
task; further values count as `other`.

Gauges and counters by service are emitted at every interval, even if zero: missing data means that no task runs. A
gauge's average is per task. Use the statistic Sum for counters, and p50, p90, p99 or Maximum for distributions.

| metric | kind | unit | labels | meaning |
|---|---|---|---|---|"""

_FIELDS = """
## Events in Logs Insights

Metric lines have `event` = `metrics`. Every other line of the log has `event` (a constant name), `level`, `service`,
`environment` and `timestamp`; lines of a conversation also have `session_id` and, on the phone, `call_sid`. The most
useful events:

| event | additional fields |
|---|---|
| `session_ended` | `channel`, `reason`, `started_at`, `duration_ms`, `cost_usd`, [what was counted](end-records.md) |
| `session_started` | `channel` |
| `tool_called`, `tool_failed` | `tool`, `elapsed_ms`; a failed one also `outcome`, `error` |
| `call_answered` | `caller`, the other party: `number`, `withheld`, `sip`, `app` or `other`; `outbound`: we called |
| `status_callback_misdirected` | `status`; a status callback points at `/incoming-call`: remove it at Twilio |
| `machine_answered` | `answered_by`; an outbound call reached a machine and was hung up |
| `dial_failed` | `code`: Twilio's error; 13214 means that `TRANSFER_CALLER_ID` must be changed |
| `twilio_checked`, `twilio_not_checked` | `host`, `error`: result of the request to Twilio's REST API at the start |
| `twilio_refuses_us`, `hang_up_failed` | `error`: answer of Twilio's REST API, and the setting to change |
| `call_after_its_stream` | `ended_normally`: whether the call was hung up, or left to the fallback |
| `call_rejected` | `cause` (`AtCapacity`, `ModelBusy`, `Draining`, `OverBudget`), `tries` |
| `model_throttled` | `error`, `region`, `streams` of this task, `seconds` without new conversations |
| `model_throttle_over` | `region`: the model accepts streams again |
| `model_streams_unreachable`, `model_streams_reached` | `error`; concerns the table that counts the account's streams |
| `model_streams_not_returned` | a stopped task did not return its streams; they expire within a minute |
| `model_stream_failed`, `model_lost` | `error`; [`cause`, `why`, `remedy`](causes.md); the first also `failures` |
| `model_renewal_refused` | `error`; the next stream rejected the history, and the old stream goes on |
| `model_refuses_history` | `kept_bytes`: how much history was kept; from now on it is half of that |
| `model_refuses_audio_during_tools`, `model_refuses_nudges` | audio waits for tools; a recording replaces nudges |
| `tool_calls_limited`, `tool_use_repeated` | `tool`; the model requested too many calls in a turn, or one call twice |
| `pipeline_failed`, `session_failed`, `call_failed` | `error`: a defect of this software that ended a conversation |
| `release_failed`, `record_not_counted` | a step of a conversation's end failed; the other steps ran |
| `variable_ignored` | `variable`, `meant`: a variable whose name is almost that of a setting |
| `request_refused` | `path`, `status`, `error` |
| `requests_over_budget` | `requests`: rejected since the previous such line, at least a minute before |
| `open_request` | `open`: the task's request to itself through the load balancer began, or its last visitor left |
| `open_request_broken` | `error`; the request is repeated |
| `open_request_failed` | `tries`; no request through the load balancer reached this task, so none is open |
| `draining`, `drained` | `sessions` |
"""


def metrics_page() -> str:
    """Return metrics.md."""
    rows = [
        f"| `{m.name}` | {m.kind} | {m.unit} | {', '.join(f'`{label}`' for label in m.labels) or 'none'} | {m.text} |"
        for m in metrics()
    ]
    return "\n".join([_METRICS_HEAD, *rows, _FIELDS.rstrip(), ""])


def errors_page() -> str:
    """Return errors.md, from the docstring of agent_core.errors."""
    tree = ast.parse((CORE / "errors.py").read_text(encoding="utf-8"))
    head, _, rest = (ast.get_docstring(tree) or "").partition("\n\n")
    picture, _, tail = rest.partition("\n\n")
    return f"# Errors\n\n{head}\n\n```text\n{picture}\n```\n\n{tail}\n"


_NOVA_HEAD = """# The stand-in for Nova Sonic

`python -m standins.nova` implements the protocol of Bedrock's InvokeModelWithBidirectionalStream and enforces its
rules. There is no model behind it: speech recognition is limited, and the voice and the token counts are simulated.

**It follows the strictest reading of the service.** Public sources disagree about many limits. A client that passes
under the strictest of them passes under all. So each default below is the strictest one, except
`audio_during_tools`, and each can be changed.

The control server is for programs on this machine: like every other stand-in, it answers 403 to requests from web
pages, which it recognises by the headers `Origin` and `Sec-Fetch-Site`.

## Limits

Set them with `--limit NAME=VALUE` on the command line, repeatedly; with `PATCH /limits` and `{"NAME": VALUE}` on the
control server, for streams opened later; in tests with `NovaSettings(limits=Limits(…))`. Times are in seconds, sizes in
bytes of UTF-8.

| limit | default | meaning and source |
|---|---|---|"""

_NOVA_PACE = """
## Pace

`--pace field`, the default of the command, uses figures from public reports: first text 0.63 s and first audio 0.75 s
after the user's speech, chunks of 80 ms in bursts with gaps of up to 0.4 s, five times real time on average.
`--pace quick`, the default in tests, uses the table below. `--timing NAME=VALUE` and `PATCH /pace` change one value.

| timing | quick | meaning |
|---|---|---|"""

_NOVA_FAULTS = """
## Faults

`POST /faults` on the control server adds faults, `GET` lists those that can still strike, `DELETE` removes all.

| field | default | meaning |
|---|---|---|"""


def nova_page() -> str:
    """Return nova-standin.md."""
    lines = [_NOVA_HEAD]
    lines += [f"| `{f.name}` | {_default(f.default)} | {f.text} |" for f in fields(NOVA / "limits.py", "Limits")]
    lines += [_NOVA_PACE]
    lines += [f"| `{f.name}` | {_default(f.default)} | {f.text} |" for f in fields(NOVA / "pace.py", "Pace")]
    lines += [_NOVA_FAULTS]
    for f in fields(NOVA / "faults.py", "Fault"):
        bounded = re.match(r"Field\(default=([^,)]+)", f.default or "")
        lines.append(f"| `{f.name}` | {_default(bounded[1] if bounded else f.default)} | {f.text} |")
    lines += ["", "| action | effect |", "|---|---|"]
    lines += [f"| `{name}` | {text} |" for name, text in _table(NOVA / "faults.py", "ACTIONS").items()]
    return "\n".join(lines) + "\n"


_CAUSES_HEAD = """# Causes

Why a service that the agent depends on failed. Each failure is one line of the log, at WARNING or ERROR, with the
fields `cause` (below), `why` and `remedy`; `voice-agent run` shows the two sentences. They contain no key, number or
spoken text. Start with [When it does not answer](../howto/when-it-does-not-answer.md).

| `cause` | why | remedy |
|---|---|---|"""
_WORDS = {"host": "the host", "label": "the service", "clock": "this machine's clock is wrong", "error": "an error"}
_WORDS |= {"address": "the settings of its address", "keys": "the settings of its key"}


def causes_page() -> str:
    """Return causes.md, with general terms in place of the values that a log line would have."""
    rows = []
    for name, (why, remedy) in _table(CORE / "cause_texts.py", "CAUSES").items():
        texts = [text.format(**_WORDS) for text in (why, remedy)]
        rows.append(f"| `{name}` | {' | '.join(text[0].upper() + text[1:] for text in texts)} |")
    return "\n".join([_CAUSES_HEAD, *rows]) + "\n"


_WITHOUT_CALLS = {"EventLoopLag"}
"""Distributions that have values even when idle; gauges and counters always do, zeros."""


def measured_file() -> str:
    """Return measured.json, for the cost estimate of `voice-agent deploy`, which shares no code with the services."""
    found = list(metrics())
    always = [one.name for one in found if one.kind in {"gauge", "counter"} or one.name in _WITHOUT_CALLS]
    defaults = {one.name: one.default for one in fields(CORE / "settings.py", "CoreSettings")}
    prices = ("speech_input", "text_input", "speech_output", "text_output")
    told = {
        "always": always,
        "in_calls": [one.name for one in found if one.name not in always],
        "labelled": [one.name for one in found if one.labels],
        "seconds_between_lines": float(str(defaults["metrics_interval_seconds"])),
        "dollars_for_1000_tokens": {name: float(str(defaults[f"price_{name}"])) for name in prices},
    }
    return json.dumps(told, indent=2) + "\n"


def _table(path: Path, name: str) -> dict[str, Any]:
    """Read a constant that is a mapping of literals."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and node.value is not None and _name(node) == name:
            table: dict[str, Any] = ast.literal_eval(node.value)
            return table
    raise LookupError(name)


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    return {
        PAGES / "settings.md": settings_page(),
        PAGES / "end-records.md": records_page(),
        PAGES / "errors.md": errors_page(),
        PAGES / "metrics.md": metrics_page(),
        PAGES / "causes.md": causes_page(),
        PAGES / "nova-standin.md": nova_page(),
        PAGES / "command.md": command_page(),
        DEPLOYMENT / "measured.json": measured_file(),
    }


def main() -> int:
    """Write the pages."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
