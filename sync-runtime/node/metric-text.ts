import type { Registry } from "prom-client";
import { labelText } from "./label-text.ts";

/** A metric as it is told, whoever keeps its values. */
export interface Told {
  name: string;
  help: string;
  type: "counter" | "gauge" | "histogram";
  labelNames: readonly string[];
}

/** Characters of the text that are made at a time. */
const PIECE = 16 * 1024;

/** The lines before a metric's values. */
export const headText = ({ name, help, type }: Pick<Kept, "name" | "help" | "type">): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

/**
 * Lines, joined into pieces that are sent one after the other. A text of a thousand tenants in one outlives V8's collections of
 * what is new, and is memory of the node until the next of what is old.
 */
export function* inPieces(lines: Iterable<string>): Generator<string> {
  let piece: string[] = [];
  let length = 0;
  for (const line of lines) {
    piece.push(line);
    length += line.length;
    if (length < PIECE) continue;
    yield piece.join("");
    piece = [];
    length = 0;
  }
  if (length > 0) yield piece.join("");
}

/** All that a registry keeps, in Prometheus' text format, a piece at a time. */
export async function* registryText(registry: Registry): AsyncGenerator<string> {
  for (const { name } of registry.getMetricsAsArray()) {
    const metric = await registry.getSingleMetric(name)?.get();
    if (metric) yield* inPieces(linesOf(metric));
  }
}

/** One metric with its values, as prom-client gives them. */
interface Kept extends Omit<Told, "type" | "labelNames"> {
  type: unknown;
  values: { metricName?: string; labels: Partial<Record<string, string | number>>; value: number }[];
}

function* linesOf(metric: Kept): Generator<string> {
  yield headText(metric);
  const { name, values } = metric;
  for (const { metricName = name, labels, value } of values)
    yield `${metricName}${labelsText(labels)} ${value}\n`;
}

function labelsText(labels: Partial<Record<string, string | number>>): string {
  let text = "";
  for (const name in labels) text += `${text === "" ? "{" : ","}${name}="${labelText(String(labels[name]))}"`;
  return text === "" ? "" : `${text}}`;
}
