import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import { describe, expect, test } from "vitest";
import { allDead, isLocked, lockHolders, StackLockedError } from "../../../toolchain/setup/stack-lock.ts";

const said = (
  host: string,
  pid: number,
) => `error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with \`pulumi cancel\`.
  s3://fleet/.pulumi/locks/organization/open-webui-infrastructure/prod/62d8.json: created by ann@${host} (pid ${pid}) at 2026-11-22T07:00:00Z
`;
const gone = spawnSync("true").pid;

describe("a stack's lock", () => {
  test("is told from every other failure, Pulumi Cloud's too", () => {
    expect(isLocked(said("elsewhere", 1))).toBe(true);
    expect(isLocked("error: [409] Conflict: Another update is currently in progress.")).toBe(true);
    expect(isLocked("error: no stack selected")).toBe(false);
  });

  test("says who holds it", () => {
    expect(lockHolders(said("elsewhere", 12))).toEqual([
      { user: "ann", host: "elsewhere", pid: 12, since: "2026-11-22T07:00:00Z" },
    ]);
    expect(lockHolders("error: something else")).toEqual([]);
  });

  test("is nobody's only if every holder ran here and is gone", () => {
    expect(allDead(lockHolders(said(hostname(), gone)))).toBe(true);
    expect(allDead(lockHolders(said(hostname(), process.pid)))).toBe(false);
    expect(allDead(lockHolders(said("elsewhere", gone)))).toBe(false);
    expect(allDead(lockHolders(said(hostname(), gone) + said("elsewhere", gone)))).toBe(false);
    expect(allDead([])).toBe(false);
  });

  test("is reported with its holder, what it is for, and what to do", () => {
    expect(new StackLockedError("prod", lockHolders(said("fra1", 12))).message).toBe(`
  ✗ Stack prod is being changed by ann on fra1 (process 12, since 2026-11-22T07:00:00Z).
    why:    Two changes at once would each undo what the other one notes of the stack.
    remedy: Wait until that run has ended, then run this again. If it died with its machine:
            npm run pulumi -- --stack prod cancel

Nothing was changed by this run.`);
    expect(new StackLockedError("prod", []).message).toContain("is being changed by another run.");
  });
});
