import { changes, type EngineEvent, nameOf, type StepMetadata } from "./engine-events.ts";

/** A resource's two forms, as the engine's events hold them; secrets are masked there already. */
interface Forms {
  old?: { inputs?: Record<string, unknown>; parent?: string } | null;
  new?: { inputs?: Record<string, unknown>; parent?: string } | null;
}

type Step = StepMetadata & Forms;

/** How an operation is marked and what it is called. Steps of a replacement besides the one named here say nothing more. */
const operations: Record<string, { mark: string; word: string }> = {
  create: { mark: "+", word: "to create" },
  update: { mark: "~", word: "to update" },
  replace: { mark: "±", word: "to replace" },
  delete: { mark: "-", word: "to remove" },
};

/** Gathers what a preview says, grouped by the part of the fleet it belongs to. */
export class ChangeList {
  readonly #groups = new Map<string, string[]>();
  #counts: Record<string, number> = {};

  add({ resourcePreEvent, summaryEvent }: EngineEvent): void {
    if (summaryEvent) this.#counts = summaryEvent.resourceChanges;
    const step = resourcePreEvent?.metadata as Step | undefined;
    const operation = step && operations[step.op];
    if (!step || !operation || !changes(step)) return;
    const group = groupOf(step);
    const lines = this.#groups.get(group) ?? [];
    this.#groups.set(group, [...lines, `    ${operation.mark} ${nameOf(step.urn)}${detail(step)}`]);
  }

  /** Every change and the sum, or that there is none. */
  get text(): string {
    const unchanged = `${this.#counts.same ?? 0} unchanged`;
    if (this.#groups.size === 0) return `Nothing would change: ${unchanged}.`;
    const groups = [...this.#groups].map(([group, lines]) => [`  ${group}`, ...lines].join("\n"));
    const sums = Object.entries(operations)
      .filter(([op]) => this.#counts[op])
      .map(([op, { word }]) => `${this.#counts[op]} ${word}`);
    return `${groups.join("\n\n")}\n\n${[...sums, unchanged].join(", ")}. \`npm run up\` does it.`;
  }
}

/** `Tenant acme`, from the address of the component a resource belongs to. */
function groupOf(step: Step): string {
  const parent = step.new?.parent || step.old?.parent || "";
  const type = /(?:^|[$:])owui:\w+:(\w+)::/.exec(parent)?.[1];
  return type ? `${type} ${nameOf(parent)}` : "Stack";
}

/** What differs, ` memory 1400 → 2000, envs`; a value is shown where it fits and is no secret. */
function detail(step: Step): string {
  if (step.op !== "update" && step.op !== "replace") return "";
  const paths = Object.keys(step.detailedDiff ?? {});
  const shown = (paths.length > 0 ? paths : (step.diffs ?? [])).map((path) =>
    difference(path, step.old?.inputs?.[path], step.new?.inputs?.[path]),
  );
  return shown.length > 0 ? `: ${shown.join(", ")}` : "";
}

/** One property's difference: both values, the entries of a list that go and come, or only its name. */
function difference(path: string, before: unknown, after: unknown): string {
  if (Array.isArray(before) && Array.isArray(after)) {
    const gone = before.filter((entry) => !after.includes(entry)).map((entry) => `-${shortValue(entry)}`);
    const come = after.filter((entry) => !before.includes(entry)).map((entry) => `+${shortValue(entry)}`);
    const entries = [...gone, ...come];
    return entries.some((entry) => /^.undefined$/.test(entry)) ? path : [path, ...entries].join(" ");
  }
  const values = [before, after].map(shortValue);
  return values.includes(undefined) || values[0] === values[1] ? path : `${path} ${values.join(" → ")}`;
}

const shortValue = (value: unknown): string | undefined => {
  const text =
    typeof value === "string" ? value : typeof value === "object" ? undefined : JSON.stringify(value);
  return text !== undefined && text.length <= 60 && !text.includes("\n") ? text : undefined;
};
