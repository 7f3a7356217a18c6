import type { Change, Report, Subject } from "./change.ts";
import { bounded, visible } from "./visible-text.ts";

/** `tenant acme on fra1-a`, `host fra1-b`, `sync nodes`. */
export function subjectText({ kind, id, host }: Subject): string {
  switch (kind) {
    case "tenant":
      return `tenant ${id}${host ? ` on ${host}` : ""}`;
    case "host":
      return `host ${id}`;
    case "nodes":
      return "sync nodes";
    default:
      return kind;
  }
}

/** `its users, about 20 s`; a dash where nobody is interrupted. */
export const interruptionText = ({ interruption }: Change): string =>
  interruption ? `${interruption.who}, ${interruption.lasts}` : "–";

/** A report as a terminal shows it: what happens in words, then every resource. */
export function reportText(report: Report): string {
  const { subjects, policies, errors, diff, sum } = report;
  return [
    ...subjects.map((subject) =>
      [
        `  ${line(subjectText(subject))}`,
        ...subject.changes.map((change) => `    ${changeText(change)}`),
      ].join("\n"),
    ),
    ...(errors.length > 0
      ? [["  The engine says", ...errors.map((error) => `    ${line(error)}`)].join("\n")]
      : []),
    policiesText(policies),
    ...(diff ? [`Resource by resource:\n\n${diff}`] : []),
    sum,
  ].join("\n\n");
}

const changeText = (change: Change): string => {
  const who = change.interruption ? ` [${interruptionText(change)}]` : "";
  const risk = change.risk === "none" ? "" : ` [risk: ${change.risk}]`;
  return `${change.stop ? "STOP: " : ""}${line(change.text)}${who}${risk}`;
};

function policiesText({ checked, violations }: Report["policies"]): string {
  if (checked.length === 0) return "  Policies were not checked.";
  if (violations.length === 0) return `  ${checked.length} policies checked, none broken.`;
  return [
    `  ${checked.length} policies checked, broken:`,
    ...violations.map(
      ({ policy, level, resource, message }) =>
        `    ✗ ${policy} (${level}), ${line(resource)}: ${line(message)}`,
    ),
  ].join("\n");
}

const line = (text: string): string => bounded(visible(text), 600);
