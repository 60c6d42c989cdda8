/** Keyboard shortcuts. No I/O. */

export type Shortcut = "mute" | "sound" | "type" | "hold" | "help";

export interface Keys {
  readonly shortcut: Shortcut;
  /** `KeyboardEvent.key`, in lower case. */
  readonly key: string;
  /** The label on the keyboard. */
  readonly label: string;
  readonly words: string;
}

export const SHORTCUTS: readonly Keys[] = [
  { shortcut: "mute", key: "m", label: "M", words: "Mute or unmute the microphone" },
  { shortcut: "sound", key: "s", label: "S", words: "Turn the sound off or on" },
  { shortcut: "type", key: "t", label: "T", words: "Go to the text field; Esc leaves it" },
  { shortcut: "hold", key: " ", label: "Space", words: "Hold to talk, if “Push to talk” is on" },
  { shortcut: "help", key: "?", label: "?", words: "Show this list" },
];

/** The part of a `KeyboardEvent` that matters here. */
export interface Press {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly isComposing: boolean;
}

/** Where the focus is when a key is pressed. */
export type Focus = "page" | "button" | "text" | "dialog";

/** Return the shortcut of a key; null if the key belongs to the browser, a text field or a button. */
export function shortcutOf(press: Press, focus: Focus): Shortcut | null {
  if (press.ctrlKey || press.metaKey || press.altKey || press.isComposing) {
    return null;
  }
  if (focus === "text" || focus === "dialog") {
    return null;
  }
  const found = SHORTCUTS.find((one) => one.key === press.key.toLowerCase())?.shortcut ?? null;
  return found === "hold" && focus === "button" ? null : found; // space presses the button that has the focus
}

/**
 * Return what has the focus. A clicked button keeps it, but a visitor who clicked does not mean that button with the space
 * bar: a button counts only if the keyboard moved the focus there.
 */
export function focusOf(target: EventTarget | null, byKeyboard: boolean): Focus {
  if (!(target instanceof HTMLElement)) {
    return "page";
  }
  if (target.closest("dialog[open]")) {
    return "dialog";
  }
  if (target.isContentEditable || target.closest("input, textarea, select, [role=textbox]")) {
    return "text";
  }
  return byKeyboard && target.closest("button, a[href], summary, [role=button]") ? "button" : "page";
}
