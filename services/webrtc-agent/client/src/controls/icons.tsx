/** The icons of the buttons: 24 units square, in the colour of the text. */

import type { ReactNode } from "react";

const THUMB = "M7 11v9H4v-9Zm0 0 4-7.5a2 2 0 0 1 2.2 2.4L12.5 10H18a2 2 0 0 1 2 2.3l-1 6A2 2 0 0 1 17 20H7";

const DRAWINGS = {
  microphone: (
    <>
      <rect x="9" y="3" width="6" height="11" rx="3" />
      <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3M9 21h6" />
    </>
  ),
  muted: (
    <>
      <path d="M9 6a3 3 0 0 1 6 0v5m-.9 2.1A3 3 0 0 1 9 11V9" />
      <path d="M5.5 11.5a6.5 6.5 0 0 0 10.9 4.8m1.8-2.4a6.4 6.4 0 0 0 .3-2.4M12 18v3M9 21h6M4 3l16 18" />
    </>
  ),
  sound: (
    <>
      <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5Z" />
      <path d="M15.5 9a4 4 0 0 1 0 6m2.3-8.3a7.4 7.4 0 0 1 0 10.6" />
    </>
  ),
  silent: (
    <>
      <path d="M12 9V5.5L9.4 7.8M4 9.5v5h3.5L12 18.5v-4.2L7.2 9.5Z" />
      <path d="M15.5 9a4 4 0 0 1 .9 4.6m1.4-6.9a7.4 7.4 0 0 1 1.2 8.8M4 3l16 18" />
    </>
  ),
  keyboard: (
    <>
      <rect x="2.5" y="6" width="19" height="12" rx="2.5" />
      <path d="M6.5 10h.01M10 10h.01M13.5 10h.01M17 10h.01M8 14.2h8" />
    </>
  ),
  send: <path d="M12 20V5M6 11l6-6 6 6" />,
  settings: (
    <>
      <path d="M4 7h9m4 0h3M4 17h3m4 0h9" />
      <circle cx="15" cy="7" r="2" />
      <circle cx="9" cy="17" r="2" />
    </>
  ),
  end: (
    <path
      className="icon__solid"
      d="M2.6 13.2C7.8 7.9 16.2 7.9 21.4 13.2l-1.9 3.3-4.3-1.5v-2.7a10.5 10.5 0 0 0-6.4 0V15l-4.3 1.5Z"
    />
  ),
  call: (
    <path d="M6.6 3.5h3l1.4 4-2 1.6a12 12 0 0 0 5.9 5.9l1.6-2 4 1.4v3a2 2 0 0 1-2.2 2A17 17 0 0 1 4.6 5.7a2 2 0 0 1 2-2.2Z" />
  ),
  close: <path d="M6 6l12 12M18 6 6 18" />,
  up: <path d={THUMB} />,
  down: <path d={THUMB} transform="rotate(180 12 12)" />,
  sun: (
    <>
      <circle cx="12" cy="12" r="4" />
      <path d="M12 2.5v2m0 15v2M2.5 12h2m15 0h2M5.3 5.3l1.4 1.4m10.6 10.6 1.4 1.4m0-13.4-1.4 1.4M6.7 17.3l-1.4 1.4" />
    </>
  ),
  moon: <path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z" />,
} as const satisfies Readonly<Record<string, ReactNode>>;

export type IconName = keyof typeof DRAWINGS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      {DRAWINGS[name]}
    </svg>
  );
}
