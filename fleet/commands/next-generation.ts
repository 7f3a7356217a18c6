import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from "yaml";
import { project } from "../../toolchain/setup/stack-state.ts";

/** A stack's file in which the next authority issues, and which one that is. */
export interface NextGeneration {
  text: string;
  generation: number;
}

/**
 * Counts `certificates.generation` of a stack's file up by one, and leaves every other byte as the operator wrote it.
 * Undefined where the file has no `config`, or says something about certificates that is no generation.
 */
export function nextGeneration(text: string): NextGeneration | undefined {
  const document = parseDocument(text);
  const config = document.get("config");
  if (!isMap(config) || config.items.length === 0) return undefined;
  const entry = find(config, "certificates");
  if (!entry) return withEntry(text, config);
  const value = isMap(entry.value) ? find(entry.value, "generation")?.value : undefined;
  if (!isScalar(value) || !Number.isSafeInteger(value.value) || !value.range) return undefined;
  const [start, end] = value.range;
  const generation = (value.value as number) + 1;
  return { text: `${text.slice(0, start)}${generation}${text.slice(end)}`, generation };
}

/** An entry by its bare key; Pulumi's CLI writes the project's name before it, people do not. */
const find = (map: YAMLMap, wanted: string): Pair | undefined =>
  map.items.find(({ key }) => isScalar(key) && String(key.value).replace(`${project}:`, "") === wanted);

/** A new entry above the first one, as far in as that one, which has a line of its own. */
function withEntry(text: string, config: YAMLMap): NextGeneration | undefined {
  const first = config.items[0]?.key;
  const at = isScalar(first) && first.range ? first.range[0] : 0;
  const line = text.lastIndexOf("\n", at) + 1;
  const indent = text.slice(line, at);
  if (!/^ +$/.test(indent)) return undefined;
  const entry = `${indent}certificates: { generation: 2 } # counted up by npm run rotate\n`;
  return { text: text.slice(0, line) + entry + text.slice(line), generation: 2 };
}
