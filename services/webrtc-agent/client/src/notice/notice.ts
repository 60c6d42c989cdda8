/** The notice that the service shows before a conversation, and whether the visitor has agreed. */

import { useSyncExternalStore } from "react";
import { agentField } from "../agent/page";

export interface Notice {
  /** Sent with a start, so that the record names the text that was shown. */
  readonly version: string;
  readonly mode: "notice" | "consent";
  readonly operator: string | null;
  readonly summary: string;
  readonly details: readonly { readonly title: string; readonly text: string }[];
  readonly phone: string | null;
  /** Whether the page asks for a rating after a conversation, and for a comment with it. */
  readonly rating: boolean;
  readonly comment: boolean;
  readonly links: readonly { readonly title: string; readonly url: string }[];
  /** The service calls visitors: numbers with one of these first digits, from this number. */
  readonly callMe: { readonly prefixes: readonly string[]; readonly from: string } | null;
}

export interface Shown {
  /** Null until the service has sent it. */
  readonly notice: Notice | null;
  readonly agreed: boolean;
}

let shown: Shown = { notice: null, agreed: false };
const watchers = new Set<() => void>();

function change(to: Partial<Shown>): void {
  shown = { ...shown, ...to };
  for (const watcher of watchers) {
    watcher();
  }
}

/** Load the notice; without an answer the shown one stays. A new version needs a new agreement. */
export async function loadNotice(): Promise<void> {
  const answer = await fetch(`/notice?${agentQuery()}`).catch(() => null);
  const notice = answer?.ok ? readNotice(await answer.json().catch(() => null)) : null;
  if (notice) {
    change({ notice, agreed: shown.agreed && notice.version === shown.notice?.version });
  }
}

/** An agent's tools may send words elsewhere, so each agent has its own notice. */
const agentQuery = (): string => String(new URLSearchParams(agentField()));

/** Parse a notice; null if it is not a valid notice. Links other than https are dropped. */
export function readNotice(given: unknown): Notice | null {
  const notice = given as (Partial<Notice> & { readonly call_me?: unknown }) | null;
  if (!(notice && typeof notice.version === "string" && typeof notice.summary === "string")) {
    return null;
  }
  return {
    version: notice.version,
    mode: notice.mode === "consent" ? "consent" : "notice",
    operator: notice.operator ?? null,
    summary: notice.summary,
    details: notice.details ?? [],
    phone: notice.phone && /^\+\d{3,15}$/.test(notice.phone) ? notice.phone : null,
    rating: notice.rating === true,
    comment: notice.comment === true,
    links: (notice.links ?? []).filter(({ url }) => url.startsWith("https://")),
    callMe: readCallMe(notice.call_me),
  };
}

function readCallMe(given: unknown): Notice["callMe"] {
  const { prefixes, from } = (given ?? {}) as { prefixes?: unknown; from?: unknown };
  return Array.isArray(prefixes) && prefixes.length > 0 && typeof from === "string"
    ? { prefixes: prefixes.map(String), from }
    : null;
}

export function agree(agreed: boolean): void {
  change({ agreed });
}

/** Return whether a conversation may start, as far as the page knows; the service decides. */
export function mayStart({ notice, agreed }: Shown = shown): boolean {
  return notice?.mode !== "consent" || agreed;
}

/** Return what a start sends about the notice: the version that was shown or agreed to. */
export function consent({ notice, agreed }: Shown = shown): { consent?: string } {
  return notice && mayStart({ notice, agreed }) ? { consent: notice.version } : {};
}

const subscribe = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};

export const useNotice = (): Shown => useSyncExternalStore(subscribe, () => shown);

/** Show a notice without a service, for the gallery and the tests. */
export function showNotice(notice: Notice, agreed = false): void {
  change({ notice, agreed });
}
