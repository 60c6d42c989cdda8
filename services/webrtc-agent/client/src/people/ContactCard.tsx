import { Icon } from "../controls/icons";
import { t } from "../texts/texts";
import type { Contact } from "./contact";

/** How to reach a person, as the operator configured it. */
export function ContactCard({ contact }: { contact: Contact }) {
  const { name, number, url } = contact;
  return (
    <article className="card card--contact" aria-label={t("person_named", { name })}>
      <h3>{t("person")}</h3>
      <p className="card__when">{name}</p>
      {number && (
        <a
          className="contact__way contact__way--call"
          href={`tel:${number}`}
          aria-label={t("call_number", { number })}
        >
          <Icon name="call" />
          {number}
        </a>
      )}
      {url && (
        <a className="contact__way" href={url} target="_blank" rel="noreferrer">
          {t("call_back")} <span className="out-of-sight">{t("new_tab")}</span>
        </a>
      )}
    </article>
  );
}
