import { Icon } from "../controls/icons";
import type { Contact } from "./contact";

/** How to reach a person, as the operator configured it. */
export function ContactCard({ contact }: { contact: Contact }) {
  const { name, number, url } = contact;
  return (
    <article className="card card--contact" aria-label={`Talk to a person: ${name}`}>
      <h3>Talk to a person</h3>
      <p className="card__when">{name}</p>
      {number && (
        <a className="contact__way contact__way--call" href={`tel:${number}`}>
          <Icon name="call" />
          <span>
            <span className="out-of-sight">Call </span>
            {number}
          </span>
        </a>
      )}
      {url && (
        <a className="contact__way" href={url} target="_blank" rel="noreferrer">
          Ask to be called back<span className="out-of-sight"> (opens a new tab)</span>
        </a>
      )}
    </article>
  );
}
