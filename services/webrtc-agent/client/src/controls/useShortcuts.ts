import { useEffect, useRef } from "react";
import { useChoices } from "./choices";
import { focusOf, type Shortcut, shortcutOf } from "./shortcuts";

/** The action of each shortcut, and what the release of a held key ends. */
export type Actions = Readonly<Record<Shortcut, (() => void) | null>> & {
  readonly release: () => void;
};

/** Run actions by single keys, while shortcuts are on. Escape hides tooltips and leaves the text field. */
export function useShortcuts(actions: Actions): void {
  const { shortcuts } = useChoices();
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    let held = false;
    // Checked when the focus moves: after the next key press the browser reports every focus as a keyboard focus.
    let byKeyboard = false;
    const focused = ({ target }: FocusEvent): void => {
      byKeyboard = target instanceof Element && target.matches(":focus-visible");
      showTips();
    };
    const down = (event: KeyboardEvent): void => {
      if (event.key === "Escape") {
        leave(event);
        return;
      }
      const shortcut = shortcuts ? shortcutOf(event, focusOf(event.target, byKeyboard)) : null;
      const action = shortcut && latest.current[shortcut];
      if (action) {
        event.preventDefault();
        held ||= shortcut === "hold";
        if (!event.repeat) {
          action();
        }
      }
    };
    const release = (): void => {
      held = false;
      latest.current.release();
    };
    const up = (event: KeyboardEvent): void => {
      if (held && event.key === " ") {
        event.preventDefault(); // it would press the last clicked button
        release();
      }
    };
    addEventListener("keydown", down, { signal });
    addEventListener("keyup", up, { signal });
    // A window without focus receives no release.
    addEventListener("blur", release, { signal });
    document.addEventListener("visibilitychange", release, { signal });
    addEventListener("focusin", focused, { signal });
    addEventListener(
      "pointerdown",
      () => {
        byKeyboard = false;
      },
      { signal },
    );
    addEventListener("pointermove", showTips, { signal });
    return () => ending.abort();
  }, [shortcuts]);
}

function showTips(): void {
  document.documentElement.removeAttribute("data-tips");
}

function leave(event: KeyboardEvent): void {
  document.documentElement.dataset.tips = "off";
  if (event.target instanceof HTMLInputElement && event.target.closest(".typed")) {
    event.target.blur();
  }
}
