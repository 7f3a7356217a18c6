import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { plainKeys, type StackFile } from "../setup/effective-config.ts";
import { freePort } from "../setup/free-port.ts";
import { stackFolder } from "../setup/paths.mjs";
import type { Progress } from "../setup/progress.ts";
import { startNames } from "./cloudflare/names/names.ts";
import { type AddressPlan, addressAt, overlap } from "./digitalocean/addresses.ts";
import { type LetsEncrypt, startLetsEncrypt } from "./lets-encrypt/lets-encrypt.ts";
import { certifyServer } from "./server-certificate.ts";
import { type Fakes, startFakes } from "./start.ts";
import { type Supabase, startSupabase } from "./supabase/supabase.ts";

/** What a fake cloud keeps to once it was chosen: the stack's state remembers it. */
interface Settled {
  plan: AddressPlan;
  digitalOceanPort: number;
  cloudflarePort: number;
}

/** Places in the public range, whose first is this machine's own. */
const places = { database: 4, names: 5, authority: 6 };

/** Where the names of proxied tenants lead: a proxy that is not there. */
const proxyAddress = "198.18.127.1";

/** Tenants' domains of a fake stack end in it. */
const zones = ["fleet.example"];

/** Where a stack's fake cloud lives. */
const homeOf = (stack: string): string => join(stackFolder(stack), "cloud");

/** Whether a stack was made in a fake cloud: then it is of no other. */
export const isFake = (stack: string): Promise<boolean> =>
  access(homeOf(stack)).then(
    () => true,
    () => false,
  );

/**
 * DigitalOcean, Cloudflare, Let's Encrypt and Supabase of one stack, on this machine. The config is the operator's own; this says over
 * it who operates, where the clouds answer and which database keeps the replicas.
 */
export class CloudOfStack {
  readonly #stack: string;
  readonly #settled: Settled;
  readonly #publicKey: string;
  #fakes: Fakes | undefined;
  #database: Supabase | undefined;
  #names: { remove(): Promise<void> } | undefined;
  #authority: LetsEncrypt | undefined;

  private constructor(stack: string, settled: Settled, publicKey: string) {
    this.#stack = stack;
    this.#settled = settled;
    this.#publicKey = publicKey;
  }

  /** Chooses what it keeps to, the first time; starts nothing. */
  static async of(stack: string): Promise<CloudOfStack> {
    const home = homeOf(stack);
    await mkdir(home, { recursive: true, mode: 0o700 });
    return new CloudOfStack(stack, await settledIn(home), await operatorKey(home));
  }

  get #home(): string {
    return homeOf(this.#stack);
  }

  /** File of the authority by which sites' certificates are believed. */
  get #issuer(): string {
    return join(this.#home, "lets-encrypt.pem");
  }

  /** Address of a place of the public range. */
  #at(place: keyof typeof places): string {
    return addressAt(this.#settled.plan.public, places[place]);
  }

  /** The operator's config as this cloud has it. What only a start tells stands in for itself before. */
  async config(source: StackFile): Promise<StackFile> {
    const given = plainKeys(source.config);
    const sync = (given.sync ?? {}) as Record<string, unknown>;
    const { digitalOceanPort, cloudflarePort, plan } = this.#settled;
    const host = addressAt(plan.public, places.database);
    const database = {
      ...{ kind: "external", host, port: 5432, database: "postgres", user: "postgres" },
      ...(this.#database ? {} : { password: { secure: "told to the engine" } }),
      ca: this.#database?.ca ?? (await certifyServer([host])).ca,
    };
    return {
      ...source,
      config: {
        ...given,
        operators: {
          keys: [this.#publicKey],
          // This machine, as droplets see it.
          addresses: [`${addressAt(plan.public, 1)}/32`],
          identity: join(this.#home, "operator"),
        },
        sync: { ...sync, database },
        ...(given.acme ? { acme: await this.#acme(given.acme) } : {}),
        "digitalocean:apiEndpoint": `http://127.0.0.1:${digitalOceanPort}`,
        "cloudflare:baseUrl": `http://127.0.0.1:${cloudflarePort}/client/v4`,
      },
    };
  }

  /** Whoever certifies sites elsewhere, here it is an authority of this cloud. */
  async #acme(given: unknown): Promise<Record<string, unknown>> {
    const { directory, root } = this.#authority ?? {
      directory: `https://${this.#at("authority")}/dir`,
      root: (await certifyServer([this.#at("authority")])).ca,
    };
    return { ...(given as Record<string, unknown>), directory, root };
  }

  /** What the engine is told encrypted, by its path in the config; once it has started. */
  get secrets(): Record<string, string> {
    return this.#database ? { "sync.database.password": this.#database.password } : {};
  }

  /** What provider plugins find in their environment; once it has started. */
  async environment(): Promise<NodeJS.ProcessEnv> {
    if (!this.#fakes) return {};
    const token = async (file: string) => (await readFile(file, "utf8")).trim();
    return {
      DIGITALOCEAN_TOKEN: await token(this.#fakes.digitalOcean.tokenFile),
      CLOUDFLARE_API_TOKEN: await token(this.#fakes.cloudflare.tokenFile),
    };
  }

  /** Starts its APIs, its database and what certifies sites, and goes on with the machines that are there. */
  async start(images: readonly string[], progress: Progress): Promise<string> {
    const { plan, digitalOceanPort, cloudflarePort } = this.#settled;
    this.#fakes = await startFakes(
      {
        ...{ home: this.#home, digitalOceanPort, cloudflarePort, zones, images, plan },
        ...{ machines: "docker", actionTime: 0, lag: 0 },
      },
      progress,
    );
    const network = { name: this.#fakes.publicNetwork ?? "" };
    const named = (part: string) => `${network.name}-${part}`;
    progress("starting the replicas' Postgres");
    const address = this.#at("database");
    this.#database = await startSupabase({
      home: this.#home,
      name: named("database"),
      names: [address],
      network: { ...network, address },
    });
    progress("starting the name server and what certifies sites");
    this.#names = await startNames({
      name: named("names"),
      network: { ...network, address: this.#at("names") },
      stateFile: join(this.#home, "cloudflare.json"),
      edge: proxyAddress,
    });
    this.#authority = await startLetsEncrypt({
      home: this.#home,
      name: named("authority"),
      network: { ...network, address: this.#at("authority") },
      names: this.#at("names"),
    });
    await writeFile(this.#issuer, this.#authority.issuer);
    return `nothing of it is real: DigitalOcean, Cloudflare, Let's Encrypt and Supabase of this machine, in ${plan.public}; sites' certificates are by ${this.#issuer}`;
  }

  /** Ends its APIs; machines and database go on. */
  async close(): Promise<void> {
    await this.#fakes?.close();
    this.#fakes = undefined;
  }

  /** Removes every machine, volume, network and the database, and whatever it kept. */
  async clear(): Promise<void> {
    for (const part of [this.#authority, this.#names, this.#database]) await part?.remove();
    await this.#fakes?.clear();
    this.#fakes = undefined;
    await rm(this.#home, { recursive: true, force: true });
  }
}

const settledIn = async (home: string): Promise<Settled> => {
  const file = join(home, "settled.json");
  const kept = await readFile(file, "utf8").catch(() => undefined);
  if (kept !== undefined) return JSON.parse(kept) as Settled;
  const settled: Settled = {
    plan: freePlan(takenRanges()),
    digitalOceanPort: await freePort(),
    cloudflarePort: await freePort(),
  };
  await writeFile(file, JSON.stringify(settled), { mode: 0o600 });
  return settled;
};

/** A key that opens fake machines and nothing else; its public half. */
const operatorKey = async (home: string): Promise<string> => {
  const file = join(home, "operator");
  const kept = await readFile(`${file}.pub`, "utf8").catch(() => undefined);
  if (kept !== undefined) return kept.trim();
  const comment = `operator-of-a-fake-cloud-${randomBytes(4).toString("hex")}`;
  await promisify(execFile)("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file]);
  return (await readFile(`${file}.pub`, "utf8")).trim();
};

/** Addresses of this machine's own networks, as ranges. */
const takenRanges = (): string[] =>
  Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ family, address, netmask }) =>
      family === "IPv4" ? [networkOf(address, netmask)] : [],
    ),
  );

export const networkOf = (address: string, netmask: string): string => {
  const [bytes, mask] = [address, netmask].map((text) => text.split(".").map(Number));
  const first = bytes?.map((byte, index) => byte & (mask?.[index] ?? 255)).join(".");
  const bits = mask?.map((byte) => byte.toString(2).replaceAll("0", "").length) ?? [32];
  return `${first}/${bits.reduce((sum, count) => sum + count, 0)}`;
};

/** Ranges that nothing on this machine has, so that several fake clouds stand side by side. */
export const freePlan = (taken: readonly string[]): AddressPlan => {
  for (let part = 0; part < 128; part += 16) {
    const plan = { public: `198.18.${part}.0/20`, private: `198.19.${part}.0/20` };
    if (!taken.some((range) => overlap(plan.public, range) || overlap(plan.private, range))) return plan;
  }
  throw new Error(
    "Nothing of 198.18.0.0/17 is free for another fake cloud: remove one with `npm run down -- --stack <name> --fake --purge`.",
  );
};
