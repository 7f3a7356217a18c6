/**
 * Every way in which a request can fail, by the name that ends its `type` URI. Names and statuses are an interface:
 * clients decide by them, so one that was published keeps its meaning.
 */
export const PROBLEMS = {
  "invalid-request": { status: 400, title: "The request is not as the route declares it" },
  "not-authenticated": { status: 401, title: "There is no token that is accepted" },
  "not-allowed": { status: 403, title: "The token does not allow this" },
  "not-found": { status: 404, title: "There is no such thing" },
  "unknown-tenant": { status: 404, title: "The cluster has no such tenant" },
  "unknown-operation": { status: 404, title: "The cluster has no such operation" },
  "method-not-allowed": { status: 405, title: "The path does not take this method" },
  "request-too-slow": { status: 408, title: "The request did not arrive in time" },
  "not-pending": { status: 409, title: "The conflict does not wait any more" },
  "not-synced": { status: 409, title: "The tenant's database is one that no replica follows" },
  "not-held-for-this": { status: 409, title: "The replica is not held for what was named" },
  "illegal-move": { status: 409, title: "No tenant makes this move" },
  "moved-meanwhile": { status: 409, title: "Somebody else moved the tenant at the same moment" },
  "under-way": { status: 409, title: "Something that has to end first is under way" },
  "tenant-busy": { status: 409, title: "Something else works on the tenant" },
  "not-to-be-had": {
    status: 409,
    title: "The operation is another's, has ended, or cannot be aborted any more",
  },
  "impossible-report": { status: 409, title: "The operation cannot be as it was reported" },
  "body-too-large": { status: 413, title: "The body is larger than any route takes" },
  "not-json": { status: 415, title: "The body is not declared as JSON" },
  "key-reused": { status: 422, title: "The Idempotency-Key belongs to another request" },
  "too-many-requests": { status: 429, title: "The caller asks too often" },
  "headers-too-large": { status: 431, title: "The headers are larger or more than any client needs" },
  "too-many-listeners": { status: 503, title: "The node has as many listeners as it takes" },
  "not-ready": { status: 503, title: "The node is not ready to work" },
  internal: { status: 500, title: "The node has a fault" },
  unavailable: { status: 503, title: "The node cannot answer at the moment" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemKind = keyof typeof PROBLEMS;

/** The URI by which clients tell kinds apart. */
export const problemType = (kind: ProblemKind): string => `urn:owui:problem:${kind}`;
