/** Example questions; a click asks one. */

export const QUESTIONS = [
  "What is the weather in Stockholm?",
  "Will it rain in Lisbon tomorrow?",
  "How cold will it be in Oslo at nine?",
] as const;
