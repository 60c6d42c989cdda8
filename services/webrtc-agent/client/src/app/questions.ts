/** What a visitor may ask, as examples; clicking one asks it. */

export const QUESTIONS = [
  "What is the weather in Stockholm?",
  "Will it rain in Lisbon tomorrow?",
  "How cold will it be in Oslo at nine?",
] as const;
