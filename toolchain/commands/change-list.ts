import { looksSecret } from "../../components/fleet-config/environment.ts";
import { componentOf, isUnknown } from "../preview/step.ts";
import { bounded, visible } from "../preview/visible-text.ts";
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

/** Gathers what a preview says resource by resource, grouped by the part of the fleet they belong to. */
export class ChangeList {
  readonly #groups = new Map<string, string[]>();
  #counts: Record<string, number> = {};

  /** Number of resources by the engine's operations. */
  get counts(): Record<string, number> {
    return this.#counts;
  }

  /** Every change in its group, several lines; empty when there is none. */
  get groups(): string {
    return [...this.#groups].map(([group, lines]) => [`  ${group}`, ...lines].join("\n")).join("\n\n");
  }

  add({ resourcePreEvent, summaryEvent }: EngineEvent): void {
    if (summaryEvent) this.#counts = summaryEvent.resourceChanges;
    const step = resourcePreEvent?.metadata as Step | undefined;
    const operation = step && operations[step.op];
    if (!step || !operation || !changes(step)) return;
    const group = groupOf(step);
    const lines = this.#groups.get(group) ?? [];
    this.#groups.set(group, [...lines, `    ${operation.mark} ${visible(nameOf(step.urn))}${detail(step)}`]);
  }

  /** The sum, or that nothing changes. */
  get sum(): string {
    const unchanged = `${this.#counts.same ?? 0} unchanged`;
    if (this.#groups.size === 0) return `Nothing would change: ${unchanged}.`;
    const sums = Object.entries(operations)
      .filter(([op]) => this.#counts[op])
      .map(([op, { word }]) => `${this.#counts[op]} ${word}`);
    return `${[...sums, unchanged].join(", ")}.`;
  }

  /** Every change and the sum. */
  get text(): string {
    return [this.groups, this.sum].filter(Boolean).join("\n\n");
  }
}

/** `Tenant acme`, from the address of the component a resource belongs to. */
function groupOf(step: Step): string {
  const component = componentOf(step.new?.parent || step.old?.parent || "");
  return component ? `${component.type} ${visible(component.name)}` : "Stack";
}

/** What differs, ` memory 1400 → 2000, envs`; a value is shown where it fits and is no secret. */
function detail(step: Step): string {
  if (step.op !== "update" && step.op !== "replace") return "";
  const paths = Object.keys(step.detailedDiff ?? {});
  const shown = (paths.length > 0 ? paths : (step.diffs ?? [])).map((path) =>
    difference(visible(path), step.old?.inputs?.[path], step.new?.inputs?.[path]),
  );
  return shown.length > 0 ? `: ${shown.join(", ")}` : "";
}

/** One property's difference: both values, the entries of a list that go and come, the lines of a text, or only its name. */
function difference(path: string, before: unknown, after: unknown): string {
  if (Array.isArray(before) && Array.isArray(after)) return entries(path, before, after);
  if (isText(before) && isText(after) && `${before}${after}`.includes("\n")) {
    return lines(path, before.split("\n"), after.split("\n"));
  }
  const values = [before, after].map(shortValue);
  return values.includes(undefined) || values[0] === values[1] ? path : `${path} ${values.join(" → ")}`;
}

function entries(path: string, before: unknown[], after: unknown[]): string {
  const gone = before.filter((entry) => !after.includes(entry)).map((entry) => `-${shortValue(entry)}`);
  const come = after.filter((entry) => !before.includes(entry)).map((entry) => `+${shortValue(entry)}`);
  const shown = [...gone, ...come];
  return shown.some((entry) => /^.undefined$/.test(entry)) ? path : [path, ...shown].join(" ");
}

/** Lines that go and come, below the resource; of many only the first. */
function lines(path: string, before: readonly string[], after: readonly string[]): string {
  const [old, now] = [new Set(before), new Set(after)];
  const shown = [
    ...before.filter((line) => !now.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ].map((line) => `\n        ${bounded(visible(line), 160)}`);
  const more = shown.length > mostLines ? `\n        … ${shown.length - mostLines} lines more` : "";
  return `${path}${shown.slice(0, mostLines).join("")}${more}`;
}

/** Enough for a site's file; a preview of a hundred tenants stays readable. */
const mostLines = 20;

const isText = (value: unknown): value is string => typeof value === "string";

/** A value in a line's part; undefined where it is none that fits. */
function shortValue(value: unknown): string | undefined {
  if (isUnknown(value)) return "(known later)";
  const text = typeof value === "object" ? undefined : isText(value) ? value : JSON.stringify(value);
  if (text === undefined || text.length > 60 || text.includes("\n")) return undefined;
  const [variable = ""] = text.split("=", 1);
  // The fleet's own environment holds no secret readable; what somebody added by a transform may.
  return text.includes("=") && looksSecret(variable) ? `${visible(variable)}=[secret]` : visible(text);
}
