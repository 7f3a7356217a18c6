/** What a client asked, taken apart. */
export interface Call {
  method: string;
  /** With the API's prefix, without the query. */
  path: string;
  /** Values of the pattern's `:names`. */
  params: Record<string, string>;
  query: URLSearchParams;
  /** The JSON body; undefined where none was sent. */
  body: unknown;
}

export interface Answer {
  status: number;
  /** Sent as JSON; absent where the answer has no body (204). */
  body?: unknown;
  headers?: Record<string, string>;
  /** Path of what this call made: a lagging cloud does not find it there at once. */
  created?: string;
}

export type Handler = (call: Call) => Answer | Promise<Answer>;

/** One operation of an API: `GET /v2/droplets/:id`. */
export interface Route {
  method: string;
  path: string;
  handle: Handler;
}

export const route = (method: string, path: string, handle: Handler): Route => ({ method, path, handle });

/** The values of a pattern's names where the path fits it. */
const paramsOf = (pattern: string, path: string): Record<string, string> | undefined => {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] as string;
    if (!part.startsWith(":")) {
      if (part !== value) return undefined;
    } else if (value === "") return undefined;
    else params[part.slice(1)] = decodeURIComponent(value);
  }
  return params;
};

/** The operation a request means; "other-method" where the path exists but not for this method. */
export const routed = (
  routes: readonly Route[],
  method: string,
  path: string,
): { route: Route; params: Record<string, string> } | "other-method" | undefined => {
  let known = false;
  for (const candidate of routes) {
    const params = paramsOf(candidate.path, path);
    if (!params) continue;
    if (candidate.method === method) return { route: candidate, params };
    known = true;
  }
  return known ? "other-method" : undefined;
};
