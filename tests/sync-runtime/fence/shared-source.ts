import type { AgentClient } from "../../../sync-runtime/node/agent-client.ts";
import { ScriptedSource } from "../node/scripted-source.ts";

/**
 * The tenants' databases, which any number of simulated nodes ask for changes. Every answer has something new in it, so
 * that every sync that is committed differs from every other.
 */
export class SharedSource {
  /** By sync, what its asker said is committed. */
  readonly told = new Map<string, string | null>();
  readonly #sources: Map<string, ScriptedSource>;
  #written = 0;

  constructor(tenants: readonly string[]) {
    this.#sources = new Map(tenants.map((tenant) => [tenant, new ScriptedSource(tenant)]));
    for (const source of this.#sources.values())
      source.tables = { chat: { columns: ["id TEXT", "title TEXT"], key: ["id"], rows: [["1", ""]] } };
  }

  /** As the node's worker asks agents. */
  readonly agents = {
    changes: async (_: unknown, tenant: string, committed: string | null) => {
      const source = this.#sources.get(tenant) as ScriptedSource;
      this.#written += 1;
      source.table("chat").rows = [["1", `written ${this.#written}`]];
      const stream = await source.delta(committed);
      this.told.set(source.sync, committed);
      return stream;
    },
  } as unknown as AgentClient;
}
