import { readFile, rename, writeFile } from "node:fs/promises";
import * as z from "zod";
import type { BytePath } from "../host/tree.ts";

/** A file as it was read. */
export interface Known {
  /** How it looked before and after. */
  stamp: string;
  /** Digests of its pieces, one behind the other. */
  pieces: Buffer;
}

const Line = z.tuple([z.string(), z.string(), z.string()]);

/** What a side has read of its files; one that is lost or torn costs reading them again. */
export async function readLedger(file: string): Promise<Map<BytePath, Known>> {
  const text = await readFile(file, "utf8").catch(() => "");
  try {
    return new Map(
      text
        .split("\n")
        .filter(Boolean)
        .map((line) => {
          const [path, stamp, pieces] = Line.parse(JSON.parse(line));
          return [path, { stamp, pieces: Buffer.from(pieces, "base64") }];
        }),
    );
  } catch {
    return new Map();
  }
}

export async function writeLedger(file: string, known: ReadonlyMap<BytePath, Known>): Promise<void> {
  const lines = [...known].map(
    ([path, { stamp, pieces }]) => `${JSON.stringify([path, stamp, pieces.toString("base64")])}\n`,
  );
  await writeFile(`${file}.staged`, lines.join(""), { mode: 0o600 });
  await rename(`${file}.staged`, file);
}
