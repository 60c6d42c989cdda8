/** Which device a call should use when the system's devices change. No I/O. */

export type Device = Pick<MediaDeviceInfo, "deviceId" | "groupId" | "label">;

/** The microphone or speaker in use, and the choice behind it. */
export interface Use {
  /** The visitor's choice; empty for the system's default. */
  readonly chosen: string;
  /** The device that was opened; null if there is none. */
  readonly opened: string | null;
  /** The system's default device at that time. */
  readonly standard: string;
}

/**
 * Identify the system's default, to detect a change. Chromium also lists it under its own name, with the
 * group and the label of the device behind it; Firefox and Safari list it first.
 */
export function standardOf(all: readonly Device[]): string {
  const standard = all.find((one) => one.deviceId === "default") ?? all[0];
  return standard ? `${standard.groupId} ${standard.label}` : "";
}

/** Return the device to open instead, empty for the system's default; null if the current one is right. */
export function replacement(use: Use, all: readonly Device[]): string | null {
  if (all.length === 0) {
    return null; // nothing to open; also before the browser lists any
  }
  const has = (id: string): boolean => all.some((one) => one.deviceId === id);
  if (use.chosen !== "" && has(use.chosen)) {
    return use.opened === use.chosen ? null : use.chosen; // returned, or still connected
  }
  if (use.opened === null || (use.opened !== "" && !has(use.opened))) {
    return "";
  }
  return use.standard !== "" && standardOf(all) !== use.standard ? "" : null;
}
