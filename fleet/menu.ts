import type { Invocation } from "../toolchain/commands/invocation.ts";

/** One line of the menu. */
export interface Entry {
  name: string;
  /** What is run, as it is typed behind `npx fleet`; of what leads to another menu the tenant. */
  does: { command: readonly string[] } | { tenant: string } | "back" | "again" | "end";
}

/** The tenants, and what is done to the fleet as a whole. */
export const fleetMenu = (tenants: readonly string[]): Entry[] => [
  { name: "Look again", does: "again" },
  ...tenants.map((tenant) => ({ name: tenant, does: { tenant } })),
  { name: "What each tenant uses", does: { command: ["tenants"] } },
  { name: "What is left of the hosts", does: { command: ["hosts"] } },
  { name: "Watch what happens (ends with Ctrl-C)", does: { command: ["status", "--follow"] } },
  { name: "Conflicts", does: { command: ["conflicts"] } },
  { name: "Long operations", does: { command: ["operations"] } },
  { name: "End", does: "end" },
];

/** What is done to one tenant; every command asks by itself before it interrupts users. */
export const tenantMenu = (tenant: string): Entry[] => [
  { name: "Sync it now, and wait", does: { command: ["sync", tenant] } },
  { name: "Its log", does: { command: ["logs", tenant] } },
  { name: "Its users", does: { command: ["users", tenant] } },
  { name: "Its variables", does: { command: ["env", tenant] } },
  { name: "Its look", does: { command: ["branding", tenant] } },
  { name: "Compare its look with what it serves", does: { command: ["branding", tenant, "--check"] } },
  { name: "Restart it", does: { command: ["restart", tenant] } },
  { name: "Stop it", does: { command: ["stop", tenant] } },
  { name: "Start it", does: { command: ["start", tenant] } },
  { name: "Show its first admin's password", does: { command: ["password", tenant] } },
  { name: "Back", does: "back" },
];

/** How the chosen command is told which fleet it works on. */
export const onSameFleet = ({ stack, configFile, fake }: Invocation): string[] => [
  ...["--stack", stack],
  ...(configFile === undefined ? [] : ["--config-file", configFile]),
  ...(fake ? ["--fake"] : []),
];
