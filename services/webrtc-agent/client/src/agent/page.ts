/** The page description of the agent: what the service puts into the HTML about the agent that this page belongs to. */

export interface Colors {
  /** `#rrggbb`, for the light and for the dark theme. */
  readonly accent: string;
  readonly accentDark: string;
}

export interface AgentPage {
  /** Sent with a start. Empty where the service has not said, as in development: the default agent answers. */
  readonly id: string;
  /** On whose behalf the agent speaks. */
  readonly name: string;
  readonly title: string;
  /** Null for the page's own words, as is the placeholder of the text field. */
  readonly welcome: string | null;
  readonly placeholder: string | null;
  readonly questions: readonly string[];
  /** Null for the page's own colours. */
  readonly colors: Colors | null;
  /** Language of these texts and of the conversation, as in `en-US`. */
  readonly language: string;
  /** What the agent words differently than the page itself, by the keys of `texts/en.ts`. */
  readonly texts: Readonly<Record<string, unknown>>;
}

const PLAIN: AgentPage = {
  id: "",
  name: "Voice agent",
  title: "Voice agent",
  welcome: null,
  placeholder: null,
  questions: [],
  colors: null,
  language: "en-US",
  texts: {},
};

/** Parse a description. What is missing or malformed gets a plain value: a page without its agent's words still works. */
export function readPage(text: string | null | undefined): AgentPage {
  const given = fieldsIn(text);
  const name = words(given.name) ?? PLAIN.name;
  return {
    id: words(given.id) ?? PLAIN.id,
    name,
    title: words(given.title) ?? name,
    welcome: words(given.welcome),
    placeholder: words(given.placeholder),
    questions: Array.isArray(given.questions) ? given.questions.filter((one) => words(one) !== null) : [],
    colors: colorsIn(given.colors),
    language: words(given.language) ?? PLAIN.language,
    texts: Object(given.texts ?? {}),
  };
}

function fieldsIn(text: string | null | undefined): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text ?? "{}") ?? {}) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

const words = (value: unknown): string | null =>
  typeof value === "string" && value.trim() !== "" ? value : null;

function colorsIn(value: unknown): Colors | null {
  const { accent, accent_dark: dark } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const [light, other] = [colorIn(accent), colorIn(dark)];
  // One colour is enough: the palette lightens or darkens it where it would be hard to read.
  return light || other
    ? { accent: light ?? (other as string), accentDark: other ?? (light as string) }
    : null;
}

const colorIn = (value: unknown): string | null =>
  typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value) ? value.toLowerCase() : null;

let known: AgentPage | null = null;

/** Return the description in this page. */
export function agentPage(): AgentPage {
  // Without a document (in a test of something else) there is no agent to describe.
  const element = typeof document === "undefined" ? null : document.getElementById("agent");
  known ??= readPage(element?.textContent);
  return known;
}

/** Return what requests say about the agent; nothing without a description, so that the service chooses. */
export function agentField(): { agent?: string } {
  const { id } = agentPage();
  return id === "" ? {} : { agent: id };
}

/** Use another description, for the gallery and the tests. */
export function describe(page: Partial<AgentPage>): void {
  known = { ...PLAIN, ...page };
}
