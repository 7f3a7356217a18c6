/**
 * Agents of many hosts in one process: `node simulated-agent.ts <config>`. SIMULATED: it speaks the agents' protocol over
 * mTLS for tenants that exist nowhere else, so that a machine can have a thousand of them; what nodes and Postgres do
 * with that is real. Prints its port.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { compressWhole } from "../../sync-runtime/agent/zstd.ts";
import { ChangesRequest } from "../../sync-runtime/protocol/message.ts";
import { SimulatedTenant, TemplateFrames } from "./simulated-tenant.ts";
import type { Template } from "./template.ts";

/** What {@link capacity} tells this process. */
export interface SimulatedAgentConfig {
  tenants: string[];
  /** Milliseconds between two renames of a chat, each in another tenant. */
  renameEvery: number;
  /** PEM. */
  tls: { cert: string; key: string; ca: string };
  /** Path of a {@link Template}. */
  template: string;
}

const config = JSON.parse(readFileSync(process.argv[2] as string, "utf8")) as SimulatedAgentConfig;
const frames = new TemplateFrames(JSON.parse(readFileSync(config.template, "utf8")) as Template);
const tenants = new Map(config.tenants.map((id) => [id, new SimulatedTenant(id, frames)]));

const server = createServer(
  { ...config.tls, requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" },
  async (request, response) => {
    const tenant = tenants.get(/^\/v1\/tenants\/([^/]+)\/changes$/.exec(request.url ?? "")?.[1] ?? "");
    if (!tenant) return void response.writeHead(404).end();
    const { committed, full } = ChangesRequest.parse(await json(request));
    const body = compressWhole(tenant.answer(full ? null : committed));
    response.writeHead(200, { "content-encoding": "zstd", "content-length": body.length }).end(body);
  },
);
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));

const all = [...tenants.values()];
let next = 0;
setInterval(() => all[next++ % all.length]?.rename(), config.renameEvery);
