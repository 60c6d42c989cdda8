/** What the visitor reads before the conversation, as the service writes it, and whether they have agreed. */

import { useSyncExternalStore } from "react";

export interface Notice {
  /** Goes back to the service with a start, so that the record says which words were shown. */
  readonly version: string;
  readonly mode: "notice" | "consent";
  readonly operator: string | null;
  readonly summary: string;
  readonly details: readonly { readonly title: string; readonly text: string }[];
  readonly phone: string | null;
  readonly links: readonly { readonly title: string; readonly url: string }[];
}

export interface Shown {
  /** Null until it has come from the service. */
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

/** Ask the service; what is shown stays where it does not answer. Another version has to be agreed to anew. */
export async function loadNotice(): Promise<void> {
  const answer = await fetch("/notice").catch(() => null);
  const notice = answer?.ok ? readNotice(await answer.json().catch(() => null)) : null;
  if (notice) {
    change({ notice, agreed: shown.agreed && notice.version === shown.notice?.version });
  }
}

/** Read what the service says; null where it is no notice. Links other than https are left out. */
export function readNotice(given: unknown): Notice | null {
  const notice = given as Partial<Notice> | null;
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
    links: (notice.links ?? []).filter(({ url }) => url.startsWith("https://")),
  };
}

export function agree(agreed: boolean): void {
  change({ agreed });
}

/** Whether a conversation may start, as far as this page knows; the service decides. */
export function mayStart({ notice, agreed }: Shown = shown): boolean {
  return notice?.mode !== "consent" || agreed;
}

/** What a start says of the notice: the version that was shown, or agreed to. */
export function consent({ notice, agreed }: Shown = shown): { consent?: string } {
  return notice && mayStart({ notice, agreed }) ? { consent: notice.version } : {};
}

const subscribe = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};

export const useNotice = (): Shown => useSyncExternalStore(subscribe, () => shown);

/** Show a notice without a service: for the gallery and tests. */
export function showNotice(notice: Notice, agreed = false): void {
  change({ notice, agreed });
}
