import { Icon } from "../controls/icons";
import { useNotice } from "./notice";
import "./notice.css";
import { t } from "../texts/texts";

/** The operator's telephone number, if there is one. */
export function PhoneLink() {
  const { notice } = useNotice();
  if (!notice?.phone) {
    return null;
  }
  return (
    <p className="phone">
      {t("call_us")}
      <a href={`tel:${notice.phone}`}>
        <Icon name="call" />
        {notice.phone}
      </a>
    </p>
  );
}
