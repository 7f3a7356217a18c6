import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import pg from "pg";
import * as z from "zod";
import { defaultS3 } from "../../components/fleet-config/backups-entry.ts";
import { S3Bucket } from "../../sync-runtime/backup/s3-bucket.ts";
import { repository } from "./paths.mjs";

/** A secret that a stack needs of a service, and how it is seen to be right. */
export interface Credential {
  /** Where the config holds it. */
  key: string;
  /** Whether `key` is a path into the config, and not a plugin's own setting. */
  path: boolean;
  what: string;
  /** Where an operator gets it. */
  from: string;
  /** What may hold it instead. */
  variable?: string;
  /** Asks the service; answers what it opens, throws why it does not. */
  test(value: string): Promise<string>;
}

/** Where the services answer; tests give others. */
export interface Services {
  digitalOcean: string;
  cloudflare: string;
}

export const services: Services = {
  digitalOcean: "https://api.digitalocean.com",
  cloudflare: "https://api.cloudflare.com/client/v4",
};

/** As much of a config as says which credentials it needs; whatever else is wrong with it. */
const Needs = z.object({
  hosts: z.record(z.string(), z.object({ kind: z.string().optional() }).catch({})).catch({}),
  dns: z.object({ kind: z.string().optional(), zones: z.array(z.string()).catch([]) }).catch({ zones: [] }),
  sync: z
    .object({
      database: z.object({
        kind: z.literal("external"),
        host: z.string(),
        port: z.number().catch(5432),
        database: z.string().catch("postgres"),
        user: z.string(),
        ca: z.string(),
      }),
    })
    .optional()
    .catch(undefined),
  backups: z
    .object({
      repository: z.object({
        kind: z.literal("s3"),
        endpoint: z.string().catch(defaultS3.endpoint),
        bucket: z.string(),
        prefix: z.string().optional().catch(undefined),
        region: z.string().catch(defaultS3.region),
        keyId: z.string(),
      }),
    })
    .optional()
    .catch(undefined),
});

const patienceMs = 15_000;

/** What a stack of this config needs. */
export function credentialsOf(config: Record<string, unknown>, at: Services = services): Credential[] {
  const { hosts, dns, sync, backups } = Needs.parse(config);
  return [
    ...(Object.values(hosts).some(({ kind }) => kind === "digitalocean") ? [digitalOcean(at)] : []),
    ...(dns.kind === "cloudflare" ? [cloudflare(at, dns.zones)] : []),
    ...(sync ? [databasePassword(sync.database)] : []),
    ...(backups ? [bucketKey(backups.repository)] : []),
  ];
}

const digitalOcean = (at: Services): Credential => ({
  key: "digitalocean:token",
  path: false,
  what: "DigitalOcean's API token",
  from: "cloud.digitalocean.com, API, Tokens: one with full access, or with the scopes that docs/production.md lists",
  variable: "DIGITALOCEAN_TOKEN",
  test: async (token) => {
    const Droplets = z.object({ meta: z.object({ total: z.number() }) });
    const { meta } = await asked(`${at.digitalOcean}/v2/droplets?per_page=1`, token, Droplets);
    return `opens an account with ${meta.total} droplets`;
  },
});

const cloudflare = (at: Services, zones: readonly string[]): Credential => ({
  key: "cloudflare:apiToken",
  path: false,
  what: "Cloudflare's API token",
  from: "dash.cloudflare.com, My Profile, API Tokens: Zone Read, DNS Edit and Zone Settings Edit on the zones of the config",
  variable: "CLOUDFLARE_API_TOKEN",
  test: async (token) => {
    const Zones = z.object({ result: z.array(z.object({ name: z.string() })) });
    const missing: string[] = [];
    for (const zone of zones) {
      const { result } = await asked(`${at.cloudflare}/zones?name=${encodeURIComponent(zone)}`, token, Zones);
      if (!result.some(({ name }) => name === zone)) missing.push(zone);
    }
    if (missing.length > 0) throw new Error(`it does not see the zones ${missing.join(", ")}`);
    if (zones.length === 0) await asked(`${at.cloudflare}/zones?per_page=5`, token, Zones);
    return zones.length === 0 ? "opens Cloudflare" : `opens ${zones.join(", ")}`;
  },
});

/** A GET with a token, or the service's refusal in few words; the token is in no message. */
async function asked<T>(url: string, token: string, schema: z.ZodType<T>): Promise<T> {
  const { host } = new URL(url);
  const answer = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, accept: "application/json" },
    signal: AbortSignal.timeout(patienceMs),
    redirect: "error",
  }).catch((error: Error) => {
    throw new Error(
      `${host} does not answer: ${(error.cause as Error | undefined)?.message ?? error.message}`,
    );
  });
  if (answer.status === 401 || answer.status === 403)
    throw new Error(
      `${host} does not take it (${answer.status}): it is wrong, expired, or allows too little`,
    );
  if (!answer.ok) throw new Error(`${host} answered ${answer.status}; try again later`);
  return schema.parse(await answer.json());
}

type Place = NonNullable<z.infer<typeof Needs>["sync"]>["database"];

const databasePassword = (place: Place): Credential => ({
  key: "sync.database.password",
  path: true,
  what: `The password of ${place.user} at ${place.host}`,
  from: "whoever runs the database; at Supabase: Project Settings, Database",
  test: (password) => testDatabase(place, password),
});

/** What the administrator of an external database has to find there, as columns. */
const FITNESS = `SELECT current_setting('server_version') AS version,
  current_setting('server_version_num')::integer >= 150000 AS new_enough,
  pg_encoding_to_char(d.encoding) = 'UTF8' AS utf8,
  EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) AS lz4,
  r.rolcreaterole OR r.rolsuper AS makes_roles,
  pg_has_role(current_user, d.datdba, 'MEMBER') AS owns
FROM pg_database AS d, pg_roles AS r WHERE d.datname = current_database() AND r.rolname = current_user`;

async function testDatabase({ kind: _, ca, ...server }: Place, password: string): Promise<string> {
  const authority = ca.includes("-----BEGIN") ? ca : readFileSync(resolve(repository, ca), "utf8");
  const connection = { ...server, password, ssl: { ca: authority }, connectionTimeoutMillis: patienceMs };
  const client = new pg.Client(connection);
  client.on("error", () => {});
  try {
    await client.connect();
    const [is] = (await client.query(FITNESS)).rows;
    const unfit = [
      ...(is.new_enough ? [] : [`it is Postgres ${is.version}, and 15 or newer is needed`]),
      ...(is.utf8 ? [] : ["the database is not encoded in UTF8"]),
      ...(is.lz4 ? [] : ["the server was built without lz4"]),
      ...(is.makes_roles ? [] : [`${server.user} may not create roles`]),
      ...(is.owns ? [] : [`${server.user} does not own the database ${server.database}`]),
    ];
    if (unfit.length > 0) throw new Error(unfit.join("; "));
    return `opens Postgres ${is.version}`;
  } finally {
    await client.end().catch(() => {});
  }
}

type Bucket = NonNullable<z.infer<typeof Needs>["backups"]>["repository"];

const bucketKey = (place: Bucket): Credential => ({
  key: "backups.repository.key",
  path: true,
  what: `The secret of the key ${place.keyId} for the bucket ${place.bucket}`,
  from: "whoever keeps the bucket (docs/backups.md says what it has to be allowed)",
  test: async (secret) => {
    await new S3Bucket(place, secret).list("", { most: 1 }, AbortSignal.timeout(patienceMs));
    return `lists the bucket ${place.bucket}`;
  },
});
