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
export type FaultPoint = (typeof FAULT_POINTS)[number];

/** Names the point at which this process ends itself; no stack sets it. */
export const FAULT_VARIABLE = "OWUI_FAULT";

/**
 * Marks a moment at which a crash must lose nothing. Does nothing, unless a test's environment names this point: then
 * the process is killed here, as by `kill -9`.
 */
export function faultPoint(name: FaultPoint): void {
  if (process.env[FAULT_VARIABLE] === name) process.kill(process.pid, "SIGKILL");
}
