import { iconOf } from "../agent/icon";
import { agentPage } from "../agent/page";
import { ThemeToggle } from "../controls/ThemeToggle";
import { NoticeButton } from "../notice/NoticeButton";
import { AnnouncementsButton } from "./AnnouncementsChoice";

export function Top() {
  const { title, language } = agentPage();
  const icon = iconOf();
  return (
    <header className="top">
      <AnnouncementsButton />
      <p className="brand">
        {icon ? <img className="brand__icon" src={icon} alt="" /> : <span className="brand__mark" />}
        <span lang={language}>{title}</span>
      </p>
      <NoticeButton />
      <ThemeToggle />
    </header>
  );
}
