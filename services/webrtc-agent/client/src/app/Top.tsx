import { ThemeToggle } from "../controls/ThemeToggle";
import { NoticeButton } from "../notice/NoticeButton";
import { SkyIcon } from "../weather/SkyIcon";
import { AnnouncementsButton } from "./AnnouncementsChoice";

export function Top() {
  return (
    <header className="top">
      <AnnouncementsButton />
      <p className="brand">
        <SkyIcon sky="partly" isDay />
        Weather by voice
      </p>
      <NoticeButton />
      <ThemeToggle />
    </header>
  );
}
