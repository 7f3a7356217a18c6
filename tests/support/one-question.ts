import pg from "pg";

/** Rows of one question, over a connection of its own: tests stop and start servers between questions. */
export async function oneQuestion(
  server: pg.ClientConfig,
  text: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(server);
  client.on("error", () => {}); // the question fails by itself
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
