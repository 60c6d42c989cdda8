import { useState, useSyncExternalStore } from "react";
import { t } from "../texts/texts";
import { Icon } from "./icons";
import { rememberedTheme, rememberTheme, showTheme, type Theme } from "./theme";

const deviceIsDark = matchMedia("(prefers-color-scheme: dark)");

function followDevice(onChange: () => void): () => void {
  deviceIsDark.addEventListener("change", onChange);
  return () => deviceIsDark.removeEventListener("change", onChange);
}

/** Switches between light and dark; the default is the device's preference. */
export function ThemeToggle() {
  const [theme, setTheme] = useState<Theme>(rememberedTheme);
  const darkDevice = useSyncExternalStore(followDevice, () => deviceIsDark.matches);
  const dark = theme === "dark" || (theme === "system" && darkDevice);
  const toggle = (): void => {
    const chosen = dark ? "light" : "dark";
    setTheme(chosen);
    showTheme(chosen);
    rememberTheme(chosen);
  };
  return (
    <button type="button" className="icon-button" aria-label={t(dark ? "light" : "dark")} onClick={toggle}>
      <Icon name={dark ? "sun" : "moon"} />
    </button>
  );
}
