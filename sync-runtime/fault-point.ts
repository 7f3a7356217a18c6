/** Every place where a process can be stopped by a test, in the order in which a sync comes past them. */
export const FAULT_POINTS = [
  "node:begun",
  "agent:asked",
  "reader:opened",
  "reader:half-read",
  "reader:store-written",
  "agent:reader-ended",
  "agent:pending-saved",
  "agent:sent",
  "node:header",
  "node:table-loaded",
  "node:measured",
  "node:claim-locked",
  "node:committed",
] as const;
/** Those of a node that has decided rows written into a tenant's database, which most syncs do not come past. */
export const WRITE_BACK_FAULT_POINTS = ["node:write-begun", "node:rows-written"] as const;
/** The same of a write into a tenant's database. */
export const WRITER_FAULT_POINTS = [
  "writer:epoch-raised",
  "writer:locked",
  "writer:half-written",
  "writer:rows-written",
  "writer:committed",
  "writer:row-writer-ended",
] as const;
/** The same of a tenant's backup. */
export const BACKUP_FAULT_POINTS = ["backup:database-opened", "backup:half-stored", "backup:stored"] as const;
export type FaultPoint =
  | (typeof FAULT_POINTS)[number]
  | (typeof WRITE_BACK_FAULT_POINTS)[number]
  | (typeof WRITER_FAULT_POINTS)[number]
  | (typeof BACKUP_FAULT_POINTS)[number];

/**
 * Names the point at which this process ends itself; no stack sets it. `<point>=stop` stops it there instead, once, as
 * SIGSTOP does, so that a test can do something to the others before it lets it go on.
 */
export const FAULT_VARIABLE = "OWUI_FAULT";

let stopped = false;

/**
 * Marks a moment at which a crash must lose nothing. Does nothing, unless a test's environment names this point: then
 * the process is killed here, as by `kill -9`, or stopped.
 */
export function faultPoint(name: FaultPoint): void {
  const fault = process.env[FAULT_VARIABLE];
  if (fault === name) process.kill(process.pid, "SIGKILL");
  if (fault === `${name}=stop` && !stopped) {
    stopped = true;
    process.kill(process.pid, "SIGSTOP");
  }
}
