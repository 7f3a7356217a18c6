import { closeSync, openSync, readSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { installStandIns, pluginPath, type standIns } from "../../../../toolchain/providers/install.ts";

/** A package the program uses a plugin of. */
export type Package = (typeof standIns)[number];

/** Which plugins the suite runs against; toolchain/providers/conformance.ts sets it. */
export const kind = process.env.CONFORMANCE_PLUGINS === "real" ? "real" : "stand-ins";

const userHome = process.env.PULUMI_HOME ?? join(homedir(), ".pulumi");

/** A stand-in is a script; what begins otherwise is a real plugin. */
const isRealPlugin = (path: string): boolean => {
  try {
    const file = openSync(path, "r");
    const start = Buffer.alloc(2);
    readSync(file, start);
    closeSync(file);
    return start.toString() !== "#!";
  } catch {
    return false;
  }
};

/** Why the suite of a package cannot run; undefined if it can. */
export const missing = (name: Package): string | undefined => {
  const path = pluginPath(userHome, name);
  return kind === "stand-ins" || isRealPlugin(path) ? undefined : `the real ${name} plugin is not at ${path}`;
};

/** A PULUMI_HOME with the plugins under test, and what removes it. */
export const home = async (): Promise<{ path: string; remove: () => Promise<void> }> => {
  if (kind === "real") return { path: userHome, remove: async () => {} };
  const path = await mkdtemp(join(tmpdir(), "owui-conformance-home-"));
  await installStandIns(path);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};
