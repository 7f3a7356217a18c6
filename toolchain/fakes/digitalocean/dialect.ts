import type { z } from "zod";
import type { Allowance, Dialect, Refusal } from "../http/dialect.ts";
import type { Answer } from "../http/route.ts";

/** An error as DigitalOcean's API answers it. */
export class ApiError extends Error {
  readonly status: number;
  readonly id: string;

  constructor(status: number, id: string, message: string) {
    super(message);
    this.status = status;
    this.id = id;
  }
}

export const notFound = (): ApiError =>
  new ApiError(404, "not_found", "The resource you requested could not be found.");

export const unprocessable = (message: string): ApiError =>
  new ApiError(422, "unprocessable_entity", message);

const refusals: Record<Refusal, [status: number, id: string, message: string]> = {
  unauthorized: [401, "Unauthorized", "Unable to authenticate you"],
  "not-found": [404, "not_found", "The resource you requested could not be found."],
  "other-method": [405, "method_not_allowed", "The method is not allowed for this resource."],
  "bad-json": [400, "bad_request", "The request body is not JSON that could be read."],
  "rate-limit": [429, "too_many_requests", "API Rate limit exceeded."],
  "server-error": [500, "server_error", "Unexpected server-side error"],
  unavailable: [503, "service_unavailable", "The service is temporarily unavailable."],
};

const said = (status: number, id: string, message: string): Answer => ({ status, body: { id, message } });

export const dialect: Dialect = {
  refusal: (why, { retryAfter }) => ({
    ...said(...refusals[why]),
    ...(why === "rate-limit" ? { headers: { "retry-after": String(retryAfter) } } : {}),
  }),
  headers: ({ limit, remaining, resetAt }: Allowance) => ({
    "ratelimit-limit": String(limit),
    "ratelimit-remaining": String(remaining),
    "ratelimit-reset": String(Math.ceil(resetAt.getTime() / 1000)),
  }),
  error: (error) => (error instanceof ApiError ? said(error.status, error.id, error.message) : undefined),
};

/** A body as a typed value; what does not fit is answered as the API does, naming the first problem. */
export const parsed = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw unprocessable(`${issue?.path.join(".") ?? "body"}: ${issue?.message ?? "is invalid"}`);
};
