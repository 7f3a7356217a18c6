import { rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AdoptionReport } from "../../../fleet/adoption/report.ts";
import { type CommandOptions, run } from "./command.ts";
import type { Fleet } from "./fleet.ts";
import type { Session } from "./tenant-client.ts";
import { until } from "./until.ts";

/** Where Open WebUI's images come from. */
export const upstream = "ghcr.io/open-webui/open-webui";

/** What every scenario of an adoption does: a tenant that comes from outside, and the operator's commands. */
export function arrival(fleet: Fleet, tenant: string) {
  const home = join(fleet.root, "tenants", tenant);
  const operate = (command: string, args: string[], options?: CommandOptions) =>
    fleet.driver.operate(command, args, options);
  const adopt = (args: string[], options?: CommandOptions) => operate("adopt", [tenant, ...args], options);
  const open = async (): Promise<{ id: string; done: number; steps: string[]; error: string }> =>
    JSON.parse((await operate("operations", ["list", tenant, "--open", "--json"])).stdout).operations[0];
  const leave = async () => {
    await fleet.file.removeTenant(tenant);
    await fleet.up();
    rmSync(home, { recursive: true, force: true });
  };
  return {
    ...{ tenant, home, adopt, open, leave },
    config: () => readFile(fleet.file.path, "utf8"),
    client: fleet.tenant(tenant),
    report: async (args: string[]): Promise<AdoptionReport> =>
      JSON.parse((await adopt([...args, "--dry-run", "--json"], { mayFail: true })).stdout),
    /** Takes it on as soon as nothing of the killed command is at work any more. */
    takeOn: async (action: "resume" | "abort", options?: CommandOptions) => {
      const { id } = await open();
      await noCommand(fleet);
      await fleet.endHolds();
      return operate("operations", [action, id], options);
    },
  };
}

/** What a killed command started goes on to its end: an `up`, a script of its host. */
const noCommand = (fleet: Fleet): Promise<unknown> =>
  until(
    "what the killed command had started to end",
    async () =>
      (await run(["pgrep", "-f", `up.mjs up --stack ${fleet.stack}`], { mayFail: true })).code !== 0,
    300,
  );

/** Titles of the chats that somebody has. */
export const opened = async (session: Session) => (await session.chats()).map(({ title }) => title).sort();
