import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { docker, exists } from "../digitalocean/docker/engine.ts";
import { StateFile } from "../http/state-file.ts";
import { certifyServer } from "../server-certificate.ts";

const image = "postgres:15-bookworm";

/** How long a server may take from its container's start to its first answer. */
const patienceMs = 60_000;

/** What a fake project is given. */
export interface SupabaseSettings {
  /** What has to outlive a restart of whoever drives it (passwords, certificates) lies here; absolute. */
  home: string;
  /** Of its container. */
  name: string;
  /** Names and addresses that its certificate holds; it is reached by the first of them. */
  names: [string, ...string[]];
  /** A network of Docker's and the address in it; without one it is published on a free port of loopback. */
  network?: { name: string; address: string };
}

/** How a project is reached as its customer reaches it, over TLS alone. */
export interface Supabase {
  host: string;
  port: number;
  database: string;
  /** No superuser. */
  user: string;
  password: string;
  /** PEM of the authority that signed the server's certificate. */
  ca: string;
  container: string;
  /** Of `supabase_admin`, whom customers do not have: for tests that play the platform. */
  superuser: { user: string; password: string };
  /** Removes it with everything it held. */
  remove(): Promise<void>;
}

interface State {
  password: string;
  platformPassword: string;
  ca: string;
  certificate: string;
  key: string;
}

/** Starts the server as its image does, with TLS; its key comes in the environment, since this one protects nothing. */
const start = `umask 077
printf '%s' "$TLS_KEY" >/tmp/tls.key
printf '%s' "$TLS_CERTIFICATE" >/tmp/tls.crt
chown postgres /tmp/tls.key /tmp/tls.crt
unset TLS_KEY TLS_CERTIFICATE
exec docker-entrypoint.sh postgres -c ssl=on -c ssl_cert_file=/tmp/tls.crt -c ssl_key_file=/tmp/tls.key "$@"`;

/** Supabase ends any statement after two minutes unless its session says otherwise. */
const serverSettings = ["statement_timeout=120s", "idle_session_timeout=0"];

/**
 * A real Postgres 15 in a container, arranged as Supabase arranges a project's: an administrator that is no superuser, the
 * APIs' roles, TLS by an authority of its own. Goes on with what an earlier start left under the same name and home.
 */
export async function startSupabase(settings: SupabaseSettings): Promise<Supabase> {
  const { home, name, names, network } = settings;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const { state, save } = await stateOf(join(home, `${name}.json`), names);
  if (await exists("container", name)) await docker(["start", name]);
  else
    await docker([
      ...["run", "--detach", "--name", name, "--entrypoint", "sh", "--stop-signal", "SIGINT"],
      ...(network ? ["--network", network.name, "--ip", network.address] : ["--publish", "127.0.0.1::5432"]),
      ...["--env", "POSTGRES_USER=supabase_admin", "--env", "POSTGRES_DB=postgres"],
      ...["--env", `POSTGRES_PASSWORD=${state.platformPassword}`],
      ...["--env", `TLS_KEY=${state.key}`, "--env", `TLS_CERTIFICATE=${state.certificate}`],
      ...[image, "-c", start, "start", ...serverSettings.flatMap((setting) => ["-c", setting])],
    ]);
  save();
  const port = network ? 5432 : Number((await docker(["port", name, "5432/tcp"])).split(":").at(-1));
  const address = network?.address ?? "127.0.0.1";
  const superuser = { user: "supabase_admin", password: state.platformPassword };
  // By whichever name: it was made a moment ago, and is known by its authority.
  const ssl = { ca: state.ca, checkServerIdentity: () => undefined };
  await answering({ ...superuser, host: address, port, database: "postgres", ssl }, state);
  return {
    ...{ host: names[0], port, database: "postgres", user: "postgres", password: state.password },
    ...{ ca: state.ca, container: name, superuser },
    remove: async () => void (await docker(["rm", "--force", "--volumes", name])),
  };
}

async function stateOf(path: string, names: string[]): Promise<{ state: State; save(): void }> {
  const file = new StateFile<Partial<State>>(path, {});
  if (file.state.ca === undefined)
    Object.assign(file.state, {
      password: randomBytes(16).toString("hex"),
      platformPassword: randomBytes(16).toString("hex"),
      ...(await certifyServer(names)),
    });
  return { state: file.state as State, save: () => file.save() };
}

/** Waits until the server answers, and arranges it the first time. */
async function answering(connection: pg.ClientConfig, { password }: State): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const client = new pg.Client(connection);
    client.on("error", () => {});
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => {});
      if (performance.now() > deadline) throw error;
      await pause(200);
      continue;
    }
    try {
      const { rowCount } = await client.query("SELECT FROM pg_roles WHERE rolname = 'service_role'");
      if (rowCount === 0) await client.query(arrangement(password));
      return;
    } finally {
      await client.end();
    }
  }
}

/** Several statements in one text happen together or not at all. */
const arrangement = (password: string): string =>
  readFileSync(join(import.meta.dirname, "arrange.sql"), "utf8").replaceAll(
    ":'password'",
    pg.escapeLiteral(password),
  );
