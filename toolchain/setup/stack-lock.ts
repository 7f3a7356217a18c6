import { hostname } from "node:os";
import { CommandError } from "./problem.mjs";

/** Who holds a stack's lock, as Pulumi tells of it. */
export interface Holder {
  user: string;
  host: string;
  pid: number;
  /** ISO 8601. */
  since: string;
}

/** Holders in what the CLI said when it did not get the lock; none where it said something else. Pure. */
export const lockHolders = (said: string): Holder[] =>
  [...said.matchAll(/created by (.+)@(\S+) \(pid (\d+)\) at (\S+)/g)].map(
    ([, user = "", host = "", pid, since = ""]) => ({ user, host, pid: Number(pid), since }),
  );

/** Whether the CLI was refused because somebody else changes the stack; Pulumi Cloud does not say who. */
export const isLocked = (said: string): boolean =>
  /the stack is currently locked by|Another update is currently in progress/.test(said);

/** Whether all holders ran on this machine and are gone: then nobody changes anything. */
export const allDead = (holders: readonly Holder[]): boolean =>
  holders.length > 0 && holders.every(({ host, pid }) => host === hostname() && !lives(pid));

/** Whether a process of this machine is there. */
export const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
};

/** Somebody else changes the stack. */
export class StackLockedError extends CommandError {
  constructor(stack: string, holders: readonly Holder[]) {
    const who = holders.map(
      ({ user, host, pid, since }) => `${user} on ${host} (process ${pid}, since ${since})`,
    );
    super(
      [
        `\n  ✗ Stack ${stack} is being changed by ${who.join(", ") || "another run"}.`,
        "    why:    Two changes at once would each undo what the other one notes of the stack.",
        "    remedy: Wait until that run has ended, then run this again. If it died with its machine:",
        `            npm run pulumi -- --stack ${stack} cancel`,
        "\nNothing was changed by this run.",
      ].join("\n"),
    );
    this.name = "StackLockedError";
  }
}
