import { posix } from "node:path";
import type * as z from "zod";
import { quote, type Script, scriptText } from "../../components/host/shell.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import {
  type DataPlace,
  type MountedPlace,
  mountOf,
  mountsOf,
  readContainers,
  type SourceContainer,
} from "../adoption/container.ts";
import type { Wanted } from "../adoption/source.ts";
import { Copied, type ImageFacts, readImageFacts, Survey } from "../adoption/survey.ts";
import { type AskedHost, runOn } from "./asked-host.ts";

/** A host refused, or could not be asked; the message says why. */
export class AdoptionError extends CommandError {
  override name = "AdoptionError";
}

/** What is read, as words for docker run, and as the program inside is asked (sync-runtime/adopt/main.ts). */
export interface Reading {
  mounts: string;
  asked: { database: string; data: string | null; uploads: string | null };
}

/** Where sources stand in the container that reads them: each where its own container has it, below this. */
const TOP = "/source";

/** One value of `--mount`, whose fields are CSV. */
const mountWords = (kind: "volume" | "bind", source: string, target: string): string => {
  const field = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const fields = [`type=${kind}`, field(`source=${source}`), field(`target=${target}`), "readonly"];
  return `--mount ${quote(fields.join(","))}`;
};

/** What a container's data is read through; pure. */
export function containerReading({ data, database }: DataPlace, mounts: readonly MountedPlace[]): Reading {
  const wanted = [...mountsOf(data, mounts)];
  const other = mountOf(database, mounts);
  if (other && !wanted.includes(other)) wanted.push(other);
  wanted.sort((a, b) => a.target.length - b.target.length);
  return {
    mounts: wanted
      .map(({ kind, source, target }) => mountWords(kind, source, posix.join(TOP, target)))
      .join(" "),
    asked: { database: posix.join(TOP, database), data: posix.join(TOP, data), uploads: null },
  };
}

/** What a bare database is read through: its folder, since a journal may lie beside it; pure. */
export function fileReading({ path, uploads }: Extract<Wanted, { kind: "file" }>): Reading {
  const folder = `${TOP}/database`;
  return {
    mounts: [
      mountWords("bind", posix.dirname(path), folder),
      ...(uploads === null ? [] : [mountWords("bind", uploads, `${TOP}/uploads`)]),
    ].join(" "),
    asked: {
      database: posix.join(folder, posix.basename(path)),
      data: null,
      uploads: uploads === null ? null : `${TOP}/uploads`,
    },
  };
}

/** What `fleet adopt` does on one host (components/host/adoption.sh). */
export class AdoptionHost {
  readonly #host: AskedHost;
  readonly #always: Script["variables"];

  constructor(host: AskedHost, stack: string, tenant: string) {
    this.#host = host;
    this.#always = { STACK: stack, TENANT: tenant, ROOT: host.spec.root };
  }

  async find(kind: "container" | "project" | "folder", wanted: string): Promise<SourceContainer[]> {
    return readContainers(await this.#run("find", { KIND: kind, WANTED: wanted }));
  }

  /** All that run with one of these mounts. */
  async neighbours(mounts: readonly MountedPlace[]): Promise<SourceContainer[]> {
    const mounted = mounts.map(({ source }) => source).join("\n");
    const said = await this.#run("neighbours", { MOUNTED: mounted });
    return readContainers(`${said.trim()}\n[]`);
  }

  /** @param changed a container whose changes of its image are told, too */
  async image(image: string, changed = ""): Promise<ImageFacts> {
    const facts = readImageFacts(await this.#run("image", { IMAGE: image, CHANGED: changed }));
    if (!facts) throw new AdoptionError(`\n  ✗ What image ${image} holds could not be read whole.`);
    return facts;
  }

  survey({ mounts, asked }: Reading): Promise<Survey> {
    return this.#told(Survey, "survey", {
      MOUNTS: mounts,
      ASKED: JSON.stringify({ ...asked, to: "/adoption", still: true }),
    });
  }

  /** @param still whether nobody writes to it any more */
  copy({ mounts, asked }: Reading, still: boolean): Promise<Copied> {
    return this.#told(Copied, "copy", {
      MOUNTS: mounts,
      ASKED: JSON.stringify({ ...asked, to: "/adoption", still }),
    });
  }

  /** Takes the secret key; answers where it was, `none` where there is none. */
  async key(container: string, file: string): Promise<string> {
    return (await this.#run("key", { CONTAINER: container, FILE: file })).trim();
  }

  /** A copy of the copied database, to be written to: its folder. */
  async rehearsal(): Promise<string> {
    return (await this.#run("rehearsal")).trim();
  }

  stop(container: string, limit: number): Promise<string> {
    return this.#run("stop", { CONTAINER: container, LIMIT: limit });
  }

  start(
    container: string,
    { restart, running }: { restart: string; running: boolean },
    limit: number,
  ): Promise<string> {
    return this.#run("start", { CONTAINER: container, POLICY: restart, RAN: String(running), LIMIT: limit });
  }

  /** Whether the tenant has no database of its own. */
  async isVacant(): Promise<boolean> {
    return (await this.#run("vacant")).trim() === "yes";
  }

  place(operation: string): Promise<string> {
    return this.#run("place", { OPERATION: operation });
  }

  /** Answers where what was in place is kept; empty where there was nothing. */
  async displace(operation: string): Promise<string> {
    return (await this.#run("displace", { OPERATION: operation })).trim();
  }

  clean(operation: string): Promise<string> {
    return this.#run("clean", { OPERATION: operation });
  }

  /** Removes the copy that is not in place. */
  abandon(): Promise<string> {
    return this.#run("abandon");
  }

  async #told<T>(schema: z.ZodType<T>, action: string, variables: Script["variables"]): Promise<T> {
    const said = await this.#run(action, variables);
    try {
      return schema.parse(JSON.parse(said));
    } catch (cause) {
      throw new AdoptionError(`\n  ✗ What reads the source answered what it never answers.`, { cause });
    }
  }

  async #run(action: string, variables: Script["variables"] = {}): Promise<string> {
    const all = { ACTION: action, ...this.#always, ...variables };
    const answer = await runOn(this.#host, scriptText("adoption").toString(), all);
    if ("said" in answer) return answer.said;
    throw new AdoptionError(`host ${this.#host.spec.id}: ${answer.failure}`);
  }
}
