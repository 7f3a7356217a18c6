import { access, lstat, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { must } from "./child.mjs";
import { locked } from "./lock.mjs";
import { SetupError } from "./problem.mjs";

/**
 * The packages a lock file names, or the record npm keeps of an installation: version by folder.
 *
 * @typedef {Record<string, { version?: string, link?: boolean, optional?: boolean }>} Packages
 */

/**
 * Whether what is installed is what the lock wants. Packages for other platforms may be missing, links are not
 * packages; everything else counts, and so does what is there although nothing wants it any more.
 *
 * @param {Packages} wanted
 * @param {Packages} installed
 */
export function sameDependencies(wanted, installed) {
  const folders = Object.keys({ ...wanted, ...installed }).filter((folder) =>
    folder.startsWith("node_modules/"),
  );
  return folders.every((folder) => {
    const [want, have] = [wanted[folder], installed[folder]];
    if (!have) return want?.optional || want?.link;
    return want?.link || want?.version === have.version;
  });
}

/** npm writes its record last, so an installation that was cut short does not count. */
export async function dependenciesInstalled(/** @type {string} */ repository) {
  try {
    const [wanted, installed] = await Promise.all(
      ["package-lock.json", "node_modules/.package-lock.json"].map((file) =>
        packagesOf(join(repository, file)),
      ),
    );
    await access(join(repository, "node_modules/node/bin/node"));
    await linkCommand(repository);
    return sameDependencies(wanted ?? {}, installed ?? {});
  } catch {
    return false;
  }
}

/**
 * Lets `npx fleet` find the operator's command line in a checkout that was installed before there was one: npm links
 * the commands of workspaces when it installs, and these have no packages of their own that would call for that.
 */
async function linkCommand(/** @type {string} */ repository) {
  await symlink("../../fleet/fleet.mjs", join(repository, "node_modules/.bin/fleet")).catch(() => {});
}

/** @returns {Promise<Packages>} */
const packagesOf = async (/** @type {string} */ file) => JSON.parse(await readFile(file, "utf8")).packages;

/**
 * Installs what package-lock.json names. Install scripts do not run, but for the two packages that are nothing
 * without theirs: measured 17 s instead of 25 s, and no other package runs code of its own here.
 *
 * @param {string} repository
 * @param {(text: string) => void} progress
 */
export const installDependencies = (repository, progress) =>
  locked("dependencies", progress, async () => {
    if (await dependenciesInstalled(repository)) return "installed by another run";
    await refuseLink(repository);
    const quiet = { cwd: repository, env: { ...process.env, npm_config_loglevel: "error" } };
    progress("npm ci: installing what package-lock.json names");
    await must(["npm", "ci", "--ignore-scripts"], {
      ...quiet,
      failure: "The dependencies could not be installed: is the npm registry reachable?",
    });
    await must(["npm", "rebuild", "node", "esbuild"], {
      ...quiet,
      failure: "Node 24 could not be installed beside the other dependencies.",
    });
    return "installed from package-lock.json, Node 24 among them";
  });

/** npm ci empties the folder behind a link before it puts a folder of its own in the link's place. */
export async function refuseLink(/** @type {string} */ repository) {
  const folder = join(repository, "node_modules");
  const isLink = await lstat(folder).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
  if (!isLink) return;
  throw new SetupError(
    [
      {
        what: `${folder} is a link, and what it leads to is not what package-lock.json names.`,
        why: "Installing here would empty the folder it leads to, which another checkout may be using.",
        remedy: `Remove the link (rm ${folder}) and run this again: this checkout then gets a folder of its own.`,
      },
    ],
    "Nothing was installed or removed.",
  );
}
