/** Keyboard shortcuts. No I/O. */

export type Shortcut = "mute" | "sound" | "type" | "hold" | "help";

export interface Keys {
  readonly shortcut: Shortcut;
  /** `KeyboardEvent.key`, in lower case. */
  readonly key: string;
  /** The label on the keyboard; null for the space bar, which has a name in each language. */
  readonly label: string | null;
}

export const SHORTCUTS: readonly Keys[] = [
  { shortcut: "mute", key: "m", label: "M" },
  { shortcut: "sound", key: "s", label: "S" },
  { shortcut: "type", key: "t", label: "T" },
  { shortcut: "hold", key: " ", label: null },
  { shortcut: "help", key: "?", label: "?" },
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
