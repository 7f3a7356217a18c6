import pg from "pg";

/** A tombstone, or the row of a table, as Postgres gives it. */
export type Row = Record<string, unknown>;

/**
 * The replicas as the administrator of Postgres sees them.
 *
 * A connection per question: the tests stop and start Postgres between questions.
 */
export class Replica {
  readonly #port: number;
  readonly #password: () => Promise<string>;

  constructor(port: number, password: () => Promise<string>) {
    this.#port = port;
    this.#password = password;
  }

  /** @param ca the authority whose certificate the server has to show; any will do without it */
  async query(text: string, values: readonly unknown[] = [], ca?: string): Promise<Row[]> {
    const client = await this.#connect(ca);
    try {
      return (await client.query(text, [...values])).rows as Row[];
    } finally {
      await client.end();
    }
  }

  /** One statement past the triggers that note what is written, as only a superuser can. */
  async tamper(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = await this.#connect();
    try {
      await client.query("SET session_replication_role = replica");
      return (await client.query(text, [...values])).rows as Row[];
    } finally {
      await client.end();
    }
  }

  async #connect(ca?: string): Promise<pg.Client> {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: this.#port,
      user: "postgres",
      password: await this.#password(),
      database: "fleet",
      ssl: ca ? { ca } : { rejectUnauthorized: false },
    });
    client.on("error", () => {}); // the question fails by itself
    await client.connect();
    return client;
  }

  /** A chat's row in a tenant's replica, if it is there. */
  async chat(tenant: string, id: string): Promise<Row | undefined> {
    const [row] = await this.query(`SELECT * FROM "tenant_${tenant}".chat WHERE id = $1`, [id]);
    return row;
  }

  /** What was kept of rows that vanished from a tenant's table and whose content holds a text. */
  tombstones(tenant: string, source: string, text: string): Promise<Row[]> {
    return this.query(
      `SELECT content FROM "tenant_${tenant}"._replica_tombstones
       WHERE source = $1 AND reason = 'row' AND strpos(content::text, $2) > 0`,
      [source, text],
    );
  }
}
