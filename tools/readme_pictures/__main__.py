"""Take the README's pictures from a run of the stand-ins: `make readme-pictures`.

Writes `call.json`, `call.svg`, `call.mp3`, `page-light.png`, `page-dark.png` and `page.json` into `docs/pictures`.
Needs Chromium, on the path or named by `CHROMIUM`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import async_playwright

from tools.readme_pictures.call_audio import call_audio
from tools.readme_pictures.call_record import call_record
from tools.readme_pictures.call_svg import draw
from tools.readme_pictures.page_photo import PagePhoto, photograph, picture_size
from tools.workspace import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURES = ROOT / "docs/pictures"
QUESTION = "what is the weather in Stockholm"
CALLS = 3
"""The picture shows the fastest: other programs can only delay a call."""
_PORTS = (
    "port",
    "phone-port",
    "web-port",
    "nova-port",
    "nova-control-port",
    "twilio-port",
    "weather-port",
    "person-port",
    "desk-port",
)
_START_SECONDS = 120.0
_CALL_SECONDS = 120.0
_STOP_SECONDS = 30.0


def main() -> int:
    """Take all pictures, and return the exit code."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("No Chromium here: install one, or set CHROMIUM to its path.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="readme-pictures-") as folder, _running(Path(folder)) as url:
        calls = [measured for each in range(CALLS) if (measured := _measure(Path(folder), each)) is not None]
        # After the calls, so that Chromium does not delay them.
        photo = asyncio.run(_photograph(chromium, url))
    # The pictures are written together or not at all, so that they always show one version.
    if not calls:
        print("No call was answered as expected; see the reasons above. Nothing was written.", file=sys.stderr)
        return 1
    quickest, heard = min(calls, key=lambda call: call[0]["answer_seconds"][0])
    record = call_record(f'make call SAY="{QUESTION}"', quickest)
    _write(record, call_audio(quickest, heard), photo)
    return 0


def _write(record: dict[str, Any], audio: bytes, photo: PagePhoto) -> None:
    PICTURES.mkdir(exist_ok=True)
    files: dict[str, bytes] = {f"page-{scheme}.png": picture for scheme, picture in photo.pictures.items()}
    width, height = picture_size()
    page = {"width": width, "height": height, "texts": photo.texts}
    files |= {f"{name}.json": _json(document) for name, document in (("call", record), ("page", page))}
    files |= {"call.svg": draw(record).encode(), "call.mp3": audio}
    for name, content in files.items():
        (PICTURES / name).write_bytes(content)
        print(f"docs/pictures/{name}  {len(content) / 1000:.0f} kB")


def _json(document: object) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


@contextmanager
def _running(folder: Path) -> Iterator[str]:
    """Run the whole system on free ports with stand-ins only, and yield the page's URL."""
    # Without the developer's settings, which could select real services or other options.
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    # Free ports, so that a running system does not stop the command.
    options = [word for port in _PORTS for word in (f"--{port}", "0")]
    command = [sys.executable, "-m", "voice_agent", "run", "--nova", "standin", "--weather", "standin", *options]
    log = folder / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment | {"ICE_HOSTS": "127.0.0.1"}, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while "Ready." not in log.read_text(encoding="utf-8"):
            # A program that has exited never becomes ready, and its log says why.
            if process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"voice-agent run did not become ready:\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.1)
        yield json.loads((folder / ".run/run.json").read_text(encoding="utf-8"))["base_url"]
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_SECONDS)
        finally:
            process.kill()


def _measure(folder: Path, number: int) -> tuple[dict[str, Any], bytes] | None:
    """Make the README's call; return its measurements, and the WAV of what the caller heard; None if it failed."""
    heard = folder / f"call-{number}.wav"
    command = [sys.executable, "-m", "voice_agent", "call", "--json", "--say", QUESTION, "--save", str(heard)]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=False, timeout=_CALL_SECONDS)
    measured: dict[str, Any] = json.loads(done.stdout or "{}")
    if done.returncode == 0:
        return measured, heard.read_bytes()
    print(f"a call failed: {'; '.join(measured.get('failures', []))}", file=sys.stderr)
    return None


async def _photograph(chromium: str, url: str) -> PagePhoto:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--disable-gpu"])
        try:
            return await photograph(browser, url)
        finally:
            await browser.close()


if __name__ == "__main__":
    sys.exit(main())
