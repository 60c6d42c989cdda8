/** Put the agent's title and colours on the page. */

import { type AgentPage, agentPage } from "./page";
import { palette, type Tokens } from "./palette";

/**
 * A style sheet made by script, which `style-src 'self'` allows: a `<style>` or a `style` attribute in the HTML would
 * need a hole in the policy.
 */
let sheet: CSSStyleSheet | null = null;

export function dress({ title, colors }: AgentPage = agentPage()): void {
  document.title = title;
  document.body.removeAttribute("data-plain");
  const others = document.adoptedStyleSheets.filter((one) => one !== sheet);
  sheet = null;
  if (colors !== null) {
    const { accents, grounds } = palette(colors);
    sheet = new CSSStyleSheet();
    sheet.replaceSync(`${rule(accents)} @media not (prefers-contrast: more) { ${rule(grounds)} }`);
    for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
      const [, light, dark] = /\((.+), (.+)\)/.exec(grounds["--page-top"] ?? "") ?? [];
      meta.content = (meta.media.includes("dark") ? dark : light) ?? meta.content;
    }
  }
  document.adoptedStyleSheets = sheet ? [...others, sheet] : others;
}

const rule = (tokens: Tokens): string =>
  `:root { ${Object.entries(tokens)
    .map(([name, value]) => `${name}: ${value};`)
    .join(" ")} }`;
