import type { Fleet } from "../../components/fleet-config.ts";
import { SetupError } from "../setup/problem.mjs";
import type { FleetOutputs } from "./fleet-outputs.ts";
import { type ActiveUsers, askActiveUsers } from "./node-api.ts";
import { throughTunnel } from "./tunnel.ts";

const basis = "up-to-50-users";

/** Tenants of a config that show their own look because few use the fleet. */
export const onSmallFleet = ({ tenants }: Pick<Fleet, "tenants">): string[] =>
  tenants.filter(({ branding }) => branding?.basis === basis).map(({ id }) => id);

/** How many persons that basis covers, by the tenants that stand on it; null: none does. */
export const smallFleetOf = (tenants: ActiveUsers["tenants"]): number | null => {
  const covered = tenants.flatMap(({ licence }) => (licence?.basis === basis ? [licence.users] : []));
  return covered.length > 0 ? Math.min(...covered) : null;
};

/** As many persons in any 30 days as clause 4 of Open WebUI's licence asks no permission for, over everything that is run. */
const smallFleet = 50;

/**
 * What the count of users means for a config: a tenant that stood on the basis before is warned of and never taken down,
 * one that is to come onto it is refused. Pure.
 */
export function judgeBranding(
  wanted: readonly string[],
  { all, tenants }: ActiveUsers,
): { refused: string[]; past: boolean } {
  const before = tenants.flatMap(({ client, licence }) => (licence?.basis === basis ? [client] : []));
  const past = wanted.length > 0 && all > smallFleet;
  return { past, refused: past ? wanted.filter((tenant) => !before.includes(tenant)) : [] };
}

/** Throws where tenants are to be branded on a basis that the count of users has passed; answers what to say otherwise. */
export async function passLicenceGate(fleet: Fleet, outputs: FleetOutputs): Promise<string> {
  const wanted = onSmallFleet(fleet);
  const users = await askActiveUsers(await throughTunnel(fleet, outputs));
  if (!users)
    return `branding on ${basis}: no node answers, so how many use the fleet is not known; alerts tell when it is`;
  const { refused, past } = judgeBranding(wanted, users);
  if (refused.length > 0) throw tooMany(refused, users.all);
  return past
    ? `WARNING: ${users.all} persons used the fleet within 30 days, and the branding of ${wanted.join(", ")} stands on at most ${smallFleet}: docs/runbook.md#usersoverlicence`
    : `${users.all} of ${smallFleet} persons used the fleet within 30 days`;
}

export const tooMany = (tenants: readonly string[], users: number) =>
  new SetupError([
    {
      what: `${tenants.join(", ")} cannot be branded on the basis ${basis}: ${users} persons used this fleet within the last 30 days.`,
      why: `Clause 4 of Open WebUI's licence allows another look without a permission up to ${smallFleet} persons in any 30 days, over everything that an operator runs.`,
      remedy:
        "Declare another basis that you have (written-permission, enterprise-licence), or leave branding out. Tenants that are branded already stay as they are, and an alert says so.",
    },
  ]);
