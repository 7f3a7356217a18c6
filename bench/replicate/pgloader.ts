import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../toolchain/setup/child.mjs";
import { installPackages } from "../../toolchain/setup/packages.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";

/** Where it loads into. */
export interface Target {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
}

/** How texts are compressed: as the server's stock settings say, or as a replica has them. */
export type Compression = "pglz" | "lz4";

/**
 * What pgloader is told: rows and no more. It may leave out indexes and keys, as a replica has none either; with them
 * it stops at Open WebUI's index over an expression. It may hold fewer rows at a time than by itself: 100,000 chats do
 * not fit into the heap of 1 GB that Debian gives it ("Heap exhausted" at 600 MB).
 */
export const loadCommand = (
  source: string,
  target: Target,
  compression: Compression,
): string => `LOAD DATABASE
  FROM sqlite://${source}
  INTO postgresql://${target.user}:${target.password}@${target.host}:${target.port}/${target.database}
  WITH create tables, create no indexes, no foreign keys, reset no sequences,
    batch rows = 1000, batch size = 5MB, prefetch rows = 100
  SET default_toast_compression TO '${compression}';
`;

/** What its summary says: rows it copied and errors it met, over all tables. */
export function summaryOf(printed: string): { rows: number; errors: number } {
  const tables = printed.split("\n").filter((line) => /^\s*\S.*\s\d+\s+\d+\s+\S+ [kMG]?B\s+\S+s$/.test(line));
  const total = { rows: 0, errors: 0 };
  for (const line of tables) {
    const [, errors, rows] = /\s(\d+)\s+(\d+)\s+\S+ [kMG]?B\s+\S+s$/.exec(line) ?? [];
    total.errors += Number(errors);
    total.rows += Number(rows);
  }
  return total;
}

/** Sees to it that pgloader is there. @throws SetupError with the remedy */
export async function requirePgloader(progress: (text: string) => void): Promise<void> {
  if ((await run(["pgloader", "--version"])).code === 0) return;
  const debian = (await run(["sh", "-c", "command -v apt-get"])).code === 0;
  if (process.getuid?.() === 0 && debian) return installPackages(["pgloader"], progress);
  throw new SetupError([
    {
      what: "pgloader is not installed.",
      why: "The first load is measured beside it.",
      remedy:
        "`apt-get install pgloader`, run this as root on Debian or Ubuntu, or leave the part out: --only unchanged,ten-rows,writer,memory.",
    },
  ]);
}

/**
 * Loads a database as a whole process; gives its seconds.
 * @param folder for the command file, which holds the password
 * @throws when it did not copy every row
 */
export async function loadWithPgloader(
  source: string,
  target: Target,
  { compression, folder, rows }: { compression: Compression; folder: string; rows: number },
): Promise<number> {
  const file = join(folder, "pgloader.load");
  await writeFile(file, loadCommand(source, target, compression), { mode: 0o600 });
  const began = performance.now();
  const { code, stdout, stderr } = await run(["pgloader", "--root-dir", folder, file]);
  const seconds = (performance.now() - began) / 1000;
  const copied = summaryOf(stdout);
  if (code !== 0 || copied.errors > 0 || copied.rows !== rows)
    throw new Error(
      `pgloader copied ${copied.rows} of ${rows} rows with ${copied.errors} errors (exit code ${code}), so there is nothing to compare with:\n` +
        `${stdout}\n${stderr}`.trim().split("\n").slice(-20).join("\n"),
    );
  return seconds;
}
