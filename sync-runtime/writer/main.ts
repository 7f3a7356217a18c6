/** The writer: writes rows that nodes decided for into the tenants of this host that chose it. `node writer.mjs [config path]` */
import { realpath } from "node:fs/promises";
import { Certificates } from "../certificates.ts";
import { ConfigError } from "../config-file.ts";
import { createLog } from "../host-log.ts";
import { HostServer } from "../host-server.ts";
import { DEFAULT_CONFIG_PATH, loadConfig } from "./config.ts";
import { Metrics } from "./metrics.ts";
import { Routes } from "./routes.ts";

async function main(configPath: string): Promise<void> {
  const config = await loadConfig(configPath);
  const log = createLog("writer", config.host);
  const { host, tenants } = config;
  const { certificate, ca } = config.tls;
  const metrics = new Metrics([certificate, ca]);
  const directory = await realpath(config.directory);
  const state = await realpath(config.state);
  const now = () => BigInt(Date.now()) * 1_000_000n;
  const routes = new Routes({ host, tenants, directory, state, metrics, log, now });
  const certificates = new Certificates(config.tls, log);
  const server = new HostServer(config, certificates, routes.handle.bind(routes), log, (reason) =>
    metrics.connections.inc({ reason }),
  );

  // The engine that runs the container sends SIGTERM first; a second signal ends the process at once.
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  await server.run(stop.signal);
}

try {
  await main(process.argv[2] ?? DEFAULT_CONFIG_PATH);
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exitCode = 1;
}
