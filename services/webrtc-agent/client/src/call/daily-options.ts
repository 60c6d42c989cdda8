/**
 * Daily's library fetches the rest of itself from Daily when a call begins. By default it evaluates that text, which
 * our content security policy forbids; with `avoidEval` it adds a script element, which the policy allows.
 */
export const DAILY_OPTIONS = { dailyConfig: { avoidEval: true } };
