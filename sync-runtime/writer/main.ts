/** The writer: writes rows that nodes decided for into the tenants of this host that chose it. `node writer.mjs [config path]` */
import { realpath } from "node:fs/promises";
import { Certificates } from "../certificates.ts";
import { createLog } from "../host/log.ts";
import { runProgram } from "../host/program.ts";
import { HostServer } from "../host/server.ts";
import { DEFAULT_CONFIG_PATH, loadConfig } from "./config.ts";
import { Metrics } from "./metrics.ts";
import { Routes } from "./routes.ts";

async function serveWrites(configPath: string, signal: AbortSignal): Promise<void> {
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
  await server.run(signal);
}

await runProgram(serveWrites, DEFAULT_CONFIG_PATH);
