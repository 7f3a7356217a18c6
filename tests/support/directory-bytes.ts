import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The files of a directory and their bytes, to be compared with what they were. */
export const directoryBytes = (directory: string): [name: string, hex: string][] =>
  readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "hex")]);
