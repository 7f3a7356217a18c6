import { createHash } from "node:crypto";
import { defaultedBy } from "./diff.ts";
import type { Properties } from "./properties.ts";
import { type AnyResource, fieldsOf } from "./resource.ts";
import { type Failure, fieldFailures, keptFields } from "./types.ts";

export interface CheckRequest {
  /** The resource's name in the program. */
  name: string;
  oldInputs: Properties;
  news: Properties;
  /** The engine's: the same for the preview and the update that follows it. */
  seed: Uint8Array;
}

/** Seven hex digits, as the real bridge appends. */
const suffix = (seed: Uint8Array): string => createHash("sha256").update(seed).digest("hex").slice(0, 7);

/** The name of an earlier update, if that was automatic, too: a name that changed would replace the resource. */
const automaticName = ({ name, oldInputs, seed }: CheckRequest): string => {
  const kept = oldInputs.name;
  return typeof kept === "string" && defaultedBy(oldInputs).includes("name")
    ? kept
    : `${name}-${suffix(seed)}`;
};

/** The inputs an operation will get, defaults included, and everything wrong with them. */
export const check = async <C>(
  resource: AnyResource<C>,
  request: CheckRequest,
): Promise<{ inputs: Properties; failures: Failure[] }> => {
  const { news } = request;
  const named =
    resource.autonamed && news.name === undefined ? { ...news, name: automaticName(request) } : news;
  const fields = fieldsOf(resource.inputs);
  const failures = fieldFailures(fields, named);
  // Inputs that do not fit are not looked at any further: what follows trusts their types.
  if (failures.length > 0) return { inputs: news, failures };
  const inputs = keptFields(fields, named);
  const defaulted = Object.keys(inputs).filter((name) => news[name] === undefined);
  const checked = (await resource.check?.(inputs)) ?? { inputs, failures: [] };
  return {
    failures: checked.failures,
    inputs: defaulted.length === 0 ? checked.inputs : { ...checked.inputs, __defaults: defaulted.sort() },
  };
};
