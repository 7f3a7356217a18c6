import { createHash } from "node:crypto";
import type { Properties } from "../plugin/properties.ts";
import { type Context, IncompleteError, replaces, resource, strings, updates } from "../plugin/resource.ts";
import { type Filled, flag, set, type Type, text } from "../plugin/types.ts";
import { type DigitalOcean, failing } from "./account.ts";
import { slug } from "./lower-case.ts";

const computed = { computed: true } as const;
const off = { default: false } as const;

const digestOf = (userData: string): string => createHash("sha1").update(userData).digest("hex");

/** The state holds user-data's SHA-1 only. */
const digested: Type<string> = { ...text, fulfils: (is, asked) => is === digestOf(String(asked)) };

const inputs = {
  name: updates(text),
  image: replaces(text, { required: true }),
  size: updates(slug, { required: true }),
  region: replaces(slug, computed),
  backups: updates(flag, off),
  dropletAgent: replaces(flag),
  gracefulShutdown: updates(flag, off),
  ipv6: updates(flag, off),
  ipv6Address: updates(text, computed),
  monitoring: replaces(flag, off),
  privateNetworking: updates(flag, computed),
  publicNetworking: replaces(flag, computed),
  resizeDisk: updates(flag, { default: true }),
  sshKeys: replaces(set(text)),
  tags: updates(set(text)),
  userData: replaces(digested),
  volumeIds: updates(set(text), computed),
  vpcUuid: replaces(text, computed),
};

type DropletInputs = Filled<typeof inputs>;

/** What the API says about a droplet. */
interface DropletView {
  id: number;
  name: string;
  status: "new" | "active" | "off" | "archive";
  locked: boolean;
  disk: number;
  vcpus: number;
  memory: number;
  created_at: string;
  features: string[];
  volume_ids: string[];
  tags: string[];
  vpc_uuid: string;
  region: { slug: string };
  size: { slug: string; price_hourly: number; price_monthly: number };
  networks: { v4: { ip_address: string; type: string }[]; v6: { ip_address: string; type: string }[] };
}

const addressOf = (list: DropletView["networks"]["v4"], type: string): string =>
  list.find((network) => network.type === type)?.ip_address ?? "";

/** Image, keys and user-data are not read back: an image's slug may come to mean another image. */
const stateOf = (droplet: DropletView, kept: Properties): Properties => {
  const ipv4Address = addressOf(droplet.networks.v4, "public");
  return {
    ...kept,
    name: droplet.name,
    dropletUrn: `do:droplet:${droplet.id}`,
    region: droplet.region.slug,
    size: droplet.size.slug,
    priceHourly: droplet.size.price_hourly,
    priceMonthly: droplet.size.price_monthly,
    disk: droplet.disk,
    vcpus: droplet.vcpus,
    memory: droplet.memory,
    status: droplet.status,
    locked: droplet.locked,
    createdAt: droplet.created_at,
    vpcUuid: droplet.vpc_uuid,
    ipv4Address,
    ipv4AddressPrivate: addressOf(droplet.networks.v4, "private"),
    ipv6Address: addressOf(droplet.networks.v6, "public").toLowerCase(),
    publicNetworking: ipv4Address !== "",
    backups: droplet.features.includes("backups"),
    ipv6: droplet.features.includes("ipv6"),
    privateNetworking: droplet.features.includes("private_networking"),
    monitoring: droplet.features.includes("monitoring"),
    volumeIds: droplet.volume_ids.toSorted(),
    tags: droplet.tags.toSorted(),
  };
};

/** The inputs as the state keeps them. */
const keptOf = (given: DropletInputs): Properties => {
  const { userData, ...rest } = given;
  return { ...(rest as Properties), ...(userData === undefined ? {} : { userData: digestOf(userData) }) };
};

const path = (id: string) => `/v2/droplets/${id}`;

const find = async (id: string, { client, signal }: Context<DigitalOcean>) =>
  (await client.find<{ droplet: DropletView }>(path(id), signal))?.droplet;

/** Numbers are ids, everything else fingerprints and slugs. */
const numbered = (text: string): string | number => (/^\d+$/.test(text) ? Number(text) : text);

/** Waits for a status; a droplet that was just made may not be found yet, and a locked one says nothing. */
const waitFor = (id: string, status: DropletView["status"], context: Context<DigitalOcean>) =>
  context.client.until(context.signal, async () => {
    const droplet = await find(id, context);
    context.status(`${droplet?.status ?? "not found yet"}, waiting for ${status}`);
    return droplet && !droplet.locked && droplet.status === status ? droplet : undefined;
  });

const create = async (given: DropletInputs, context: Context<DigitalOcean>) => {
  const { client, signal } = context;
  const { droplet: made } = await client
    .send<{ droplet: DropletView }>("POST", "/v2/droplets", signal, {
      name: given.name,
      region: (given.region ?? "").toLowerCase(),
      size: given.size.toLowerCase(),
      image: numbered(given.image),
      ssh_keys: (given.sshKeys ?? []).map(numbered),
      backups: given.backups,
      ipv6: given.ipv6,
      monitoring: given.monitoring,
      tags: given.tags ?? [],
      ...(given.userData === undefined ? {} : { user_data: given.userData }),
      ...(given.volumeIds ? { volumes: given.volumeIds } : {}),
      ...(given.vpcUuid ? { vpc_uuid: given.vpcUuid } : {}),
      ...(given.dropletAgent === undefined ? {} : { with_droplet_agent: given.dropletAgent }),
      ...(given.publicNetworking === false ? { public_networking: false } : {}),
    })
    .catch(failing("Error creating droplet"));
  const id = String(made.id);
  try {
    return { id, state: stateOf(await waitFor(id, "active", context), keptOf(given)) };
  } catch (error) {
    // It exists, and costs money: the state must know it whatever became of it.
    const message = `Error waiting for droplet (${id}) to become ready: ${(error as Error).message}`;
    throw new IncompleteError(message, { id, state: stateOf(made, keptOf(given)) });
  }
};

/** Turned off, resized, turned on again, also where the resizing fails. */
const resize = async (id: string, given: DropletInputs, context: Context<DigitalOcean>): Promise<void> => {
  const { client, signal } = context;
  const powerOn = async () => {
    await client.act(path(id), { type: "power_on" }, signal);
    await waitFor(id, "active", context);
  };
  await client.act(path(id), { type: "power_off" }, signal).catch((error: Error) => {
    if (!error.message.includes("already powered off")) throw error;
  });
  await waitFor(id, "off", context);
  const body = { type: "resize", size: given.size.toLowerCase(), disk: given.resizeDisk };
  await client.act(path(id), body, signal).catch(async (error: Error) => {
    await powerOn();
    throw new Error(`Error resizing droplet (${id}): ${error.message}`, { cause: error });
  });
  await powerOn();
};

const moveVolumes = async (
  id: string,
  before: readonly string[],
  after: readonly string[],
  { client, signal }: Context<DigitalOcean>,
): Promise<void> => {
  const act = (volume: string, type: "attach" | "detach") =>
    client.act(`/v2/volumes/${volume}`, { type, droplet_id: Number(id) }, signal);
  for (const volume of after.filter((each) => !before.includes(each))) await act(volume, "attach");
  for (const volume of before.filter((each) => !after.includes(each))) await act(volume, "detach");
};

const update = async (
  id: string,
  given: DropletInputs,
  state: Properties,
  context: Context<DigitalOcean>,
): Promise<Properties> => {
  const { client, signal } = context;
  // One that an interrupted update left behind is still on its way.
  if (state.status === "new") await waitFor(id, "active", context);
  if (given.size.toLowerCase() !== state.size) await resize(id, given, context);
  if (given.name !== state.name) {
    await client.act(path(id), { type: "rename", name: given.name }, signal);
  }
  if (given.backups !== (state.backups ?? false)) {
    await client.act(path(id), { type: given.backups ? "enable_backups" : "disable_backups" }, signal);
  }
  await client.retag({ id, type: "droplet" }, strings(state.tags), given.tags ?? [], signal);
  if (given.volumeIds) await moveVolumes(id, strings(state.volumeIds), given.volumeIds, context);
  const droplet = await find(id, context);
  if (!droplet) throw new Error(`droplet (${id}) not found during update`);
  return stateOf(droplet, keptOf(given));
};

const remove = async (id: string, state: Properties, context: Context<DigitalOcean>): Promise<void> => {
  const { client, signal } = context;
  const unlocked = await client.until(signal, async () => {
    const droplet = await find(id, context);
    return droplet?.locked ? undefined : (droplet ?? "gone");
  });
  if (unlocked === "gone") return;
  if (state.gracefulShutdown === true && unlocked.status === "active") {
    await client.act(path(id), { type: "shutdown" }, signal);
  }
  await moveVolumes(id, unlocked.volume_ids, [], context);
  await client.remove(path(id), signal);
  await client.until(signal, async () => ((await find(id, context)) ? undefined : true));
};

/** A droplet; its id is its number. Only its size, name, tags, volumes and backups change in place. */
export const droplet = resource<DigitalOcean>()({
  inputs,
  outputs: [
    ...["createdAt", "disk", "dropletUrn", "ipv4Address", "ipv4AddressPrivate", "locked", "memory"],
    ...["priceHourly", "priceMonthly", "status", "vcpus"],
  ],
  autonamed: true,
  create,
  read: async (id, state, context) => {
    const found = await find(id, context);
    return found && { id, state: stateOf(found, state) };
  },
  update,
  delete: remove,
});
