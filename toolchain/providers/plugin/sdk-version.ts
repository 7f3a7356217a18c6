import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** The version a stand-in goes by: that of its SDK package, which the engine asks for. */
export const sdkVersion = (provider: string): string => {
  const file = createRequire(import.meta.url).resolve(`@pulumi/${provider}/package.json`);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
};
