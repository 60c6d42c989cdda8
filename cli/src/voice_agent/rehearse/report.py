"""The report of rehearsals: one HTML file that makes no request, so that it can be sent and archived."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from voice_agent.rehearse.rates import rates
from voice_agent.rehearse.verdict import TurnVerdict, Verdict
from voice_agent.rehearse.waveform import data_url, waveform

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; media-src data:"
"""The browser enforces that the file makes no request."""

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #b3261e; --soft: #5c6370; }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #ff8a80; --soft: #a5adba; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .25rem; } h2 { font-size: 1.05rem; display: inline; }
p.lead { color: var(--soft); margin-top: 0; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; }
td, th { padding: .4rem .75rem .4rem 0; vertical-align: top; border-bottom: 1px solid var(--line); }
details { border: 1px solid var(--line); border-radius: .75rem; margin: .75rem 0; padding: .75rem 1rem; }
summary { cursor: pointer; } .good { color: var(--good); } .bad { color: var(--bad); } .soft { color: var(--soft); }
.turn { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; padding: 1rem 0 .5rem; }
.turn { border-top: 1px solid var(--line); }
.turn > * { min-width: 0; } svg { width: 100%; height: 40px; } audio { width: 100%; height: 2.25rem; }
code { font: .875rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
ul { margin: .25rem 0; padding-left: 1.25rem; }
@media (max-width: 40rem) { .turn { grid-template-columns: 1fr; } }
"""


def html(agent: str, verdicts: Sequence[Verdict], *, held: str, where: str) -> str:
    """Return the report.

    Args:
        agent: Name of the agent.
        verdicts: Of every conversation, in the order of the report.
        held: When they were held, for a person.
        where: On which system.
    """
    # The first line is what a reader wants to know.
    failed = sum(not verdict.passed for verdict in verdicts)
    state = f'<span class="bad">{failed} failed</span>' if failed else '<span class="good">all passed</span>'
    conversations = "\n".join(_conversation(verdict) for verdict in verdicts)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>Rehearsals of {escape(agent)}</title><style>{_STYLE}</style></head>
<body><h1>Rehearsals of {escape(agent)}</h1>
<p class="lead">{len(verdicts)} conversations, {state}. Held on {escape(where)}, {escape(held)}.</p>
{_table(verdicts)}
{conversations}
</body></html>
"""


def _table(verdicts: Sequence[Verdict]) -> str:
    rows = "".join(
        f"<tr><td>{escape(rate.condition)}</td><td>{escape(rate.outcome)}</td><td>{_share(rate.wire, rate.held)}</td>"
        f"<td>{_share(rate.model, rate.held)}</td><td>{_wait(rate.median)}</td></tr>"
        for rate in rates(verdicts)
    )
    head = "<tr><th>condition</th><th>expected outcome</th><th>wire</th><th>model</th><th>median wait</th></tr>"
    return f"<table>{head}{rows}</table>"


def _share(good: int, held: int) -> str:
    return f'<span class="{"good" if good == held else "bad"}">{good} of {held}</span>'


def _wait(seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds:.1f} s"


def _conversation(verdict: Verdict) -> str:
    mark = '<span class="good">✓</span>' if verdict.passed else '<span class="bad">✗</span>'
    attempt = f", attempt {verdict.attempt}" if verdict.attempt > 1 else ""
    about = f"{verdict.condition.name}, {verdict.channel}{attempt}"
    # What failed is open, so that a reader sees it without a click.
    return f"""<details{"" if verdict.passed else " open"}><summary>{mark} <h2>{escape(verdict.rehearsal.name)}</h2>
<span class="soft">{escape(about)}</span></summary>
{_misses(verdict.misses)}
{"".join(_turn(turn) for turn in verdict.turns)}
<p class="soft">{escape(str(verdict.rehearsal.path))} {escape(verdict.observed.call_sid)}</p></details>"""


def _turn(turn: TurnVerdict) -> str:
    seen = turn.observed
    heard = f"<p>The agent understood: {escape(seen.heard)}</p>" if seen.heard else ""
    waited = f'<p class="soft">after {_wait(seen.wait)}{escape(_announced(seen.recordings))}</p>'
    calls = [f"{use.name}({_arguments(use.arguments)})" for use in seen.tools]
    tools = "".join(f"<p><code>{escape(call)}</code></p>" for call in calls)
    said = escape(seen.said) or '<span class="soft">nothing was recorded</span>'
    return f"""<div class="turn"><div><strong>{escape(turn.turn.label)}</strong>{heard}
{_audio(seen.caller_audio, "#00629b")}</div>
<div>{tools}<p>{said}</p>{waited}
{_audio(seen.agent_audio, "#6f42c1")}{_misses(turn.misses)}</div></div>"""


def _announced(recordings: Sequence[str]) -> str:
    return f", after the announcement {', '.join(recordings)}" if recordings else ""


def _arguments(arguments: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())


def _audio(audio: bytes, colour: str) -> str:
    if not audio:
        return ""
    return f'{waveform(audio, colour)}<audio controls preload="metadata" src="{data_url(audio)}"></audio>'


def _misses(misses: Sequence[object]) -> str:
    if not misses:
        return ""
    return f'<ul class="bad">{"".join(f"<li>{escape(str(miss))}</li>" for miss in misses)}</ul>'
