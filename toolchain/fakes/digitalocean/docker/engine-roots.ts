import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { dropletImage } from "../../../images/catalog.ts";
import type { Progress } from "../../../setup/progress.ts";
import { DockerError, docker } from "./engine.ts";

/** Volume of the engine that every fake shares: `templates/<digest>` and a root for each droplet's own engine. */
const volume = "owui-fake-droplet-engines";

/** Templates that are kept: today's, and some for who goes back to the images of before; what they have in common is there once. */
const kept = 5;

/**
 * What a nested engine finds at its first start: its data root, with images in it already. A template is made once, by an
 * engine that loads the images and is stopped; it begins with the one made before, so that it loads what is new only. A
 * droplet's root is a copy of it whose layers are hard links, since an engine only ever adds and removes what lies in a
 * layer. The rest, databases among it, is copied.
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
    const ids = (await docker(["image", "inspect", "--format", "{{.Id}}", ...names])).split("\n");
    const holds = names.map((name, index) => `${name} ${ids[index]}`);
    const template = createHash("sha256").update(holds.join("\n")).digest("hex").slice(0, 16);
    const there = await inVolume(
      `[ -d templates/${template} ] && touch templates/${template} && echo there || :`,
    );
    if (there === "") {
      const [base = "", ...held] = (await inVolume(latest)).split("\n");
      const missing = names.filter((_, index) => !held.includes(holds[index] ?? ""));
      const what = missing.length === 0 ? "nothing new" : missing.join(", ");
      progress(`preparing what droplets find in their engines: ${what}`);
      await fill({ template, base, missing, holds });
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
${copied(from, `${to}.part`)}
rm -f ${to}.part/${manifest}
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

/** Names and ids of the images of a template, a line each. */
const manifest = "images.txt";

/** Prints the latest template and what it holds; nothing where there is none that says so. */
const latest = `for each in $(ls -t templates); do
  if [ -f "templates/$each/${manifest}" ]; then echo "$each"; cat "templates/$each/${manifest}"; break; fi
done`;

/** Copies a data root, whose layers are linked. */
const copied = (from: string, to: string): string => `rm -rf ${to} && mkdir -p ${to}
cp -al ${from}/overlay2 ${to}/
tar -c -C ${from} --exclude ./overlay2 . | tar -x -C ${to}`;

/** What a template is made of. */
interface Template {
  template: string;
  /** The one that it begins with; empty: with nothing. */
  base: string;
  /** Names of the images that this one lacks. */
  missing: readonly string[];
  /** Lines of its manifest. */
  holds: readonly string[];
}

/** Loads the images from standard input with the engine that droplets install, which needs no network for that. */
const filling = ({ template, base, missing, holds }: Template): string => `
mkdir -p templates
${base === "" ? "rm -rf templates/.part && mkdir templates/.part" : copied(`templates/${base}`, "templates/.part")}
cat >templates/.part/${manifest} <<'HOLDS'
${holds.join("\n")}
HOLDS
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
export DOCKER_HOST=unix:///run/engine.sock
${missing.length === 0 ? "" : "docker load --quiet || { cat /run/engine.log >&2; exit 1; }"}
docker images --format '{{.Repository}}:{{.Tag}}' --filter dangling=false | while read -r name; do
  cut -d ' ' -f 1 templates/.part/${manifest} | grep -qxF "$name" || docker rmi --force "$name" >/dev/null
done
docker image prune --force >/dev/null
kill "$(cat /run/engine.pid)" && wait
# What makes an engine that engine, and what it keeps of a run.
cd templates/.part
rm -rf engine-id key.json network containers runtimes tmp volumes plugins swarm trust
mv ../.part ../${template}`;

const fill = (template: Template): Promise<void> =>
  new Promise((resolve, reject) => {
    // Without names it prints its help, and nobody reads it.
    const save = spawn("docker", ["save", ...template.missing], { stdio: ["ignore", "pipe", "pipe"] });
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
