"""Summarises in one sentence why an installer failed, from its output."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_HOST = re.compile(r"https?://(?:[^/\s@]*@)?([^/\s:'\"`)]+)|host='([^']+)'")

_NETWORK = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT"
    r"|dns error|failed to lookup address|Name or service not known|Temporary failure in name resolution"
    r"|getaddrinfo|Connection refused|Network is unreachable|No route to host|NewConnectionError|ConnectTimeoutError"
    r"|tcp connect error|client error \(Connect\)|operation timed out|Read timed out|ProxyError"
)
_CERTIFICATE = re.compile(
    r"UNABLE_TO_GET_ISSUER_CERT|SELF_SIGNED_CERT|CERT_HAS_EXPIRED|CERTIFICATE_VERIFY_FAILED|UnknownIssuer"
    r"|invalid peer certificate|unable to (?:get|verify) [a-z ]*certificate"
)
_PYTHON = re.compile(r"Failed to download `[^`\s]*/cpython-")
_FULL = re.compile(r"ENOSPC|No space left on device|os error 28")
_FORBIDDEN = re.compile(
    r"(?:EACCES|EROFS|EPERM|Permission denied|Read-only file system|os error (?:13|30))[^\n]*?(/[^\s'\"`:,)]+)?"
)
_PATH = re.compile(r"(?:path |`|')(/[^\s'\"`]+)")
_NOISE = re.compile(
    r"\$ |\s*(?:npm (?:error )?A complete log|npm (?:error )?\s*$|WARNING|\[notice\]|hint:|Looking in |note:)"
    r"|npm (?:warn|notice)|Node\.js v|\s*at |\s*\^+\s*$|\s*[}\])]+\s*$|The page is not made: see above"
)
_LONGEST = 160


def failure_reason(output: str, log: str) -> str:
    """Return one sentence: a cause that the user can fix, or the most informative line.

    Args:
        output: The installer's output.
        log: Name of the file with the complete output.
    """
    source, host = _source(output), _host(output)
    # In this order: a full disk or a certificate also causes messages about the network.
    if _FULL.search(output):
        return f"The disk is full. See {log} for the complete output."
    if _CERTIFICATE.search(output):
        return (
            f"This machine does not trust the certificate of the {source}{host}: set SSL_CERT_FILE and "
            f"NODE_EXTRA_CA_CERTS to your proxy's. See {log} for the complete output."
        )
    if _NETWORK.search(output):
        return f"Cannot reach the {source}{host}. See {log} for the complete output."
    if (found := _FORBIDDEN.search(output)) is not None:
        path = found[1] or next(iter(_PATH.findall(output)), "a folder")
        return f"This user has no permission to write {path}. See {log} for the complete output."
    return f"{_telling(output)} See {log} for the complete output."


def _source(output: str) -> str:
    if re.search(r"\bnpm (?:error|ERR!)", output):
        return "npm registry"
    # uv fetches Python itself from another host, where a mirror of packages does not help.
    return "download of Python" if _PYTHON.search(output) else "package index"


def _host(output: str) -> str:
    """Return the last host in a line about a network error, in parentheses; empty if there is none."""
    lines = [line for line in output.splitlines() if _NETWORK.search(line) or _CERTIFICATE.search(line)]
    # uv prints the URL in a line before the cause.
    lines = lines if any(_HOST.search(line) for line in lines) else output.splitlines()
    named = [found for line in lines for found in _HOST.findall(line)]
    host = next((one for found in reversed(named) for one in found if one), "")
    return f" ({host})" if host else ""


def _telling(output: str) -> str:
    # Traces and hints say less than the error itself.
    lines = [line.strip() for line in output.splitlines() if line.strip() and not _NOISE.match(line)]
    if not lines:
        return "It printed no reason."
    # The last error is the cause; earlier ones are often retries.
    errors = [line for line in lines if re.match(r"(?:error|ERROR|npm error|[A-Za-z.]*(?:Error|Exception))\b", line)]
    line = re.sub(r"^(?:error|ERROR|Error|npm error)[:\s]+", "", (errors or lines)[-1])
    line = line if len(line) <= _LONGEST else f"{line[:_LONGEST].rpartition(' ')[0]}…"
    return line if line.endswith((".", "…", "!", "?")) else f"{line}."


if __name__ == "__main__":
    log = Path(sys.argv[1])
    print(failure_reason(log.read_text(encoding="utf-8", errors="replace"), log.name))
