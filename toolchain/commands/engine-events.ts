/** As much as is read of a line of the engine's event log (`--event-log`). */
export interface EngineEvent {
  resourcePreEvent?: { metadata: StepMetadata };
  resOutputsEvent?: { metadata: StepMetadata };
  resOpFailedEvent?: { metadata: StepMetadata };
  diagnosticEvent?: { severity: string; message: string; urn?: string };
  summaryEvent?: { resourceChanges: Record<string, number> };
}

/** What the engine does with one resource. */
export interface StepMetadata {
  op: string;
  urn: string;
  type: string;
  diffs?: string[] | null;
  detailedDiff?: Record<string, { diffKind: string }> | null;
  /** Address and id. */
  provider?: string;
  /** As it is to be. */
  new?: { parent?: string; inputs?: Record<string, unknown> } | null;
}

/** The last part of a resource's address: the name it was declared with. */
export const nameOf = (urn: string): string => urn.slice(urn.lastIndexOf("::") + 2);

/** Operations that leave a resource as it is. */
const still = new Set(["same", "read", "refresh"]);

/** Whether a step changes something of its own; what components do is done by what they hold. */
export const changes = ({ op, type }: StepMetadata): boolean =>
  !still.has(op) && !type.startsWith("owui:") && type !== "pulumi:pulumi:Stack";

/** Follows an update through its events. */
export class Tally {
  /** Names of what is being worked on. */
  readonly active = new Set<string>();
  /** How many changes are made. */
  done = 0;
  /** What went wrong, in the order it did. */
  readonly errors: string[] = [];
  /** Number of resources by what happened to them; undefined before the end. */
  result: Record<string, number> | undefined;

  add(event: EngineEvent): void {
    const { resourcePreEvent: begun, resOutputsEvent: ended, resOpFailedEvent: failed } = event;
    if (begun && changes(begun.metadata)) this.active.add(nameOf(begun.metadata.urn));
    for (const { metadata } of [ended, failed].filter((step) => step !== undefined)) {
      if (this.active.delete(nameOf(metadata.urn)) && metadata === ended?.metadata) this.done += 1;
    }
    this.#diagnose(event.diagnosticEvent);
    this.result = event.summaryEvent?.resourceChanges ?? this.result;
  }

  #diagnose(diagnostic: EngineEvent["diagnosticEvent"]): void {
    if (diagnostic?.severity !== "error") return;
    const text = plain(diagnostic.message).trim();
    // The engine's closing "update failed" says nothing that the errors before it do not.
    if (!text || text === "update failed") return;
    // Where the engine goes on, the program tells of every resource that waited for one whose own error was told.
    if (/\bfailed to register$/m.test(text)) return;
    const name = diagnostic.urn ? nameOf(diagnostic.urn) : "";
    const worded = name && !diagnostic.urn?.includes("pulumi:pulumi:Stack") ? `${name}: ${text}` : text;
    if (!this.errors.includes(worded)) this.errors.push(worded);
  }

  /** `12 done, at work on acme-container and 3 more`. */
  get text(): string {
    const [first, ...more] = this.active;
    if (!first) return this.done ? `${this.done} done` : "";
    return `${this.done} done, at work on ${first}${more.length > 0 ? ` and ${more.length} more` : ""}`;
  }

  /** `12 created, 1 updated, 80 unchanged`, or that nothing changed. */
  get summary(): string {
    return summaryOf(this.result ?? {});
  }
}

/** The engine's words for what it did, in the order people ask for them. */
const words: [string[], string][] = [
  [["create"], "created"],
  [["update"], "updated"],
  [["replace", "create-replacement", "delete-replaced"], "replaced"],
  [["delete"], "deleted"],
  [["discard", "forget"], "forgotten"],
];

/** Counts of an update in words; a component counts like what it holds. */
export function summaryOf(result: Record<string, number>): string {
  const parts = words.flatMap(([ops, word]) => {
    const count = Math.max(...ops.map((op) => result[op] ?? 0));
    return count > 0 ? [`${count} ${word}`] : [];
  });
  const same = result.same ?? 0;
  if (parts.length === 0) return `nothing changed, ${same} unchanged`;
  return [...parts, ...(same ? [`${same} unchanged`] : [])].join(", ");
}

/** A message without the engine's colour marks. */
const plain = (message: string): string => message.replaceAll(/<\{%[^%]*%\}>/g, "");
