import { randomBytes } from "node:crypto";
import type { Properties } from "../plugin/properties.ts";
import { type Context, IncompleteError, replaces, resource, updates } from "../plugin/resource.ts";
import { number, text } from "../plugin/types.ts";
import { type DigitalOcean, failing } from "./account.ts";
import { slug } from "./lower-case.ts";

interface ReservedIpView {
  ip: string;
  region: { slug: string };
  droplet: { id: number; region: { slug: string } } | null;
}

const path = (ip: string) => `/v2/reserved_ips/${ip}`;

const find = async (ip: string, { client, signal }: Context<DigitalOcean>) =>
  (await client.find<{ reserved_ip: ReservedIpView }>(path(ip), signal))?.reserved_ip;

const assign = (ip: string, dropletId: number, { client, signal }: Context<DigitalOcean>) =>
  client
    .act(path(ip), { type: "assign", droplet_id: dropletId }, signal)
    .catch(failing(`Error assigning reserved IP (${ip}) to the droplet`));

/** Not assigned any more is as good. */
const unassign = (ip: string, { client, signal }: Context<DigitalOcean>) =>
  client.act(path(ip), { type: "unassign" }, signal).catch((error: Error) => {
    if (!error.message.includes("not assigned")) throw error;
  });

/** The droplet is looked at only where the program gives one: an assignment of its own is none of this resource's. */
const stateOf = (reserved: ReservedIpView, before: Properties): Properties => ({
  ...(before.dropletId !== undefined && reserved.droplet ? { dropletId: reserved.droplet.id } : {}),
  region: reserved.region.slug,
  ipAddress: reserved.ip,
  reservedIpUrn: `do:reservedip:${reserved.ip}`,
});

/** A reserved address; its id is the address. */
export const reservedIp = resource<DigitalOcean>()({
  inputs: {
    region: replaces(slug, { required: true }),
    dropletId: updates(number),
    ipAddress: updates(text, { computed: true }),
  },
  outputs: ["reservedIpUrn"],
  create: async ({ region, dropletId }, context) => {
    const { reserved_ip: made } = await context.client
      .send<{ reserved_ip: ReservedIpView }>("POST", "/v2/reserved_ips", context.signal, {
        region: region.toLowerCase(),
      })
      .catch(failing("Error creating reserved IP"));
    const state = stateOf(made, {});
    if (dropletId === undefined) return { id: made.ip, state };
    await assign(made.ip, dropletId, context).catch((error: Error) => {
      throw new IncompleteError(error.message, { id: made.ip, state });
    });
    return { id: made.ip, state: { ...state, dropletId } };
  },
  read: async (id, state, context) => {
    const found = await find(id, context);
    return found && { id, state: stateOf(found, state) };
  },
  update: async (id, { dropletId }, state, context) => {
    if (dropletId !== state.dropletId) {
      if (dropletId === undefined) await unassign(id, context);
      else await assign(id, dropletId, context);
    }
    const found = await find(id, context);
    if (!found) throw new Error(`reserved IP (${id}) not found during update`);
    return stateOf(found, { dropletId: dropletId ?? null });
  },
  delete: async (id, state, context) => {
    if (state.dropletId !== undefined && (await find(id, context))) await unassign(id, context);
    await context.client.remove(path(id), context.signal);
  },
});

/** Which droplet has an address. A replacement assigns anew, which takes the address from the droplet before. */
export const reservedIpAssignment = resource<DigitalOcean>()({
  inputs: {
    dropletId: replaces(number, { required: true }),
    ipAddress: replaces(text, { required: true }),
  },
  outputs: [],
  create: async ({ ipAddress, dropletId }, context) => {
    await assign(ipAddress, dropletId, context);
    return { id: `${dropletId}-${ipAddress}-${randomBytes(6).toString("hex")}`, state: {} };
  },
  read: async (id, state, context) => {
    const found = await find(String(state.ipAddress), context);
    return found?.droplet?.id === state.dropletId ? { id, state } : undefined;
  },
  delete: async (_id, { ipAddress, dropletId }, context) => {
    const found = await find(String(ipAddress), context);
    if (found?.droplet?.id === dropletId) await unassign(String(ipAddress), context);
  },
});
