import type { Fleet } from "../../components/fleet-config.ts";
import { allowing, type Report, type SubjectChanges } from "../preview/change.ts";
import { ChangeReport } from "../preview/change-report.ts";
import { policyFlags } from "../preview/policy-flags.ts";
import { subjectText } from "../preview/report-text.ts";
import { bounded, visible } from "../preview/visible-text.ts";
import { CommandError } from "../setup/problem.mjs";
import type { Progress } from "../setup/progress.ts";
import type { Pulumi } from "../setup/pulumi.ts";
import { gather } from "./preview.ts";

/** What `up` is about to do. */
export interface Intended {
  fleet: Fleet;
  configFile: string;
  /** Flags that the change itself will get, as far as they say what changes. */
  flags: readonly string[];
  /** Ids of hosts and tenants of which may go what is refused otherwise. */
  allow: readonly string[];
}

/**
 * Looks at a change before it is made, as `npm run preview` does, and refuses one that the preview would have refused.
 * Where the engine cannot look at all of it (a host that does not answer), what it saw is judged: the change itself will
 * meet the same fault, and one host's keeps no other from what it needs.
 */
export async function passGate(
  pulumi: Pulumi,
  { fleet, configFile, flags, allow }: Intended,
  progress: Progress,
): Promise<string> {
  progress("looking at what changes");
  const all = ["--config-file", configFile, ...flags, ...(await policyFlags(pulumi.stack, fleet))];
  const report = allowing(await gather(new ChangeReport(pulumi.stack, fleet), pulumi, all, progress), allow);
  const refusal = refusalOf(report);
  if (refusal) throw new RefusedError(refusal);
  return allowed(report);
}

/** Why a change is not made, a line each with its remedy; undefined where nothing speaks against it. Pure. */
export function refusalOf({ stack, subjects, policies }: Report): string | undefined {
  const stopped = subjects.filter((subject) => stops(subject).length > 0);
  const broken = policies.violations.filter(({ level }) => level === "mandatory");
  if (stopped.length + broken.length === 0) return undefined;
  const ids = stopped.map(({ id }) => id).filter(Boolean);
  return [
    ...stopped.flatMap((subject) =>
      stops(subject).map((text) => `\n  ✗ STOP: ${subjectText(subject)}: ${text}`),
    ),
    ...broken.map(({ policy, resource, message }) => `\n  ✗ ${policy}: ${resource}: ${line(message)}`),
    "",
    ...(stopped.length > 0
      ? [
          "    What stands behind STOP does not come back by itself. If it is meant:",
          `      npm run up -- --stack ${stack} --allow ${ids.length > 0 ? ids.join(" ") : "<name>"}`,
        ]
      : []),
    ...(broken.length > 0
      ? [
          "    A policy is broken by what is declared: correct that; --allow does not reach it (policy/README.md).",
        ]
      : []),
    `    All of the change: npm run preview -- --stack ${stack}`,
    "",
    "Nothing was changed.",
  ].join("\n");
}

/** One tenant's refusal is its own: what refuses itself keeps no other from what it needs. */
const stops = ({ changes }: SubjectChanges): string[] =>
  changes.filter(({ stop, itself }) => stop && !itself).map(({ text }) => line(text));

const line = (text: string): string => bounded(visible(text), 600);

/** What passed, in words. */
function allowed({ subjects, policies, errors }: Report): string {
  const changes = subjects.reduce((sum, { changes }) => sum + changes.length, 0);
  const seen = errors.length > 0 ? ", as far as could be seen" : "";
  return `${changes === 1 ? "1 change" : `${changes} changes`} for users and operators, ${policies.checked.length} policies kept${seen}`;
}

/** The change is such that it wants a decision of its own. */
export class RefusedError extends CommandError {
  constructor(refusal: string) {
    super(refusal);
    this.name = "RefusedError";
  }
}
