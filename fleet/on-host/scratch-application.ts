import * as z from "zod";
import type { TenantSpec } from "../../components/fleet-config.ts";
import { type Script, scriptText } from "../../components/host/shell.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { type AskedHost, runOn } from "./asked-host.ts";

/** What a scratch application is started with. Paths are the host's. */
export interface ScratchStart {
  /** Image of Open WebUI as that host's engine knows it. */
  image: string;
  /** Folder with a copy of a tenant's data, owned by root: the application writes to it. */
  data: string;
  /** File that holds what it said where it fails; `<data>.log`, which has to outlive the copy for whoever reads of it. */
  log?: string;
  /** File of the secret key that belongs to the data; undefined: the application makes one of its own. */
  key: string | undefined;
  /** As the tenant's. */
  limits: Pick<TenantSpec, "memory" | "cpus" | "pids">;
  /** Seconds until it has to answer, 300: an old database is migrated meanwhile. */
  patience?: number;
  /** Seconds after which it ends by itself, 3600. */
  life?: number;
  /** File of settings that may be secret, as a tenant's `config/environment`. */
  environment?: string;
  /** Container of a restored Postgres that it works on (ScratchDatabase); absent: the SQLite file of the copy. */
  database?: string;
  /** Open settings beside those that keep it from looking for models. */
  settings?: Readonly<Record<string, string>>;
}

const Started = z.object({ seconds: z.number() });

/** What was seen of an application by somebody who signed in with a token of its secret key. */
export const SignedIn = z.object({
  /** Of Open WebUI, without a `v`. */
  version: z.string().nullable(),
  /** Id of its first admin, who signed in. */
  admin: z.string(),
  /** How many users its API tells of; null where that version's only tells pages. */
  users: z.number().nullable(),
  /** Rows of every table, counted in its database while it runs. */
  rows: z.record(z.string(), z.number()),
  /** Id of the newest chat, which was opened as whose it is; null where there is none. */
  chat: z.string().nullable(),
  /** Id of the newest uploaded file, whose bytes came back as they lie on the disk; null where there is none. */
  file: z.string().nullable(),
});
export type SignedIn = z.infer<typeof SignedIn>;

/** An answer of its API. */
const Answered = z.object({ status: z.number(), body: z.unknown() });
export type Answered = z.infer<typeof Answered>;

/** As whom its API is asked. */
export type Asker = "admin" | "nobody" | { user: string };

/** A scratch application did not do what Open WebUI does; the message says what, and where to read on. */
export class ScratchError extends CommandError {
  override name = "ScratchError";
}

/**
 * A real Open WebUI on a copy of a tenant's data, on that tenant's host, without a network
 * (components/host/scratch-application.sh). Whoever starts one removes it; one that is forgotten ends by itself.
 */
export class ScratchApplication {
  readonly #host: AskedHost;
  readonly #stack: string;
  readonly #name: string;

  /** @param name lower-case letters, digits and hyphens; one of a name runs at a time: `drill-acme` */
  constructor(host: AskedHost, stack: string, name: string) {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name))
      throw new RangeError(`"${name}" is no scratch application's name`);
    this.#host = host;
    this.#stack = stack;
    this.#name = name;
  }

  /** Starts it in place of an earlier one of its name; resolves once it answers, after so many seconds. */
  async start(start: ScratchStart): Promise<number> {
    return said(Started, await this.#run("start", startVariables(start))).seconds;
  }

  /** Asks its API; every answer is given back, also a refusal. */
  async ask(
    method: string,
    path: string,
    { as = "admin", body }: { as?: Asker; body?: unknown } = {},
  ): Promise<Answered> {
    const variables = {
      ...{ METHOD: method, ASKED_PATH: path, AS: typeof as === "string" ? as : as.user },
      BODY: body === undefined ? "" : JSON.stringify(body),
    };
    return said(Answered, await this.#run("ask", variables));
  }

  /** Signs in with the secret key, opens the newest chat and file, counts. */
  async signIn(): Promise<SignedIn> {
    return said(SignedIn, await this.#run("sign-in", {}));
  }

  /** Safe to repeat. */
  async remove(): Promise<void> {
    await this.#run("remove", {});
  }

  #run(action: string, variables: Script["variables"]): Promise<string> {
    return onHost(this.#host, { ACTION: action, STACK: this.#stack, NAME: this.#name, ...variables });
  }
}

/** The same look at an application that serves: its container by name. */
export const signInAt = async (host: AskedHost, stack: string, container: string): Promise<SignedIn> =>
  said(
    SignedIn,
    await onHost(host, { ACTION: "sign-in", STACK: stack, NAME: "none", APPLICATION: container }),
  );

/** What the script reads to start one; pure. */
export function startVariables({
  limits: { memory, cpus, pids },
  patience = 300,
  life = 3600,
  ...start
}: ScratchStart): Script["variables"] {
  const settings = Object.entries(start.settings ?? {});
  const broken = settings.find(([name, value]) => /[\n=]/.test(name) || value.includes("\n"));
  if (broken) throw new RangeError(`a scratch application's setting ${broken[0]} is no line`);
  return {
    ...{ IMAGE: start.image, DATA: start.data, KEY: start.key ?? "", ENVIRONMENT: start.environment ?? "" },
    ...{ MEMORY: memory.limit, CPUS: cpus, PIDS: pids, PATIENCE: patience, LIFE: life },
    ...{ DATABASE: start.database ?? "", LOG: start.log ?? "" },
    SETTINGS: settings.map(([name, value]) => `${name}=${value}`).join("\n"),
  };
}

async function onHost(host: AskedHost, variables: Script["variables"]): Promise<string> {
  const answer = await runOn(host, scriptText("scratch-application").toString(), variables);
  if ("said" in answer) return answer.said;
  throw new ScratchError(`Host ${host.spec.id}: ${answer.failure}`);
}

/** What the application says of itself is its tenant's: it has to have the form, and proves no more than that. */
function said<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ScratchError("An application answered what no Open WebUI answers.", { cause });
  }
}
