import { Icon } from "../controls/icons";
import { useNotice } from "./notice";
import "./notice.css";

/** The operator's telephone number, if there is one. */
export function PhoneLink() {
  const { notice } = useNotice();
  if (!notice?.phone) {
    return null;
  }
  return (
    <p className="phone">
      Or call us:
      <a href={`tel:${notice.phone}`}>
        <Icon name="call" />
        {notice.phone}
      </a>
    </p>
  );
}
