"""One visit in Firefox, driven by Mozilla's own client: types a question, listens, ends, and prints JSON.

Runs in an isolated environment (`make isolated-tools`): `visit.py FIREFOX URL QUESTION WORDS`, where WORDS are part
of the reply.
"""

import json
import socket
import sys
from collections.abc import Callable
from typing import Any

from marionette_driver.by import By
from marionette_driver.keys import Keys
from marionette_driver.marionette import Marionette
from marionette_driver.wait import Wait

PATIENCE = 60.0
"""Seconds, enough for a busy machine."""
PREFERENCES = {"media.peerconnection.ice.loopback": True}
"""The only possible network path on a machine without a network."""
KEEP = """
    const Connection = window.RTCPeerConnection;
    window.made = [];
    window.RTCPeerConnection = class extends Connection {
        constructor(...options) {
            super(...options);
            window.made.push(this);
        }
    };
"""
"""Keeps the page's connection, so that its statistics can be read."""
ENERGY = """
    const [resolve] = arguments;
    window.made.at(-1).getStats().then((report) => {
        const sound = [...report.values()].find((one) => one.type === "inbound-rtp" && one.kind === "audio");
        resolve(sound?.totalAudioEnergy ?? 0);
    });
"""
"""The energy of the received audio."""


def main(firefox: str, url: str, question: str, words: str) -> None:
    """Visit the page."""
    browser = Marionette(
        bin=firefox, port=free_port(), headless=True, prefs=PREFERENCES, gecko_log="-", startup_timeout=180
    )
    browser.start_session()
    try:
        browser.timeout.script = PATIENCE
        browser.navigate(url)
        browser.execute_script(KEEP, sandbox=None)
        visit(browser, question, words)
    finally:
        browser.quit()


def visit(browser: Any, question: str, words: str) -> None:  # noqa: ANN401 - the library has no types
    """Do what a visitor does, and report each step."""

    def until(condition: Callable[[object], Any]) -> Any:  # noqa: ANN401 - as above
        return Wait(browser, timeout=PATIENCE).until(condition)  # its timeout starts here

    def press(name: str) -> None:
        find = By.XPATH, f"//button[normalize-space()='{name}' or @aria-label='{name}']"
        until(lambda _: browser.find_element(*find)).click()

    def texts(selector: str) -> list[str]:
        return [element.text for element in browser.find_elements(By.CSS_SELECTOR, selector)]

    def shows(selector: str, holds: Callable[[str], bool]) -> None:
        until(lambda _: any(holds(text) for text in texts(selector)))

    report("browser", browser.session_capabilities["browserVersion"])
    press("Talk")
    press("Type instead")
    shows("[role=status]", lambda text: text in ("Ready", "Speaking"))
    shows('.sentence[data-heard="said"]', lambda text: text.startswith("Ask me about the weather"))
    field = browser.find_element(By.CSS_SELECTOR, "[aria-label='Type to the agent']")
    field.send_keys(question, Keys.ENTER)
    shows('.sentence[data-heard="said"]', lambda text: words in text)
    report("asked", texts(".turn--visitor .bubble"))
    report("answered", texts(".turn--agent .sentence"))
    report("cards", texts("article"))
    report("energy", browser.execute_async_script(ENERGY, sandbox=None))
    report("problems", texts("[role=alert]"))
    press("End the conversation")
    shows("[role=status]", lambda text: text == "Ended")
    report("ended", texts(".stage__hint"))


def free_port() -> int:
    """Return a port on which no program listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def report(what: str, seen: object) -> None:
    """Print one observation."""
    sys.stdout.write(json.dumps({what: seen}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
