import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { dropletImage } from "../../../images/catalog.ts";
import type { Progress } from "../../../setup/progress.ts";
import { DockerError, docker } from "./engine.ts";

/** Volume of the engine that every fake shares: `templates/<digest>` and a root for each droplet's own engine. */
const volume = "owui-fake-droplet-engines";

/** Templates that are kept: today's, and two for who goes back to the images of before. */
const kept = 3;

/**
 * What a nested engine finds at its first start: its data root, with images in it already. A template is made once, by an
 * engine that loads the images and is stopped; a droplet's root is a copy of it whose layers are hard links, since an
 * engine only ever adds and removes what lies in a layer. The rest, databases among it, is copied.
 */
export class EngineRoots {
  /** Names of what is in every root, with tags. */
  readonly images: readonly string[];
  readonly #template: string;
  readonly #mountpoint: string;

  private constructor(images: readonly string[], template: string, mountpoint: string) {
    this.images = images;
    this.#template = template;
    this.#mountpoint = mountpoint;
  }

  /** With these images of the local engine in every root. The first time takes as long as loading them does. */
  static async with(images: readonly string[], progress: Progress): Promise<EngineRoots> {
    await docker(["volume", "create", volume]);
    const mountpoint = await docker(["volume", "inspect", "--format", "{{.Mountpoint}}", volume]);
    const names = [...new Set(images)].sort();
    const ids = await docker(["image", "inspect", "--format", "{{.Id}}", ...names]);
    const template = createHash("sha256")
      .update(`${names.join("\n")}\n${ids}`)
      .digest("hex")
      .slice(0, 16);
    const there = await inVolume(
      `[ -d templates/${template} ] && touch templates/${template} && echo there || :`,
    );
    if (there === "") {
      progress(`preparing what droplets find in their engines: ${names.join(", ")}`);
      await fill(template, names);
      await inVolume(
        `ls -t templates | tail -n +${kept + 1} | while read -r old; do rm -rf "templates/$old"; done`,
      );
    }
    return new EngineRoots(names, template, mountpoint);
  }

  /** A root of this name, made unless it is there. Answers its path for the engine. */
  async make(name: string): Promise<string> {
    const [from, to] = [`templates/${this.#template}`, `roots/${name}`];
    await inVolume(`[ ! -d ${to} ] || exit 0
rm -rf ${to}.part && mkdir -p ${to}.part
cp -al ${from}/overlay2 ${to}.part/
tar -c -C ${from} --exclude ./overlay2 . | tar -x -C ${to}.part
mv ${to}.part ${to}`);
    return `${this.#mountpoint}/${to}`;
  }

  /** Removes the root of this name, if there is one. */
  static async remove(name: string): Promise<void> {
    await inVolume(`rm -rf roots/${name} roots/${name}.part`);
  }
}

/** Runs a shell script in the volume; what it printed. Hard links want one mount for both of their ends. */
const inVolume = (script: string): Promise<string> =>
  docker(
    [
      ...["run", "--rm", "--interactive", "--network", "none", "--volume", `${volume}:/engines`],
      ...["--workdir", "/engines", "--entrypoint", "sh", dropletImage, "-e", "-s"],
    ],
    `mkdir -p templates roots\n${script}\n`,
  );

/** Loads the images from standard input with the engine that droplets install, which needs no network for that. */
const filling = (template: string): string => `
mkdir -p templates && rm -rf templates/.part && mkdir templates/.part
dpkg --unpack --force-depends /var/cache/apt/archives/*.deb >/dev/null 2>&1
# It gives its containerd fifteen seconds, which a machine with a busy disk may not have.
for _ in 1 2 3 4; do
  rm -f /run/engine.sock
  dockerd --data-root /engines/templates/.part --exec-root /run/engine --pidfile /run/engine.pid \\
    --host unix:///run/engine.sock --bridge none --iptables=false >/run/engine.log 2>&1 &
  answers=no
  while [ $answers = no ] && kill -0 $! 2>/dev/null; do
    if docker --host unix:///run/engine.sock version >/dev/null 2>&1; then answers=yes; else sleep 0.2; fi
  done
  if [ $answers = yes ]; then break; fi
done
if ! docker --host unix:///run/engine.sock load --quiet; then cat /run/engine.log >&2; exit 1; fi
kill "$(cat /run/engine.pid)" && wait
# What makes an engine that engine, and what it keeps of a run.
cd templates/.part
rm -rf engine-id key.json network containers runtimes tmp volumes plugins swarm trust
mv ../.part ../${template}`;

const fill = (template: string, images: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const save = spawn("docker", ["save", ...images], { stdio: ["ignore", "pipe", "pipe"] });
    const load = spawn("docker", [
      ...["run", "--rm", "--interactive", "--network", "none", "--volume", `${volume}:/engines`],
      ...["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--tmpfs", "/run"],
      ...["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"],
      ...["--security-opt", "systempaths=unconfined"],
      ...["--workdir", "/engines", "--entrypoint", "sh", dropletImage, "-e", "-c", filling(template)],
    ]);
    let said = "";
    for (const stream of [save.stderr, load.stderr, load.stdout]) {
      stream.on("data", (data) => {
        said = `${said}${data}`.slice(-4_000);
      });
    }
    save.stdout.pipe(load.stdin);
    load.stdin.on("error", () => {});
    const failed = (what: string) => {
      // Nobody reads it any more, and it would wait for ever.
      save.kill("SIGKILL");
      reject(new DockerError(`${what}: ${said.trim()}`));
    };
    save.once("error", (error) => failed(`docker cannot be run: ${error.message}`));
    load.once("error", (error) => failed(`docker cannot be run: ${error.message}`));
    load.once("close", (code) => (code === 0 ? resolve() : failed(`images could not be prepared (${code})`)));
  });
