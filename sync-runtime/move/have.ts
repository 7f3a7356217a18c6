import type { BytePath } from "../host/tree.ts";
import { openFile, pathOf, stampOf, walk } from "../host/tree.ts";
import { type Known, readLedger, writeLedger } from "./ledger.ts";
import { digestsOf } from "./pieces.ts";

/** What a folder holds, by the digests of its files' pieces; nothing where there is no folder. */
export async function have(tree: string, ledger: string): Promise<Map<BytePath, Buffer>> {
  const known = await readLedger(ledger);
  const found = new Map<BytePath, Known>();
  for await (const entry of walk(tree)) {
    if (entry.kind !== "file") continue;
    const before = known.get(entry.path);
    if (before?.stamp === stampOf(entry.stat)) {
      found.set(entry.path, before);
      continue;
    }
    const file = await openFile(pathOf(tree, entry.path));
    if (!file) continue;
    try {
      const stamp = stampOf(await file.stat({ bigint: true }));
      found.set(entry.path, { stamp, pieces: await digestsOf(file) });
    } finally {
      await file.close();
    }
  }
  await writeLedger(ledger, found);
  return new Map([...found].map(([path, { pieces }]) => [path, pieces]));
}

/** As text, and back: a line for each file, and a last one, so that what was cut off is seen. */
export const haveText = (files: ReadonlyMap<BytePath, Buffer>): string =>
  `${[...files].map((file) => `${JSON.stringify([file[0], file[1].toString("base64")])}\n`).join("")}end\n`;

export function readHave(text: string): Map<BytePath, Buffer> | undefined {
  const lines = text.split("\n");
  if (lines.at(-2) !== "end") return undefined;
  return new Map(
    lines.slice(0, -2).map((line) => {
      const [path, pieces] = JSON.parse(line) as [string, string];
      return [path, Buffer.from(pieces, "base64")];
    }),
  );
}
