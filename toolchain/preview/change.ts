/**
 * What a preview comes to, in operators' terms. Made by {@link ChangeReport}, shown by markdown.ts and text.ts, printed
 * as it is by `npm run preview -- --json`.
 */

/** What a change can cost, the least first; the report is worth its worst change. */
export const risks = ["none", "restart", "outage", "replacement", "data"] as const;

/**
 * `none`: nobody notices. `restart`: something starts anew and is back by itself. `outage`: it is gone until an
 * operator brings it back. `replacement`: a machine, a disk or an address is another one afterwards. `data`: data may be
 * lost, or may not be read any more.
 */
export type Risk = (typeof risks)[number];

/** Who cannot use what, and for how long. */
export interface Interruption {
  /** `its users`, `every tenant on it`. */
  who: string;
  /** `about 20 s`, `until it is started again`. */
  lasts: string;
  /** What `lasts` says, where it is a measured time. */
  seconds?: number;
}

/** One change of a subject. */
export interface Change {
  /** What happens, in a sentence's length. */
  text: string;
  /** Absent: nobody is interrupted. */
  interruption?: Interruption;
  risk: Risk;
  /** True: not to be applied without a decision of its own; it is shown as STOP. */
  stop?: boolean;
  /** True: while everything else is applied, the change refuses itself if it has to. */
  itself?: boolean;
}

/** The part of the fleet that changes. */
export interface Subject {
  kind: "tenant" | "host" | "replicas" | "nodes" | "monitoring" | "certificates" | "stack";
  /** The tenant's or host's id; empty for what there is one of. */
  id: string;
  /** Where a tenant runs, as far as that is known. */
  host?: string;
}

/** A subject with all that happens to it. */
export interface SubjectChanges extends Subject {
  changes: Change[];
}

/** A policy that a declared resource breaks. */
export interface Violation {
  policy: string;
  /** `mandatory` ones fail the preview. */
  level: "mandatory" | "advisory";
  /** The resource's name. */
  resource: string;
  message: string;
}

/** A whole preview. */
export interface Report {
  /** `preview`: of an edit, against what the last run left. `drift`: of everything, against what there is. */
  about: "preview" | "drift";
  stack: string;
  subjects: SubjectChanges[];
  risk: Risk;
  /** Resources by what would happen to them. */
  counts: Record<string, number>;
  /** Policies that were held against what is declared, and what they found. */
  policies: { checked: string[]; violations: Violation[] };
  /** Why the engine could not tell more; empty when it could. */
  errors: string[];
  /** Every resource that changes, with what differs; no secret in it. */
  diff: string;
  /** The counts in a sentence. */
  sum: string;
}

/** The worst of some risks. */
export const worst = (found: readonly Risk[]): Risk =>
  risks[Math.max(0, ...found.map((risk) => risks.indexOf(risk)))] ?? "none";

/** Whether anything would change at all. */
export const differs = ({ subjects, diff }: Report): boolean => subjects.length > 0 || diff !== "";

/** Whether a preview says that its change is not to be applied as it is. */
export const refused = ({ errors, policies, subjects }: Report): boolean =>
  errors.length > 0 ||
  policies.violations.some(({ level }) => level === "mandatory") ||
  subjects.some(({ changes }) => changes.some(({ stop }) => stop));

/** A report in which what was decided about stops nothing: all changes of the hosts and tenants with these ids. */
export function allowing(report: Report, ids: readonly string[]): Report {
  const allow = (change: Change): Change =>
    change.stop ? { ...change, stop: false, text: `${change.text} (allowed)` } : change;
  const subjects = report.subjects.map((subject) =>
    ids.includes(subject.id) ? { ...subject, changes: subject.changes.map(allow) } : subject,
  );
  return { ...report, subjects };
}
