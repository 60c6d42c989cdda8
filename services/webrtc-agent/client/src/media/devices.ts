/** Which device a call should use when the system's devices change. No I/O. */

export type Device = Pick<MediaDeviceInfo, "deviceId" | "groupId" | "label">;

/** The microphone or speaker in use, and what it was chosen from. */
export interface Use {
  /** What the visitor chose; empty for the system's default. */
  readonly chosen: string;
  /** What was opened for it; null where there is none. */
  readonly opened: string | null;
  /** Which device was the system's default then. */
  readonly standard: string;
}

/**
 * Name the system's default, so that a change of it shows. Chromium lists it under a name of its own as well, with the
 * group and the label of the device behind it; Firefox and Safari list it first.
 */
export function standardOf(all: readonly Device[]): string {
  const standard = all.find((one) => one.deviceId === "default") ?? all[0];
  return standard ? `${standard.groupId} ${standard.label}` : "";
}

/** Name the device to open instead, empty for the system's default; null where the one in use is right. */
export function replacement(use: Use, all: readonly Device[]): string | null {
  if (all.length === 0) {
    return null; // nothing to open; also before a browser names any
  }
  const has = (id: string): boolean => all.some((one) => one.deviceId === id);
  if (use.chosen !== "" && has(use.chosen)) {
    return use.opened === use.chosen ? null : use.chosen; // back again, or still there
  }
  if (use.opened === null || (use.opened !== "" && !has(use.opened))) {
    return "";
  }
  return use.standard !== "" && standardOf(all) !== use.standard ? "" : null;
}
