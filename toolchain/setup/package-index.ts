import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where pip's own index is configured, the strongest first. */
const files = [
  process.env.PIP_CONFIG_FILE,
  join(homedir(), ".config/pip/pip.conf"),
  join(homedir(), ".pip/pip.conf"),
  "/etc/pip.conf",
];

/** The Python package index this machine uses; it may hold credentials, so it reaches builds as a secret. */
export async function packageIndex(): Promise<string> {
  const named = process.env.PIP_INDEX_URL || process.env.UV_DEFAULT_INDEX;
  if (named) return named;
  for (const file of files) {
    const text = file ? await readFile(file, "utf8").catch(() => "") : "";
    const index = /^\s*index-url\s*=\s*(\S+)/m.exec(text)?.[1];
    if (index) return index;
  }
  return "https://pypi.org/simple";
}
