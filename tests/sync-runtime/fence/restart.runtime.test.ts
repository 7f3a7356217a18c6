import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Checker } from "../../support/checker.ts";
import { run } from "../../support/fleet/command.ts";
import { type RunningPostgres, startServer } from "../../support/postgres-server.ts";
import { Pair } from "./pair.ts";

const AGAIN = new URL("../../support/postgres-again.sh", import.meta.url).pathname;
const TENANTS = ["acme", "globex"];
/** How often Postgres ends each way, a third of a second later within a sync's second each time. */
const ROUNDS = Number(process.env.OWUI_RESTARTS ?? 1);

let server: RunningPostgres;
let pair: Pair;
const checker = Checker.start();
beforeAll(async () => {
  server = await startServer({
    name: "owui-test-restarts",
    arguments: [
      ...["--tmpfs", "/var/lib/postgresql/data"],
      ...["--volume", `${AGAIN}:/again.sh:ro`, "--entrypoint", "/again.sh"],
    ],
    settings: ["fsync=off", "max_connections=200", "track_commit_timestamp=on"],
  });
  pair = await Pair.start({ server: server.server, tenants: TENANTS });
});
afterAll(async () => {
  checker[Symbol.dispose]();
  await pair?.[Symbol.asyncDispose]();
  await server?.stop();
});

/** Sends the postmaster a signal. SIGQUIT is an immediate shutdown; of either its children learn in their own time. */
const signalPostmaster = (signal: string) =>
  run([
    ...["docker", "exec", server.container, "sh", "-c"],
    `kill -s ${signal} "$(head -n 1 /var/lib/postgresql/data/postmaster.pid)"`,
  ]);

test.each([
  ["shut down immediately", "QUIT"],
  ["killed", "KILL"],
])(
  "Postgres that is %s while both nodes write has every write once and in the order of epochs",
  async (_, signal) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const tenant of TENANTS) {
        using source = pair.fleet.source(tenant);
        source.exec(`UPDATE chat SET title = '${signal} ${round}'`);
      }
      await pair.synced(await pair.now());
      // Anywhere within the second from one sync to the next.
      await pause(330 * round);
      await signalPostmaster(signal);
      await pair.fleet.reconnect();
      await pair.whole();
      await pair.synced(await pair.now());
    }
    expect(await pair.violations()).toEqual([]);
    for (const tenant of TENANTS) {
      const since = await pair.now();
      expect(await pair.fleet.nextJob(tenant, since)).toMatchObject({ error: null });
      const file = pair.fleet.agent.path("tenants", tenant, "data", "webui.db");
      await checker.requireEqual(file, pair.fleet.database, tenant);
    }
    for (const { node } of pair.nodes) expect(node.log.some(({ msg }) => msg === "ended")).toBe(false);
  },
  240_000,
);
