import pg from "pg";
import { query } from "../database/query.ts";

/** Rows and sum of each table, by its name. */
export type TableSums = Record<string, { rows: number; sum: string }>;

/** Has a server print every value in one way, whatever it is set to, and let a statement take as long as it takes. */
const PRINTING = `
  SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres';
  SET extra_float_digits = 3; SET bytea_output = 'hex'; SET client_encoding = 'UTF8';
  SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '60s'; SET jit = off`;

/** How long a server may take to answer at all. */
const CONNECT_MS = 10_000;

/** Where the first byte of each lane of a sum is in a digest. */
const LANES = [1, 9, 17, 25];

/** A connection that reads the way sums need it. Whoever opens it ends it. */
export async function openForSums(url: string): Promise<pg.Client> {
  const parsed = new URL(url);
  // Has `sslmode` mean what it means to psql and to Open WebUI.
  if (parsed.searchParams.has("sslmode")) parsed.searchParams.set("uselibpqcompat", "true");
  const client = new pg.Client({
    connectionString: parsed.href,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
  });
  // A connection that breaks fails the statement in flight too.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query(PRINTING);
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

/**
 * Adds every table up on the server: a row's digest is the sha256 of how that server writes the row as text, and a table's
 * sum is of those, as protocol/table-sum prints it. Two servers with the same rows have the same sums. A row is written as a
 * record, for which its tenant can make no cast.
 */
export async function postgresSums(client: pg.ClientBase): Promise<TableSums> {
  const { rows: tables } = await client.query<{ name: string }>(query("dumped-tables"));
  const sums: TableSums = {};
  for (const { name } of tables) {
    const lanes = LANES.map(
      (from) =>
        `coalesce(sum(('x' || encode(substring(digest from ${from} for 8), 'hex'))::bit(64)::bigint::numeric), 0)::text`,
    );
    const { rows } = await client.query<{ rows: string; lanes: string[] }>(
      `SELECT count(*) AS rows, ARRAY[${lanes.join(", ")}] AS lanes FROM (
        SELECT sha256(convert_to(ROW(_owui_row.*)::text, 'UTF8')) AS digest FROM ONLY ${pg.escapeIdentifier(name)} AS _owui_row
        OFFSET 0) AS digests`,
    );
    const [counted] = rows;
    if (!counted) throw new Error(`${name} could not be added up`);
    sums[name] = { rows: Number(counted.rows), sum: counted.lanes.map(printed).join("") };
  }
  return sums;
}

/** A lane as it is printed: Postgres adds signed numbers up, past 64 bits. */
const printed = (lane: string): string => BigInt.asUintN(64, BigInt(lane)).toString(16).padStart(16, "0");
