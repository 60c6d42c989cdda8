import { ThemeToggle } from "../controls/ThemeToggle";
import { NoticeButton } from "../notice/NoticeButton";
import { SkyIcon } from "../weather/SkyIcon";

export function Top() {
  return (
    <header className="top">
      <p className="brand">
        <SkyIcon sky="partly" isDay />
        Weather by voice
      </p>
      <NoticeButton />
      <ThemeToggle />
    </header>
  );
}
