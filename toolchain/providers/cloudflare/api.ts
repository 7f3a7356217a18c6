import { notYetKnown, type Properties } from "../plugin/properties.ts";
import { type Filled, field, type Type, text } from "../plugin/types.ts";
import { loopback, loopbackEndpoint } from "../rest/loopback.ts";
import { RestClient } from "../rest/rest-client.ts";

const endpointSetting = "cloudflare:baseUrl";

/** The real plugin refuses others before it sends any. */
const apiToken: Type<string> = {
  ...text,
  failures: (value, property) => {
    const wrong = text.failures(value, property);
    if (wrong.length > 0 || value === notYetKnown || /^[0-9A-Za-z_-]{40,80}$/.test(String(value)))
      return wrong;
    return [
      { property, reason: "API tokens must be 40 to 80 characters of a-z, A-Z, 0-9, hyphen and underscore" },
    ];
  },
};

/** Provider settings. Keys of the older kind are refused: they open everything. */
export const settings = {
  apiToken: field(apiToken),
  baseUrl: field(loopbackEndpoint("cloudflare", endpointSetting), {
    default: "https://api.cloudflare.com/client/v4",
  }),
  userAgentOperatorSuffix: field(text),
};

type Settings = Filled<typeof settings>;

/** What every answer stands in. */
export interface Envelope<T> {
  result: T;
  errors: { code: number; message: string }[];
}

const reasonOf = (body: unknown): string => {
  const errors = (body as Partial<Envelope<unknown>> | undefined)?.errors ?? [];
  return errors.map(({ code, message }) => `${message} (${code})`).join("; ") || "answered without a reason";
};

/** Cloudflare's API; paths are given as they follow the base address: `zones/…`. */
export class Cloudflare extends RestClient {
  /** An answer without its envelope. */
  async ask<T>(method: string, path: string, signal: AbortSignal, body?: unknown): Promise<T> {
    return (await this.send<Envelope<T>>(method, path, signal, body)).result;
  }

  /** The same for what may not be there. */
  async look<T>(path: string, signal: AbortSignal): Promise<T | undefined> {
    return (await this.find<Envelope<T>>(path, signal))?.result;
  }
}

/** The API of a configuration; reached with the first operation, not before. */
export const cloudflareApi = (config: Properties): Cloudflare => {
  const given = config as Settings;
  const base = loopback("cloudflare", endpointSetting, given.baseUrl);
  return new Cloudflare({
    endpoint: new URL(`${base.href.replace(/\/+$/, "")}/`),
    token: given.apiToken ?? process.env.CLOUDFLARE_API_TOKEN ?? "",
    ...{ retries: 4, waitMin: 0.5, waitMax: 8 },
    reason: reasonOf,
  });
};
