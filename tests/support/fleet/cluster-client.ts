import { request } from "node:https";
import { json } from "node:stream/consumers";
import { operatorToken, type Scope } from "../../../toolchain/commands/operator-token.ts";

/** One tenant's line of a node's answer about syncs. */
export interface SyncLine {
  id: string;
  last: { status: string; finished_at: string; error?: string } | null;
  replica: { verified_at: string | null; tables: number; rows: number; equal: boolean };
}

/** A node's HTTP interface, asked with a token signed by the stack's operator key. */
export class ClusterClient {
  readonly #port: number;
  readonly #operatorKey: string;

  /** @param operatorKey the private key, PKCS8 PEM */
  constructor(port: number, operatorKey: string) {
    this.#port = port;
    this.#operatorKey = operatorKey;
  }

  async syncs(): Promise<SyncLine[]> {
    const { tenants } = await this.#call<{ tenants: SyncLine[] }>(
      "GET",
      "/api/v1/sync/status?limit=1000",
      "read",
    );
    return tenants;
  }

  async sync(tenant: string): Promise<SyncLine> {
    const line = (await this.syncs()).find(({ id }) => id === tenant);
    if (!line) throw new Error(`the node names no tenant ${tenant}`);
    return line;
  }

  /** How a tenant's latest syncs ended, newest first. */
  async history(tenant: string): Promise<{ status: string; started_at: string }[]> {
    const path = `/api/v1/sync/history?client=${tenant}&limit=100`;
    return (await this.#call<{ jobs: { status: string; started_at: string }[] }>("GET", path, "read")).jobs;
  }

  async trigger(tenant: string): Promise<void> {
    await this.#call("POST", `/api/v1/sync/trigger/${tenant}`, "operate");
  }

  async #call<T>(method: string, path: string, scope: Scope): Promise<T> {
    const { status, body } = await askNode(this.#port, method, path, await this.#token(scope));
    if (status > 299) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(body)}`);
    return body as T;
  }

  async #token(scope: Scope): Promise<string> {
    return operatorToken(this.#operatorKey, { scope, subject: "e2e" });
  }
}

/** One call to a node; its certificate is not what is asked about here. */
export const askNode = (
  port: number,
  method: string,
  path: string,
  token?: string,
): Promise<{ status: number; body: unknown }> =>
  new Promise((resolve, reject) => {
    const asked = request({
      host: "127.0.0.1",
      port,
      method,
      path,
      rejectUnauthorized: false,
      agent: false,
      headers: token ? { Authorization: `Bearer ${token}` } : {},
    });
    asked.once("response", (answer) => {
      json(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject);
    });
    asked.once("error", reject);
    asked.end();
  });
