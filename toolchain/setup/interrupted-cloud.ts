import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { stackFolder } from "./paths.mjs";
import { SetupError } from "./problem.mjs";
import type { Progress } from "./progress.ts";
import type { Pulumi } from "./pulumi.ts";
import type { Checkpoint } from "./stack-state.ts";

/** An API, and how it is asked: its base address and the token that opens it. */
export interface CloudApi {
  endpoint: string;
  token: string;
}

/** DigitalOcean as the stack's config and the environment have it. */
export async function digitalOceanOf(pulumi: Pulumi, configFile: string): Promise<CloudApi> {
  const shown = await pulumi.run(["config", "--json", "--show-secrets", "--config-file", configFile]);
  const config = shown.code === 0 ? (JSON.parse(shown.stdout) as Record<string, { value?: string }>) : {};
  const { DIGITALOCEAN_TOKEN: token } = pulumi.environment;
  return {
    endpoint: config["digitalocean:apiEndpoint"]?.value ?? "https://api.digitalocean.com",
    token: config["digitalocean:token"]?.value ?? token ?? "",
  };
}

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
  (checkpoint?.checkpoint.latest?.pending_operations ?? [])
    .filter(({ type }) => type === "creating")
    .flatMap(({ resource: { type, inputs } }) => {
      const kind = kinds[type];
      if (!kind || typeof inputs?.name !== "string") return [];
      const key = typeof inputs.publicKey === "string" ? { publicKey: inputs.publicKey } : {};
      return [{ ...kind, name: inputs.name, ...key }];
    });

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

const noteOf = (stack: string): string => join(stackFolder(stack), "began");

/** Notes that a run begins which makes things: what is younger is its own. */
export async function noteBeginning(stack: string): Promise<void> {
  await mkdir(stackFolder(stack), { recursive: true, mode: 0o700 });
  await writeFile(noteOf(stack), new Date().toISOString());
}

/**
 * Removes what the run before made in the cloud and could not record, since it was killed: this one makes it again, and
 * two of a name would clash or cost twice. Nothing of it was ever in use.
 *
 * @param began when that run began, ms; absent: as it noted here
 * @returns what was removed
 */
export async function removeBegun(
  stack: string,
  checkpoint: Checkpoint | undefined,
  api: CloudApi,
  progress: Progress,
  began?: number,
): Promise<string[]> {
  const since = began ?? Date.parse(await readFile(noteOf(stack), "utf8").catch(() => ""));
  const known = new Set(checkpoint?.checkpoint.latest?.resources?.map(({ id }) => id ?? ""));
  const removed: string[] = [];
  // Droplets before the networks they are in.
  for (const begun of begunIn(checkpoint)) {
    for (const thing of madeBy(begun, await listed(api, begun.collection), known, since)) {
      progress(`removing the ${begun.what} ${begun.name} that a killed run left half-made`);
      await remove(api, `/v2/${begun.collection}/${thing.id}`);
      removed.push(`${begun.what} ${begun.name}`);
    }
  }
  return removed;
}

async function listed(api: CloudApi, collection: string): Promise<Thing[]> {
  const field = collection.split("/").at(-1)?.replace("keys", "ssh_keys") ?? "";
  const things: Thing[] = [];
  for (let page = 1; ; page += 1) {
    const answer = await ask(api, "GET", `/v2/${collection}?per_page=200&page=${page}`);
    if (!answer.ok) throw refused(`GET /v2/${collection}`, answer);
    const body = z.record(z.string(), z.unknown()).parse(await answer.json());
    const found = z.array(Thing).parse(body[field]);
    things.push(...found);
    if (found.length < 200) return things;
  }
}

/** A droplet that is booting takes no orders: it is asked again for as long as a boot may take. */
const patienceMs = 180_000;

async function remove(api: CloudApi, path: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let deleted = false;
  for (;;) {
    const answer = await ask(api, deleted ? "GET" : "DELETE", path);
    if (answer.status === 404) return;
    if (answer.ok && !deleted) deleted = true;
    else if (
      (!deleted && ![422, 429].includes(answer.status) && answer.status < 500) ||
      performance.now() > deadline
    )
      throw refused(`DELETE ${path}`, answer);
    await sleep(500);
  }
}

const ask = ({ endpoint, token }: CloudApi, method: string, path: string): Promise<Response> =>
  fetch(new URL(path, endpoint), {
    method,
    redirect: "error",
    headers: { authorization: `Bearer ${token}` },
  });

const refused = (what: string, { status }: Response) =>
  new SetupError([
    {
      what: `DigitalOcean answered ${status} to ${what}.`,
      why: "A run that was killed left something half-made there, which has to go before it is made again.",
      remedy: "Run the command again; if that does not help, remove it in the cloud's own dashboard.",
    },
  ]);
