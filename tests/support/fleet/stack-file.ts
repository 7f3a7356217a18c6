import { readFile, writeFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import { portOf } from "./seat.ts";

/** A tenant's entry as an operator writes it; only what the tests set. */
export type TenantEntry = Record<string, unknown>;

interface StackDocument {
  encryptionsalt?: string;
  config: { tenants: Record<string, TenantEntry>; [key: string]: unknown };
}

/** Ports far from those of a fleet that a user of this machine may run beside the tests. */
export const PORTS = {
  ...{ http: portOf(80), agent: portOf(50), nodes: { a: portOf(43), b: portOf(44) }, database: portOf(32) },
  ...{ prometheus: portOf(90), alertmanager: portOf(93), promoted: portOf(33) },
};

/** The stack's file, edited as an operator edits it: read, changed, written back. */
export class StackFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Writes the first form: two tenants, one of them branded, the other with an older Open WebUI. */
  async create(logo: string): Promise<void> {
    await this.#write({
      config: {
        hosts: {
          local: {
            kind: "local",
            http: { address: "127.0.0.1", port: PORTS.http },
            agentPort: PORTS.agent,
          },
        },
        tenants: {
          acme: {
            ...entryOf("acme"),
            branding: { logo, name: "Acme AI", basis: "up-to-50-users" },
          },
          globex: { ...entryOf("globex"), version: "v0.9.6" },
        },
        sync: {
          host: "local",
          nodes: { a: { port: PORTS.nodes.a }, b: { port: PORTS.nodes.b } },
          database: { kind: "embedded", port: PORTS.database },
        },
        monitoring: {
          prometheus: { port: PORTS.prometheus },
          alertmanager: { port: PORTS.alertmanager },
        },
      },
    });
  }

  /** Changes one tenant's entry, or adds it. */
  async setTenant(id: string, change: TenantEntry): Promise<void> {
    await this.#edit((tenants) => {
      tenants[id] = { ...tenants[id], ...change };
    });
  }

  /** Says who reads replicas; nobody else does afterwards. */
  async setReaders(readers: Record<string, unknown>): Promise<void> {
    const document = parse(await readFile(this.path, "utf8")) as StackDocument;
    document.config.sync = { ...(document.config.sync as object), readers };
    await this.#write(document);
  }

  /** Says which authority issues certificates. */
  async setGeneration(generation: number): Promise<void> {
    const document = parse(await readFile(this.path, "utf8")) as StackDocument;
    document.config.certificates = { generation };
    await this.#write(document);
  }

  /** Has tenants backed up into a folder, or somewhere else. */
  async setBackups(place: string | Record<string, unknown>): Promise<void> {
    const document = parse(await readFile(this.path, "utf8")) as StackDocument;
    const repository = typeof place === "string" ? { kind: "folder", path: place } : place;
    document.config.backups = { repository };
    await this.#write(document);
  }

  /** Says who hears of alerts; nobody else does afterwards. */
  async setAlerts(alerts: Record<string, unknown>): Promise<void> {
    const document = parse(await readFile(this.path, "utf8")) as StackDocument;
    document.config.monitoring = { ...(document.config.monitoring as object), alerts };
    await this.#write(document);
  }

  async removeTenant(id: string): Promise<void> {
    await this.#edit((tenants) => {
      delete tenants[id];
    });
  }

  async #edit(change: (tenants: Record<string, TenantEntry>) => void): Promise<void> {
    const document = parse(await readFile(this.path, "utf8")) as StackDocument;
    change(document.config.tenants);
    await this.#write(document);
  }

  async #write(document: StackDocument): Promise<void> {
    await writeFile(this.path, stringify(document));
  }
}

/** The least an entry needs, synced as often as a tenant can be. */
export const entryOf = (id: string): TenantEntry => ({
  host: "local",
  domain: `${id}.localhost`,
  admin: { email: adminOf(id) },
  sync: { interval: "1m" },
});

export const adminOf = (id: string): string => `admin@${id}.example`;
