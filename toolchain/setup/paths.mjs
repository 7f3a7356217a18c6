/** Where things live on this machine. The checkout itself is never written to, but for git-ignored folders. */
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const { env } = process;
const home = env.HOME || homedir();
const ours = "open-webui-infrastructure";

/** The checkout. */
export const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What npm puts on PATH: among it the Node that runs everything TypeScript. */
export const nodeFolder = join(repository, "node_modules/.bin");

/** The project's own home for the Pulumi CLI (plugins, compile caches); the user's is never touched. */
export const pulumiHome = join(repository, ".pulumi");

/** Node's, of what it has compiled in this checkout. */
export const compileCache = join(pulumiHome, "compile-cache");

/** Things that can be made again; shared by every checkout of this user. */
export const cache = resolve(env.OWUI_CACHE || join(env.XDG_CACHE_HOME || join(home, ".cache"), ours));

/** Things that must not be lost: state, passphrase, tenants' data. */
export const dataHome = resolve(env.OWUI_HOME || join(env.XDG_DATA_HOME || join(home, ".local/share"), ours));

/** Folder of what a stack needs beside its state: effective config, logs. */
export const stackFolder = (/** @type {string} */ stack) => join(dataHome, "stacks", stack);
