import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type pg from "pg";
import { TestAuthority } from "../../tests/support/certificates.ts";
import { stopChild } from "../../tests/support/child-process.ts";
import { NodeProcess } from "../../tests/support/node-process.ts";
import { intentOf, TestDatabase } from "../../tests/support/postgres.ts";
import type { Workbench } from "../replicate/workbench.ts";
import type { SimulatedAgentConfig } from "./simulated-agent.ts";
import { writeTemplate } from "./template.ts";

const AGENT = new URL("simulated-agent.ts", import.meta.url).pathname;

/** How large a fleet is to be. */
export interface FleetSize {
  tenants: number;
  hosts: number;
  /** Seconds between two syncs of a tenant. */
  interval: number;
  /** Percent of the tenants that change in each interval. */
  changing: number;
}

/** Two real nodes and a real Postgres with replicas of tenants whose agents are simulated. */
export class SimulatedFleet {
  readonly nodes: NodeProcess[];
  /** A superuser's connection. */
  readonly admin: pg.Client;

  private constructor(nodes: NodeProcess[], admin: pg.Client) {
    this.nodes = nodes;
    this.admin = admin;
  }

  static async start(bench: Workbench, size: FleetSize): Promise<SimulatedFleet> {
    const authority = await TestAuthority.create();
    const hosts = Array.from({ length: size.hosts }, (_, index) => `host-${index}`);
    const tenants = Array.from({ length: size.tenants }, (_, index) => `tenant-${index}`);
    const port = await startAgents(bench, authority, hosts, tenants, size);
    const database = await TestDatabase.create(bench.server);
    const [pattern] = intentOf(["any"]).tenants;
    await database.apply(
      intentOf([], {
        hosts: hosts.map((id) => ({
          id,
          agent: { address: `127.0.0.1:${port}`, identity: `urn:owui:agent:${id}` },
        })),
        tenants: tenants.map((id, index) => ({
          ...(pattern as NonNullable<typeof pattern>),
          ...{ id, host: `host-${index % size.hosts}`, interval: size.interval },
        })),
      }),
    );
    const admin = await database.connect("postgres");
    await admin.query("CREATE EXTENSION pg_stat_statements");
    const nodes: NodeProcess[] = [];
    for (const node of ["a", "b"]) {
      const process = await NodeProcess.start({ database, authority, node, program: bench.programs.node });
      bench.defer(() => process[Symbol.asyncDispose]());
      nodes.push(process);
    }
    return new SimulatedFleet(nodes, admin);
  }

  /** Asks every node for its metrics, as monitoring does. */
  async scrape(): Promise<void> {
    for (const node of this.nodes) {
      const { status } = await node.ask("GET", "/metrics", await node.token("read"));
      if (status !== 200) throw new Error(`The metrics were answered with ${status}.`);
    }
  }

  /** One number that Postgres tells. */
  async number(sql: string, parameters: unknown[] = []): Promise<number> {
    const { rows } = await this.admin.query(sql, parameters);
    return Number(Object.values(rows[0] ?? {})[0]);
  }

  /** When each tenant's latest sync began, in seconds of Postgres' clock. */
  async begun(): Promise<Map<string, number>> {
    const { rows } = await this.admin.query(
      `SELECT DISTINCT ON (tenant) tenant, extract(epoch FROM started_at)::float8 AS at
       FROM sync_metadata.sync_jobs WHERE started_at IS NOT NULL ORDER BY tenant, id DESC`,
    );
    return new Map(rows.map(({ tenant, at }) => [tenant, at]));
  }
}

/** Starts the process that stands for all agents; answers its port. */
async function startAgents(
  bench: Workbench,
  authority: TestAuthority,
  hosts: string[],
  tenants: string[],
  { interval, changing }: FleetSize,
): Promise<number> {
  const template = join(bench.folder, "template.json");
  await writeTemplate(template);
  const { certificate: cert, key } = await authority.agent(...hosts);
  const changes = (tenants.length * changing) / 100;
  const config: SimulatedAgentConfig = {
    tenants,
    renameEvery: (interval * 1_000) / changes,
    tls: { cert, key, ca: authority.certificate },
    template,
  };
  const path = join(bench.folder, "simulated-agent.json");
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  const child: ChildProcess = spawn(process.execPath, [AGENT, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  bench.defer(async () => void (await stopChild(child, "SIGKILL")));
  const [port] = await once(child.stdout as NodeJS.ReadableStream, "data");
  return Number(port);
}
