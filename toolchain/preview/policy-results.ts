import { type EngineEvent, nameOf } from "../commands/engine-events.ts";
import type { Report, Violation } from "./change.ts";

/** What the engine's events say of policies. */
interface PolicyEvents {
  policyEvent?: { resourceUrn?: string; message: string; policyName: string; enforcementLevel: string };
  policyAnalyzeSummaryEvent?: Verdicts;
  policyAnalyzeStackSummaryEvent?: Verdicts;
}

/** Names of policies by how they found a resource, or the whole stack. */
interface Verdicts {
  passed?: string[] | null;
  failed?: string[] | null;
}

/** Gathers what policies found. */
export class PolicyResults {
  readonly #checked = new Set<string>();
  readonly #violations: Violation[] = [];

  add(event: EngineEvent): void {
    const { policyEvent, policyAnalyzeSummaryEvent, policyAnalyzeStackSummaryEvent } = event as PolicyEvents;
    for (const verdicts of [policyAnalyzeSummaryEvent, policyAnalyzeStackSummaryEvent])
      for (const name of [...(verdicts?.passed ?? []), ...(verdicts?.failed ?? [])]) this.#checked.add(name);
    if (!policyEvent) return;
    this.#checked.add(policyEvent.policyName);
    this.#violations.push({
      policy: policyEvent.policyName,
      level: policyEvent.enforcementLevel === "mandatory" ? "mandatory" : "advisory",
      resource: nameOf(policyEvent.resourceUrn ?? ""),
      message: policyEvent.message
        .replaceAll(/<\{%[^%]*%\}>/g, "")
        .trim()
        .replaceAll(/\s*\n\s*/g, " "),
    });
  }

  get results(): Report["policies"] {
    return { checked: [...this.#checked].sort(), violations: this.#violations };
  }
}
