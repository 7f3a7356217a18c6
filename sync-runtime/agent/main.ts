/** The host agent: serves the nodes what changed in the tenants of this host. `node agent.mjs [config path]` */
import { realpath } from "node:fs/promises";
import { Certificates } from "../certificates.ts";
import { createLog } from "../host/log.ts";
import { runProgram } from "../host/program.ts";
import { HostServer } from "../host/server.ts";
import { TenantDirectory } from "../host/tenant-directory.ts";
import { Bandwidth } from "./bandwidth.ts";
import { ChangeFinder } from "./changes.ts";
import { DEFAULT_CONFIG_PATH, loadConfig } from "./config.ts";
import { Metrics } from "./metrics.ts";
import { Routes } from "./routes.ts";
import { hostFront, SITES_PATH, SiteWatch } from "./sites.ts";

async function serveTenants(configPath: string, signal: AbortSignal): Promise<void> {
  const config = await loadConfig(configPath);
  const now = () => BigInt(Date.now()) * 1_000_000n;
  const log = createLog("agent", config.host);
  const state = await realpath(config.state);
  const tenants = new TenantDirectory(await realpath(config.tenants));
  const { certificate, ca } = config.tls;
  const metrics: Metrics = new Metrics(state, () => changes.spooledBytes(), [certificate, ca]);
  const changes = new ChangeFinder(state, now, metrics.countReader.bind(metrics));
  await changes.prepare();
  const bandwidth = new Bandwidth(config.bandwidth);
  const routes = new Routes({
    ...{ host: config.host, tenants, changes, bandwidth, metrics, log, now },
    backups: config.backups,
  });
  const certificates = new Certificates(config.tls, log);
  const server = new HostServer(config, certificates, routes.handle.bind(routes), log, (reason) =>
    metrics.refused.inc({ reason }),
  );
  const sites = new SiteWatch({ file: SITES_PATH, ca, front: hostFront }, metrics, log);
  await Promise.all([server.run(signal), sites.run(signal)]);
}

await runProgram(serveTenants, DEFAULT_CONFIG_PATH);
