import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { SetupError } from "./problem.mjs";
import type { Pulumi } from "./pulumi.ts";

/** An API, and how it is asked: whose it is, its base address and the token that opens it. */
export interface CloudApi {
  name: "DigitalOcean" | "Cloudflare";
  endpoint: string;
  token: string;
}

/** The clouds as the stack's config and the environment have them. */
export async function cloudsOf(
  pulumi: Pulumi,
  configFile: string,
): Promise<{ digitalOcean: CloudApi; cloudflare: CloudApi }> {
  const shown = await pulumi.run(["config", "--json", "--show-secrets", "--config-file", configFile]);
  const config = shown.code === 0 ? (JSON.parse(shown.stdout) as Record<string, { value?: string }>) : {};
  const { DIGITALOCEAN_TOKEN, CLOUDFLARE_API_TOKEN } = pulumi.environment;
  return {
    digitalOcean: {
      name: "DigitalOcean",
      endpoint: config["digitalocean:apiEndpoint"]?.value ?? "https://api.digitalocean.com",
      token: config["digitalocean:token"]?.value ?? DIGITALOCEAN_TOKEN ?? "",
    },
    cloudflare: {
      name: "Cloudflare",
      endpoint: config["cloudflare:baseUrl"]?.value ?? "https://api.cloudflare.com/client/v4",
      token: config["cloudflare:apiToken"]?.value ?? CLOUDFLARE_API_TOKEN ?? "",
    },
  };
}

/** What stands on one page at most. */
const pageSize = 100;

/** Everything that a path lists, page by page; `field` is where an answer has it. */
export async function allOf(api: CloudApi, path: string, field: string): Promise<unknown[]> {
  const things: unknown[] = [];
  for (let page = 1; ; page += 1) {
    const joint = path.includes("?") ? "&" : "?";
    const answer = await patiently(() => ask(api, "GET", `${path}${joint}per_page=${pageSize}&page=${page}`));
    if (!answer.ok) throw refused(api, `GET ${path}`, answer);
    const found = z.record(z.string(), z.unknown()).parse(await answer.json())[field];
    const listed = z.array(z.unknown()).parse(found);
    things.push(...listed);
    if (listed.length < pageSize) return things;
  }
}

/** A droplet that is booting takes no orders: it is asked again for as long as a boot may take. */
const patienceMs = 180_000;

/** Deletes, and waits until it is gone. */
export async function remove(api: CloudApi, path: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let deleted = false;
  for (;;) {
    const answer = await ask(api, deleted ? "GET" : "DELETE", path);
    if (answer.status === 404) return;
    if (answer.ok && !deleted) deleted = true;
    else if ((!deleted && answer.status !== 422 && !isPassing(answer)) || performance.now() > deadline)
      throw refused(api, `DELETE ${path}`, answer);
    await sleep(500);
  }
}

const isPassing = ({ status }: Response): boolean => status === 429 || status >= 500;

/** Asks again what could not be answered just then. */
async function patiently(once: () => Promise<Response>): Promise<Response> {
  for (let tries = 0; ; tries += 1) {
    const answer = await once();
    if (!isPassing(answer) || tries >= 5) return answer;
    await sleep(1_000);
  }
}

const ask = ({ endpoint, token }: CloudApi, method: string, path: string): Promise<Response> =>
  fetch(new URL(endpoint.replace(/\/+$/, "") + path), {
    method,
    redirect: "error",
    headers: { authorization: `Bearer ${token}` },
  });

const refused = ({ name }: CloudApi, what: string, { status }: Response) =>
  new SetupError([
    {
      what: `${name} answered ${status} to ${what}.`,
      why: "A run that was killed left something half-made there, which has to go before it is made again.",
      remedy: "Run the command again; if that does not help, remove it in the cloud's own dashboard.",
    },
  ]);
