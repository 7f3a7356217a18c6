import { readFile, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { run } from "./child.mjs";
import { findCommandLine } from "./command-line.mjs";

/**
 * What can be known about this machine without changing it.
 *
 * @typedef {object} Machine
 * @property {string} node version of the Node that runs this
 * @property {boolean} root
 * @property {boolean} sudo whether this user becomes root without being asked anything
 * @property {string} system `debian`, `ubuntu`, or what /etc/os-release says
 * @property {boolean} apt whether it is of Debian's family, so that packages can be installed with apt
 * @property {string} [engine] version of the Docker engine that answers
 * @property {boolean} engineInstalled whether one is there that could be started
 * @property {string} [go] version
 * @property {boolean} commandLine whether a Pulumi CLI is there
 * @property {boolean} download whether Pulumi's downloads answer; not asked where a CLI is there or Go can build one
 * @property {boolean} registry whether Docker Hub answers; not asked where images are there or can be built
 * @property {boolean} images whether the images of an earlier run are there
 * @property {{ path: string, free: number }} disk where Docker keeps things; bytes
 */

/** An image that only an earlier run can have left behind, and the last one it makes. */
const lastImage = "ghcr.io/open-webui/open-webui";

/** @returns {Promise<Machine>} */
export async function probeMachine() {
  const root = process.getuid?.() === 0;
  const [engine, sudo, engineInstalled, go, commandLine, images, release] = await Promise.all([
    probeEngine(),
    root || run(["sudo", "-n", "true"]).then(({ code }) => code === 0),
    run(["sh", "-c", "command -v dockerd"]).then(({ code }) => code === 0),
    run(["go", "env", "GOVERSION"]).then(({ stdout }) => stdout.trim().replace(/^go/, "") || undefined),
    findCommandLine().then((found) => found !== undefined),
    run(["docker", "image", "ls", "--quiet", lastImage]).then(({ stdout }) => stdout.trim() !== ""),
    readFile("/etc/os-release", "utf8").catch(() => ""),
  ]);
  const system = /^ID="?([^"\n]*)/m.exec(release)?.[1] ?? process.platform;
  const apt = /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
  return {
    node: process.versions.node,
    root,
    sudo,
    system,
    apt,
    engine: engine?.version,
    engineInstalled,
    go,
    commandLine,
    download: commandLine || go !== undefined || (await answers("https://get.pulumi.com/")),
    registry: images || (root && apt) || (await answers("https://registry-1.docker.io/v2/")),
    images,
    disk: await freeSpace(engine?.folder ?? "/var/lib/docker"),
  };
}

/** The engine that `docker` talks to and where it keeps things, undefined when none answers. */
export async function probeEngine() {
  const format = "{{.ServerVersion}}\t{{.DockerRootDir}}";
  const { code, stdout } = await run(["docker", "info", "--format", format], { timeout: 10_000 });
  const [version = "", folder = ""] = stdout.trim().split("\t");
  return code === 0 && version ? { version, folder } : undefined;
}

/**
 * Whether somebody answers HTTP at an address, within the few seconds a working network needs.
 *
 * @param {string} url
 */
export const answers = (url) =>
  fetch(url, { method: "HEAD", signal: AbortSignal.timeout(5_000) }).then(
    () => true,
    () => false,
  );

/**
 * Free bytes where a folder is or will be.
 *
 * @param {string} path
 * @returns {Promise<{ path: string, free: number }>}
 */
async function freeSpace(path) {
  try {
    const { bavail, bsize } = await statfs(path);
    return { path, free: bavail * bsize };
  } catch (error) {
    if (dirname(path) === path) throw error;
    return freeSpace(dirname(path));
  }
}
