import { resolve } from "node:path";
import { FleetConfigError, parseFleet } from "../../../components/fleet-config.ts";

/** A config loose enough to be broken anywhere. */
// biome-ignore lint/suspicious/noExplicitAny: tests write what no type allows, that is their point
export type Loose = any;

export const repository = resolve(import.meta.dirname, "../../..");
export const where = { repository, dataHome: "/data" };

/** A fresh config with one host, two tenants and two nodes that breaks no rule. */
export const validConfig = (): Loose => ({
  hosts: { local: { kind: "local" } },
  tenants: {
    acme: { host: "local", domain: "acme.localhost", admin: { email: "admin@acme.example" } },
    globex: { host: "local", domain: "globex.localhost", admin: { email: "admin@globex.example" } },
  },
  sync: { host: "local", nodes: { a: { port: 9443 }, b: { port: 9444 } } },
});

/** The whole message a config is refused with, once `edit` has broken it. */
export function refusal(edit: (config: Loose) => void, stack = "local", place = where): string {
  const config = validConfig();
  edit(config);
  try {
    parseFleet(stack, config, place);
  } catch (error) {
    if (error instanceof FleetConfigError) return error.message;
    throw error;
  }
  return "accepted";
}

/** Broken configs with the message each is refused with. */
export type Broken = [behaviour: string, edit: (config: Loose) => void, message: string][];
