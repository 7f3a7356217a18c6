import { columns } from "../../toolchain/commands/status-table.ts";
import type { Finding } from "./security-findings.ts";

/** What the set-up would change on a host, or changed; null: it could not be asked. */
export interface HostChanges {
  host: string;
  changes: string[] | null;
  failure?: string;
}

/** How safe a host is; null: it could not be asked. */
export interface HostFindings {
  host: string;
  findings: Finding[] | null;
  failure?: string;
}

const unanswered = (host: string, failure = ""): string => `${host}: NOT known: ${failure}`;

/** What the set-up would change, or changed, for people; `locals` are hosts that have none. */
export function changesText(hosts: HostChanges[], locals: string[], look: "check" | "repair"): string {
  const texts = hosts.map(({ host, changes, failure }) => {
    if (!changes) return unanswered(host, failure);
    if (changes.length === 0) return `${host}: as it should be`;
    const lead = look === "check" ? "the set-up would" : "the set-up did";
    return [`${host}: ${lead}`, ...changes.map((change) => `  ${change}`)].join("\n");
  });
  const local = locals.map((host) => `${host}: this machine, which the fleet does not set up`);
  return [...texts, ...local].join("\n");
}

/** How safe the hosts are, for people: what is bad is written large and has its remedy below. */
export function securityText(hosts: HostFindings[]): string {
  const texts = hosts.map(({ host, findings, failure }) => {
    if (!findings) return unanswered(host, failure);
    const words = { good: "good", bad: "BAD", unknown: "unknown" };
    const rows = findings.map(({ check, state, found }) => [check, words[state], found]);
    const remedies = findings
      .filter(({ remedy }) => remedy !== undefined)
      .map(({ check, remedy }) => `  ${check}: ${remedy}`);
    return [
      ...columns([[host, "", ""], ...rows]),
      ...(remedies.length > 0 ? ["", "to do:", ...remedies] : []),
    ].join("\n");
  });
  return texts.join("\n\n");
}
