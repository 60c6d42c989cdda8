import { useState } from "react";
import { Icon } from "./icons";
import { rememberedTheme, rememberTheme, showTheme, type Theme } from "./theme";

/** Switches between light and dark; starts from what the device prefers. */
export function ThemeToggle() {
  const [theme, setTheme] = useState<Theme>(rememberedTheme);
  const dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  const toggle = (): void => {
    const chosen = dark ? "light" : "dark";
    setTheme(chosen);
    showTheme(chosen);
    rememberTheme(chosen);
  };
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={dark ? "Switch to light colours" : "Switch to dark colours"}
      onClick={toggle}
    >
      <Icon name={dark ? "sun" : "moon"} />
    </button>
  );
}
