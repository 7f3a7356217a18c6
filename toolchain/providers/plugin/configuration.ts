import type { PropertyChange } from "./diff.ts";
import { markerProperty } from "./marker.ts";
import { hasUnknown, type Properties, type Value } from "./properties.ts";
import { type Failure, type Fields, fieldFailures, keptFields } from "./types.ts";

/** Settings of Pulumi's own that stand among every provider's. */
const engineSettings = new Set(["version", "pluginDownloadURL", "pluginChecksums", markerProperty]);

/** Configuration comes as strings whatever its type: "5432", "true", `["a"]` stand for what they look like. */
const plain = (field: Fields[string], value: Value): Value => {
  const fits = (candidate: Value) => field.type.failures(candidate, "").length === 0;
  if (typeof value !== "string" || fits(value)) return value;
  try {
    const parsed = JSON.parse(value) as Value;
    return fits(parsed) ? parsed : value;
  } catch {
    return value;
  }
};

/** Names with two underscores are the engine's notes. */
const isOwn = (name: string): boolean => !engineSettings.has(name) && !name.startsWith("__");

/** What a change of a provider's settings does: it takes the new ones, and no resource is touched. */
export const configurationChanges = (olds: Properties, news: Properties): PropertyChange[] =>
  [...new Set([...Object.keys(olds), ...Object.keys(news)])]
    .filter(isOwn)
    .filter((name) => hasUnknown(news[name]) || JSON.stringify(olds[name]) !== JSON.stringify(news[name]))
    .map((property) => ({ property, change: "update", kind: "update", fromInputs: true }));

/** A provider's settings in their own types, with defaults, and what is wrong with them. */
export const parseConfiguration = (
  fields: Fields,
  raw: Properties,
): { config: Properties; failures: Failure[] } => {
  const given = Object.entries(raw)
    .filter(([name]) => isOwn(name))
    .map(([name, value]): [string, Value] => [name, fields[name] ? plain(fields[name], value) : value]);
  const config = Object.fromEntries(given);
  return { config: keptFields(fields, config), failures: fieldFailures(fields, config) };
};
