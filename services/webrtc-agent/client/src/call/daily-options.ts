/**
 * Daily's library downloads the rest of its code when a call starts. By default it evaluates that text, which
 * our content security policy forbids; with `avoidEval` it adds a script element, which the policy allows.
 */
export const DAILY_OPTIONS = { dailyConfig: { avoidEval: true } };
