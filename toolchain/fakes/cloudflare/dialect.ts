import { z } from "zod";
import type { Allowance, Dialect, Refusal } from "../http/dialect.ts";
import type { Answer, Call } from "../http/route.ts";

/** An error as Cloudflare's API answers it. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const failed = (status: number, code: number, message: string): Answer => ({
  status,
  body: { success: false, errors: [{ code, message }], messages: [], result: null },
});

/** A success in the API's envelope. */
export const succeeded = (result: unknown, more: object = {}): Answer => ({
  status: 200,
  body: { success: true, errors: [], messages: [], result, ...more },
});

const refusals: Record<Refusal, [status: number, code: number, message: string]> = {
  unauthorized: [403, 9109, "Invalid access token"],
  "not-found": [404, 7000, "No route for that URI"],
  "other-method": [405, 10405, "Method not allowed for this authentication scheme"],
  "bad-json": [400, 9207, "Request body is invalid."],
  "rate-limit": [429, 971, "Please wait and consider throttling your request speed"],
  "server-error": [500, 10000, "Internal error"],
  unavailable: [503, 10000, "Service unavailable"],
};

export const dialect: Dialect = {
  refusal: (why, { retryAfter }) => ({
    ...failed(...refusals[why]),
    ...(why === "rate-limit" ? { headers: { "retry-after": String(retryAfter) } } : {}),
  }),
  headers: ({ limit, remaining, retryAfter }: Allowance) => ({
    ratelimit: `"default";r=${remaining};t=${retryAfter}`,
    "ratelimit-policy": `"default";q=${limit};w=300`,
  }),
  error: (error) => (error instanceof ApiError ? failed(error.status, error.code, error.message) : undefined),
};

/** A body as a typed value; what does not fit is answered as the API does, naming the first problem. */
export const parsed = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ApiError(400, 1004, `${issue?.path.join(".") ?? "body"}: ${issue?.message ?? "is invalid"}`);
};

const query = z.object({
  page: z.coerce.number().int().min(1).default(1),
  per_page: z.coerce.number().int().min(1).max(5_000_000).default(100),
});

/** One page of a list, with `result_info`. */
export const page = (all: readonly unknown[], call: Call): Answer => {
  const { page: current, per_page: size } = parsed(query, Object.fromEntries(call.query));
  const shown = all.slice((current - 1) * size, current * size);
  return succeeded(shown, {
    result_info: {
      page: current,
      per_page: size,
      count: shown.length,
      total_count: all.length,
      total_pages: Math.ceil(all.length / size),
    },
  });
};
