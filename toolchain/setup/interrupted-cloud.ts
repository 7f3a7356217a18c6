import * as z from "zod";
import { allOf, type CloudApi, remove } from "./cloud-api.ts";
import type { Progress } from "./progress.ts";
import type { Beginning } from "./run-beginning.ts";
import type { Checkpoint, CheckpointResource } from "./stack-state.ts";

/** As much of what DigitalOcean says of a thing as tells whose it is. */
const Thing = z.object({
  id: z.union([z.string(), z.number()]),
  name: z.string(),
  created_at: z.string().optional(),
  public_key: z.string().optional(),
  droplet_ids: z.array(z.number()).nullish(),
  tags: z.array(z.string()).nullish(),
});

type Thing = z.infer<typeof Thing>;

/** Types whose names clash, or that cost money, when they are made a second time. */
const kinds: Record<string, { collection: string; what: string }> = {
  "digitalocean:index/droplet:Droplet": { collection: "droplets", what: "droplet" },
  "digitalocean:index/volume:Volume": { collection: "volumes", what: "volume" },
  "digitalocean:index/firewall:Firewall": { collection: "firewalls", what: "firewall" },
  "digitalocean:index/vpc:Vpc": { collection: "vpcs", what: "private network" },
  "digitalocean:index/sshKey:SshKey": { collection: "account/keys", what: "ssh key" },
};

/** Something that a run had begun to make in the cloud when it died: the cloud may have it, the state does not. */
export interface Begun {
  collection: string;
  what: string;
  name: string;
  /** Of an ssh key. */
  publicKey?: string;
}

/** What a killed run had begun to make in the cloud; pure. */
export const begunIn = (checkpoint: Checkpoint | undefined): Begun[] =>
  creationsIn(checkpoint).flatMap(({ type, inputs }) => {
    const kind = kinds[type];
    if (!kind || typeof inputs?.name !== "string") return [];
    const key = typeof inputs.publicKey === "string" ? { publicKey: inputs.publicKey } : {};
    return [{ ...kind, name: inputs.name, ...key }];
  });

/** What was being made when a run died; of some of it Pulumi tells again in every run, until it is told to forget. */
export const creationsIn = (checkpoint: Checkpoint | undefined): CheckpointResource[] =>
  (checkpoint?.checkpoint.latest?.pending_operations ?? [])
    .filter(({ type }) => type === "creating")
    .map(({ resource }) => resource);

/** Ids of everything that a state has. */
export const knownTo = (checkpoint: Checkpoint | undefined): ReadonlySet<string> =>
  new Set(checkpoint?.checkpoint.latest?.resources?.flatMap(({ id }) => id ?? []));

/**
 * Those of a collection that the killed run made, and no other: of that very name, unknown to the state, and younger than
 * the run. Of keys no age is told; theirs is the key itself, which this stack made. A volume that is attached is nobody's
 * to delete. Pure.
 */
export const madeBy = (
  { collection, name, publicKey }: Begun,
  things: readonly Thing[],
  known: ReadonlySet<string>,
  began: number,
): Thing[] =>
  things.filter((thing) => {
    if (thing.name !== name || known.has(String(thing.id))) return false;
    if (collection === "volumes" && (thing.droplet_ids ?? []).length > 0) return false;
    if (publicKey !== undefined) return thing.public_key?.trim() === publicKey.trim();
    // The cloud tells whole seconds.
    return Date.parse(thing.created_at ?? "") >= Math.floor(began / 1000) * 1000;
  });

/**
 * Removes what the run before made at DigitalOcean and could not record, since it was killed: this one makes it again, and
 * two of a name would clash or cost twice. Nothing of it was ever in use.
 *
 * @param beginning how the account was when that run began
 * @returns what was removed
 */
export async function removeBegun(
  checkpoint: Checkpoint | undefined,
  api: CloudApi,
  beginning: Beginning,
  progress: Progress,
): Promise<string[]> {
  const known = knownTo(checkpoint);
  const removed: string[] = [];
  const removeOne = async (path: string, what: string) => {
    progress(`removing the ${what} that a killed run left half-made`);
    await remove(api, path);
    removed.push(what);
  };
  // Droplets before the networks they are in.
  for (const begun of begunIn(checkpoint)) {
    const things = z.array(Thing).parse(await listed(api, begun.collection));
    for (const thing of madeBy(begun, things, known, beginning.at))
      await removeOne(`/v2/${begun.collection}/${thing.id}`, `${begun.what} ${begun.name}`);
  }
  const addresses = addressesBegunIn(checkpoint);
  if (addresses.length > 0) {
    const there = z.array(ReservedAddress).parse(await listed(api, "reserved_ips"));
    for (const ip of reservedBy(addresses, there, known, beginning.addresses))
      await removeOne(`/v2/reserved_ips/${ip}`, `reserved address ${ip}`);
  }
  return removed;
}

/** Regions of the reserved addresses that a killed run had begun to make, one for each. */
export const addressesBegunIn = (checkpoint: Checkpoint | undefined): string[] =>
  creationsIn(checkpoint)
    .filter(({ type }) => type === "digitalocean:index/reservedIp:ReservedIp")
    .map(({ inputs }) => String(inputs?.region));

/** As much of a reserved address as tells whose it may be. */
const ReservedAddress = z.object({
  ip: z.string(),
  region: z.object({ slug: z.string() }),
  droplet: z.unknown(),
});

type ReservedAddress = z.infer<typeof ReservedAddress>;

/**
 * Those of the account that the killed run made. They have neither name nor age: the run's are unknown to the state, lead
 * nowhere, and were not there when it began. Where more such are in a region than it had begun to make, somebody else made
 * some as well, and all are left. Pure.
 *
 * @param before what was there; undefined where nobody looked
 */
export const reservedBy = (
  regions: readonly string[],
  there: readonly ReservedAddress[],
  known: ReadonlySet<string>,
  before: readonly string[] | undefined,
): string[] => {
  if (!before) return [];
  return [...new Set(regions)].flatMap((region) => {
    const made = there.filter(
      ({ ip, region: { slug }, droplet }) =>
        slug === region && !droplet && !known.has(ip) && !before.includes(ip),
    );
    return made.length <= regions.filter((each) => each === region).length ? made.map(({ ip }) => ip) : [];
  });
};

/** Reserved addresses of an account as it is now. */
export const reservedNow = async (api: CloudApi): Promise<string[]> =>
  z
    .array(ReservedAddress)
    .parse(await listed(api, "reserved_ips"))
    .map(({ ip }) => ip);

const listed = (api: CloudApi, collection: string): Promise<unknown[]> =>
  allOf(api, `/v2/${collection}`, collection.split("/").at(-1)?.replace("keys", "ssh_keys") ?? "");
