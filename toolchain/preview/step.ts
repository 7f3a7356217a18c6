import { type EngineEvent, nameOf, type StepMetadata } from "../commands/engine-events.ts";

/** One of a resource's two forms, as the engine's events hold it; secrets read `[secret]` there already. */
interface Form {
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  parent?: string;
  provider?: string;
  protect?: boolean;
}

/** What stands in an event for a value that is known only when the change is made. */
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** What the engine would do to one resource; `same` ones are kept for what they tell of others. */
export interface Step {
  op: "same" | "create" | "update" | "replace" | "delete";
  urn: string;
  type: string;
  name: string;
  /** The component it belongs to, `{ type: "Tenant", name: "acme" }`; undefined for what the stack itself declares. */
  component: { type: string; name: string } | undefined;
  /** Inputs that differ, those that a replacement is for included. */
  changed: string[];
  before: Record<string, unknown>;
  after: Record<string, unknown>;
  /** What the provider knew of it before. */
  known: Record<string, unknown>;
  /** Name of the provider it is made by; a host's Docker provider is called after it. */
  provider: string;
  /** It was declared as something that must not go. */
  protected: boolean;
}

/** Operations as the report counts them; of a replacement's three steps `replace` is the one that says what differs. */
const operations = ["same", "create", "update", "replace", "delete"] as const;

/** The step that an event announces; undefined where it announces none that counts. */
export function stepOf({ resourcePreEvent }: EngineEvent): Step | undefined {
  const metadata = resourcePreEvent?.metadata as
    | (StepMetadata & { old?: Form | null; new?: Form | null })
    | undefined;
  const op = operations.find((known) => known === metadata?.op);
  if (!metadata || !op) return undefined;
  const { urn, type, old: before, new: after } = metadata;
  const paths = Object.keys(metadata.detailedDiff ?? {});
  const changed = (paths.length > 0 ? paths : (metadata.diffs ?? [])).map(
    (path) => path.split(/[.[]/)[0] ?? "",
  );
  return {
    ...{ op, urn, type, name: nameOf(urn) },
    component: componentOf(after?.parent || before?.parent || ""),
    changed: [...new Set(changed)],
    before: before?.inputs ?? {},
    after: after?.inputs ?? {},
    known: before?.outputs ?? {},
    provider: providerOf(after?.provider || before?.provider || ""),
    protected: before?.protect ?? false,
  };
}

/** `{ type: "Tenant", name: "acme" }`, from a component's address. */
export function componentOf(urn: string): Step["component"] {
  const type = /(?:^|[$:])owui:\w+:(\w+)::/.exec(urn)?.[1];
  return type === undefined ? undefined : { type, name: nameOf(urn) };
}

/** `local-docker`, from a reference: the provider's address, two colons, its id. */
const providerOf = (reference: string): string => reference.split("::").at(-2) ?? "";

/** Whether a value will be known only once the change is made. */
export const isUnknown = (value: unknown): boolean => value === unknownValue;

/** A text input, undefined where it is none or not known yet. */
export function textOf(inputs: Record<string, unknown>, name: string): string | undefined {
  const value = inputs[name];
  return typeof value === "string" && !isUnknown(value) ? value : undefined;
}
