import { open } from "node:fs/promises";
import { installStandIns, pluginPath, standIns } from "../providers/install.ts";
import { sdkVersion } from "../providers/plugin/sdk-version.ts";
import { run } from "./child.mjs";
import { answers } from "./machine.mjs";
import { pulumiHome } from "./paths.mjs";
import { SetupError } from "./problem.mjs";
import type { Progress } from "./progress.ts";
import type { Maker } from "./stack-state.ts";

/** What is in the project's PULUMI_HOME. */
export type Installed = Maker | "none";

/** What is to be done about plugins. */
export type PluginPlan = "use-real" | "download" | "install-stand-ins";

/**
 * The plugins a stack gets. A stack keeps the kind that made it, since the two keep different state; a new one
 * gets what is installed, else the real ones if they can be had.
 */
export const planPlugins = (madeBy: Maker | undefined, installed: Installed): PluginPlan => {
  const wanted = madeBy ?? (installed === "none" ? "real" : installed);
  if (wanted === "stand-ins") return "install-stand-ins";
  return installed === "real" ? "use-real" : "download";
};

/** Provider plugins for a stack; answers in words which kind it got. */
export async function ensurePlugins(
  madeBy: Maker | undefined,
  environment: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<string> {
  const plan = planPlugins(madeBy, await installedKind());
  if (plan === "use-real") return `real ones: ${standIns.join(", ")}`;
  if (plan === "download" && (await download(environment, progress))) {
    return `real ones, downloaded: ${standIns.join(", ")}`;
  }
  if (madeBy === "real") throw foreign();
  await installStandIns(pulumiHome);
  return `stand-ins, no real ones: ${standIns.join(", ")}`;
}

/** Stand-ins are scripts, real plugins are not; a folder with some of both has neither. */
async function installedKind(): Promise<Installed> {
  const starts = await Promise.all(standIns.map((provider) => firstBytes(pluginPath(pulumiHome, provider))));
  if (starts.every((start) => start === "#!")) return "stand-ins";
  return starts.every((start) => start !== undefined && start !== "#!") ? "real" : "none";
}

async function firstBytes(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path);
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2);
    return buffer.toString("latin1");
  } catch {
    return undefined;
  }
}

/** Pulumi's own download of every plugin, if its server answers. */
async function download(environment: NodeJS.ProcessEnv, progress: Progress): Promise<boolean> {
  if (!(await answers("https://get.pulumi.com/"))) return false;
  progress("downloading provider plugins");
  const installs = standIns.map((provider) =>
    run(["pulumi", "plugin", "install", "resource", provider, sdkVersion(provider)], {
      env: environment,
      timeout: 5 * 60_000,
    }),
  );
  return (await Promise.all(installs)).every(({ code }) => code === 0);
}

const foreign = () =>
  new SetupError([
    {
      what: "This stack was made by the real provider plugins, and they are not to be had now.",
      why: "Stand-ins keep other state: they would take what exists for something else.",
      remedy: "Let this machine reach get.pulumi.com, or use another stack (--stack).",
    },
  ]);
