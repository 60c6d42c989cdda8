"""One visit in Firefox, driven by Mozilla's own client: types a question, listens, ends; prints what it saw as JSON.

Runs in an environment of its own (`make apart`): `visit.py FIREFOX URL QUESTION WORDS`, where WORDS begin the answer.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from marionette_driver.by import By
from marionette_driver.keys import Keys
from marionette_driver.marionette import Marionette
from marionette_driver.wait import Wait

PATIENCE = 60.0
"""Seconds, of a busy machine."""
PREFERENCES = {
    "media.peerconnection.ice.loopback": True,  # on a machine without a network it is the only way
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
}
LOUDNESS = """
    const [resolve] = arguments;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(document.querySelector("audio").srcObject).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    const until = Date.now() + 20000;
    const look = () => {
        analyser.getFloatTimeDomainData(samples);
        loudest = Math.max(loudest, ...samples);
        if (loudest > 0.05 || Date.now() > until) {
            void context.close();
            resolve(loudest);
        } else {
            setTimeout(look, 20);
        }
    };
    look();
"""
"""The loudest sample of the agent's voice until it is audible, as the page's own audio element has it."""


def main(firefox: str, url: str, question: str, words: str) -> None:
    """Visit the page."""
    browser = Marionette(bin=firefox, headless=True, prefs=PREFERENCES, gecko_log="-", startup_timeout=180)
    browser.start_session()
    try:
        browser.timeout.script = PATIENCE
        browser.navigate(url)
        visit(browser, question, words)
    finally:
        browser.quit()


def visit(browser: Any, question: str, words: str) -> None:  # noqa: ANN401 - the library has no types
    """Do what a visitor does, and report each step."""
    wait = Wait(browser, timeout=PATIENCE)

    def press(name: str) -> None:
        find = By.XPATH, f"//button[normalize-space()='{name}' or @aria-label='{name}']"
        wait.until(lambda _: browser.find_element(*find)).click()

    def texts(selector: str) -> list[str]:
        return [element.text for element in browser.find_elements(By.CSS_SELECTOR, selector)]

    def shows(selector: str, holds: Callable[[str], bool]) -> None:
        wait.until(lambda _: any(holds(text) for text in texts(selector)))

    report("browser", browser.session_capabilities["browserVersion"])
    press("Talk")
    press("Type instead")
    shows("[role=status]", lambda text: text in ("Ready", "Speaking"))
    report("loudness", browser.execute_async_script(LOUDNESS))
    shows('.sentence[data-heard="said"]', lambda text: text.startswith("Ask me about the weather"))
    field = browser.find_element(By.CSS_SELECTOR, "[aria-label='Type to the agent']")
    field.send_keys(question, Keys.ENTER)
    shows('.sentence[data-heard="said"]', lambda text: text.startswith(words))
    report("asked", texts(".turn--visitor .bubble"))
    report("answered", texts(".turn--agent .sentence"))
    report("cards", texts("article"))
    report("problems", texts("[role=alert]"))
    press("End the conversation")
    shows("[role=status]", lambda text: text == "Ended")
    report("ended", texts(".stage__hint"))


def report(what: str, seen: object) -> None:
    """Print one observation."""
    sys.stdout.write(json.dumps({what: seen}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
