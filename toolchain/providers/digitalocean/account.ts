import { setTimeout as sleep } from "node:timers/promises";
import type { Properties } from "../plugin/properties.ts";
import { type Filled, field, number, text } from "../plugin/types.ts";
import { loopback, loopbackEndpoint } from "../rest/loopback.ts";
import { RestClient } from "../rest/rest-client.ts";

const endpointSetting = "digitalocean:apiEndpoint";

/** Provider settings; the Spaces ones are taken and not used. */
export const settings = {
  token: field(text),
  apiEndpoint: field(loopbackEndpoint("digitalocean", endpointSetting), {
    default: "https://api.digitalocean.com",
  }),
  httpRetryMax: field(number, { default: 4 }),
  httpRetryWaitMin: field(number, { default: 1 }),
  httpRetryWaitMax: field(number, { default: 30 }),
  requestsPerSecond: field(number),
  spacesEndpoint: field(text),
  spacesAccessId: field(text),
  spacesSecretKey: field(text),
};

type Settings = Filled<typeof settings>;

/** An action as the API shows it. */
export interface ActionView {
  id: number;
  status: "in-progress" | "completed" | "errored";
  type: string;
}

/** Between two looks at something that is under way. */
const lookEvery = 250;

/** What an API error says; its id stands before it in the real one's words, too. */
const reasonOf = (body: unknown): string =>
  (body as { message?: string } | undefined)?.message ?? "answered without a reason";

/** A DigitalOcean account. */
export class DigitalOcean extends RestClient {
  /** Waits until `look` answers something; the signal ends it. */
  async until<T>(signal: AbortSignal, look: () => Promise<T | undefined>): Promise<T> {
    for (;;) {
      const seen = await look();
      if (seen !== undefined) return seen;
      await sleep(lookEvery, undefined, { signal });
    }
  }

  /** Waits for an action; one that errored is an error. */
  async completed({ id, type }: ActionView, signal: AbortSignal): Promise<void> {
    const ended = await this.until(signal, async () => {
      const { action } = await this.send<{ action: ActionView }>("GET", `/v2/actions/${id}`, signal);
      return action.status === "in-progress" ? undefined : action;
    });
    if (ended.status === "errored") throw new Error(`the action ${type} (${id}) ended as errored`);
  }

  /** Starts an action and waits for it. A droplet that is busy with another is asked again. */
  async act(path: string, body: object, signal: AbortSignal): Promise<void> {
    const action = await this.until(signal, () =>
      this.send<{ action: ActionView }>("POST", `${path}/actions`, signal, body).then(
        (answer) => answer.action,
        (error: Error) => {
          if (error.message.includes("has a pending event")) return undefined;
          throw error;
        },
      ),
    );
    await this.completed(action, signal);
  }

  /** Brings the tags of a droplet or volume from one list to another. */
  async retag(
    of: { id: string; type: "droplet" | "volume" },
    before: readonly string[],
    after: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const resources = [{ resource_id: of.id, resource_type: of.type }];
    for (const tag of before.filter((each) => !after.includes(each))) {
      await this.send("DELETE", `/v2/tags/${encodeURIComponent(tag)}/resources`, signal, { resources });
    }
    for (const tag of after.filter((each) => !before.includes(each))) {
      await this.send("POST", "/v2/tags", signal, { name: tag });
      await this.send("POST", `/v2/tags/${encodeURIComponent(tag)}/resources`, signal, { resources });
    }
  }
}

/** The account of a configuration; reached with the first operation, not before. */
export const account = (config: Properties): DigitalOcean => {
  const given = config as Settings;
  const token = given.token ?? process.env.DIGITALOCEAN_TOKEN ?? process.env.DIGITALOCEAN_ACCESS_TOKEN;
  const endpoint = loopback("digitalocean", endpointSetting, given.apiEndpoint);
  return new DigitalOcean({
    endpoint,
    token: token ?? "",
    retries: given.httpRetryMax,
    waitMin: given.httpRetryWaitMin,
    waitMax: given.httpRetryWaitMax,
    reason: reasonOf,
  });
};

/** Puts what went wrong into the words the real plugin begins with. */
export const failing =
  (words: string) =>
  (error: Error): never => {
    throw new Error(`${words}: ${error.message}`, { cause: error });
  };
