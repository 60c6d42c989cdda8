import { type Measured, median } from "./measured";

/** Latency, tokens and tools of a conversation. */
export function Figures({ measured }: { measured: Measured }) {
  const { latencies, tokensIn, tokensOut, tools } = measured;
  const figures: readonly (readonly [string, string])[] = [
    ["Last answer after", inMs(latencies.at(-1))],
    ["Median", inMs(median(latencies))],
    ["Slowest", inMs(latencies.length > 0 ? Math.max(...latencies) : null)],
    ["Answers", String(latencies.length)],
    ["Tokens in", String(tokensIn)],
    ["Tokens out", String(tokensOut)],
  ];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and a keyboard has to reach it for that
    <section className="panel panel--figures" aria-labelledby="figures" tabIndex={0}>
      <h2 id="figures">Measured</h2>
      <dl className="figures">
        {figures.map(([label, figure]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{figure}</dd>
          </div>
        ))}
      </dl>
      <p className="panel__note">From the end of the visitor's turn to the model's first audio.</p>
      {tools.length > 0 && (
        <ul className="tools" aria-label="Tools">
          {tools.map(({ id, name, arguments: given, took, result }) => (
            <li key={id}>
              <strong>{name}</strong> <span>{took === null ? "runs" : `${took} ms`}</span>
              <code>{given}</code>
              <code>{result}</code>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function inMs(figure: number | null | undefined): string {
  return figure === null || figure === undefined ? "–" : `${figure} ms`;
}
