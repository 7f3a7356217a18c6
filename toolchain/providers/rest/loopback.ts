import { notYetKnown } from "../plugin/properties.ts";
import { type Type, text } from "../plugin/types.ts";

/** A stand-in for a cloud's provider was pointed at something that is not a fake on this machine. */
export class NotLoopbackError extends Error {
  override readonly name = "NotLoopbackError";

  constructor(provider: string, setting: string, endpoint: string) {
    super(
      `the ${provider} stand-in was asked to talk to ${endpoint}. It speaks only to fakes on this machine: it is no ` +
        "provider for a real account. Nothing was sent and nothing was changed. For a real account let this machine " +
        `download Pulumi's own plugins; for a fake set ${setting} to its address, http://127.0.0.1:<port>.`,
    );
  }
}

/** By number, since a name can mean anything. */
const isLoopback = (hostname: string): boolean =>
  /^127(\.\d{1,3}){3}$/.test(hostname) || hostname === "[::1]";

/** The endpoint as a URL; refuses whatever is not a loopback address. */
export const loopback = (provider: string, setting: string, endpoint: string): URL => {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || !isLoopback(url.hostname)) {
    throw new NotLoopbackError(provider, setting, endpoint);
  }
  return url;
};

/** The setting of an endpoint: any other is refused before the stack's state can hold it. */
export const loopbackEndpoint = (provider: string, setting: string): Type<string> => ({
  ...text,
  failures: (value, property) => {
    const wrong = text.failures(value, property);
    if (wrong.length > 0 || value === notYetKnown) return wrong;
    try {
      loopback(provider, setting, value as string);
      return [];
    } catch (error) {
      return [{ property, reason: (error as Error).message }];
    }
  },
});
