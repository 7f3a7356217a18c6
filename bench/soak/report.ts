import { cpus, release, totalmem } from "node:os";
import type { Sample, SoakResult } from "./soak.ts";

const MB = 1e6;
/** Lines of the table of memory. */
const MEMORY_LINES = 20;

const table = (head: string[], rows: (string | number)[][]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** What a soak saw, as a page of markdown. */
export function report(result: SoakResult, when: Date): string {
  const { seconds, comparisons, failures, mishaps, jobs, jobSeconds, tenants } = result;
  const rows = comparisons.reduce((sum, each) => sum + each.rows, 0);
  const verdict =
    failures.length === 0
      ? `Every one of ${comparisons.length} comparisons found the replica equal to its source, ${rows} rows in all.`
      : `**${failures.length} failures** beside ${comparisons.length} comparisons that were equal.`;
  return `# Soak

\`npm run soak -- --minutes ${Math.round(seconds / 60)}\`, ${when.toISOString().slice(0, 16)}Z, ${(seconds / 60).toFixed(1)} minutes, on ${cpus().length} × ${cpus()[0]?.model.trim()}, ${(totalmem() / 1e9).toFixed(0)} GB, Linux ${release()}.

${verdict}

A soak has four tenants whose applications write without pause, one agent, two nodes, one Postgres, a sync of each tenant
every five seconds, and a mishap every twelve: processes are killed with -9, connections cut. Now and then a tenant's
application is quiet; then the next sync has to make its replica equal, by the word of the independent checker
(tests/support/checker). In the second half agent and nodes are not killed, so that a growth of their memory would show.
It is run by hand, or nightly; \`npm test\` does not run it.
${failures.map((failure) => `\n- ${failure}`).join("")}
## Tenants

${table(
  ["tenant", "schema", "journal", "transactions", "refused as busy", "slowest, ms", "MB at the end"],
  tenants.map((t) => [t.id, t.schema, t.journal, t.commits, t.refused, t.longest, (t.bytes / MB).toFixed(1)]),
)}

The slowest transaction includes the writer's own turn on a shared machine, VACUUM's and the applications' restarts.

## What happened

${table(
  ["mishap", "times"],
  [...mishaps].sort(([a], [b]) => a.localeCompare(b)),
)}

## Syncs

${table(
  ["outcome", "by the nodes' logs"],
  [...jobs].sort(([a], [b]) => a.localeCompare(b)),
)}

${table(
  ["status in the history", "rows", "median, s", "p95, s", "longest, s"],
  jobSeconds.map((j) => [j.status, j.count, j.median.toFixed(2), j.p95.toFixed(2), j.longest.toFixed(2)]),
)}

## Memory

Anonymous resident memory in MB; agent and nodes are left alive from ${(seconds / 2 / 60).toFixed(1)} min on.

${table(
  ["min", "agent", "readers", "node a", "node b", "databases"],
  thinned(result.samples).map((s) => [
    (s.seconds / 60).toFixed(1),
    ...[s.agent, s.readers, ...s.nodes, s.databases].map((bytes) => (bytes / MB).toFixed(0)),
  ]),
)}
`;
}

/** Evenly chosen, the last one among them. */
function thinned(samples: Sample[]): Sample[] {
  const step = Math.max(1, Math.ceil(samples.length / MEMORY_LINES));
  return samples.filter((_, index) => (samples.length - 1 - index) % step === 0);
}
