import * as z from "zod";
import { PROBLEMS, type ProblemKind, problemType } from "./problem-kind.ts";
import type { Route } from "./route.ts";

/** A JSON value of the document. */
type Json = Record<string, unknown>;

/**
 * The OpenAPI document of declared routes. It is made from the very schemas that parse, so it cannot say anything else
 * than the server does; zod writes the schemas, this puts them where OpenAPI wants them.
 */
export const openApiDocument = (routes: readonly Route[]): Json => ({
  openapi: "3.1.0",
  info: {
    title: "Fleet sync API",
    version: "1",
    description:
      "What a node of the sync pair answers. Either node answers everything; both share their state. See docs/api.md for how to get a token.",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  servers: [{ url: "/" }],
  paths: Object.fromEntries(
    [...Map.groupBy(routes, ({ path }) => path)].map(([path, those]) => [
      path,
      Object.fromEntries(those.map((route) => [route.method.toLowerCase(), operation(route)])),
    ]),
  ),
  components: {
    schemas: { Problem: inputSchema(Problem) },
    parameters: { IdempotencyKey },
    responses: Object.fromEntries(kinds.map((kind) => [kind, failure([kind])])),
    securitySchemes: {
      token: {
        type: "http",
        scheme: "bearer",
        bearerFormat: "JWT",
        description:
          "Signed with EdDSA by an operator's key of the stack, for the audience `owui-cluster`, with `sub`, `jti` and at most ten minutes between `iat` and `exp`. Its `scope` is read, operate (includes read) or admin (includes both).",
      },
    },
  },
});

const kinds = Object.keys(PROBLEMS) as ProblemKind[];

/** What problem.ts sends, as RFC 9457 has it. */
const Problem = z.object({
  type: z.enum(kinds.map(problemType)).describe("Tells kinds apart, for ever the same"),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe("What is wrong with this request, and what to do"),
  instance: z.string().describe("This one occurrence; the node's log has the same id"),
  errors: z
    .array(
      z.object({
        detail: z.string(),
        pointer: z.string().optional().describe("Of a body: JSON pointer"),
        parameter: z.string().optional().describe("Of the path, the query or a header: name"),
      }),
    )
    .optional()
    .describe("Every field that is not as declared"),
});

function operation(route: Route): Json {
  const { method, path, scope, summary, description, params, query, body } = route;
  return {
    operationId: operationId(method, path),
    tags: [tagOf(path)],
    summary,
    ...(description ? { description } : {}),
    security: scope === "public" ? [] : [{ token: [scope] }],
    "x-scope": scope,
    parameters: [
      ...parameters("path", params),
      ...parameters("query", query),
      ...parameters("header", route.headers),
      ...headers(method),
    ],
    ...(body
      ? { requestBody: { required: true, content: { "application/json": { schema: inputSchema(body) } } } }
      : {}),
    responses: { ...success(route), ...failures(route) },
  };
}

/** `getApiV1SyncStatus` without what all have in common: `getSyncStatus`. */
const operationId = (method: string, path: string): string =>
  method.toLowerCase() +
  path
    .replace("/api/v1", "")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");

/** The noun a route is about: `sync`, `cluster`. */
const tagOf = (path: string): string => path.replace("/api/v1", "").split("/")[1]?.split(".")[0] ?? "";

function parameters(place: "path" | "query" | "header", schema: z.ZodObject | undefined): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = inputSchema(schema) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    ...(description ? { description } : {}),
    schema: property,
  }));
}

/** What every write takes. */
const headers = (method: Route["method"]): Json[] =>
  method === "GET" ? [] : [{ $ref: "#/components/parameters/IdempotencyKey" }];

const IdempotencyKey: Json = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description:
    "A key of the client's own for this one request, kept for a day with what it was answered: sent again, to either node, the request is answered the same and does nothing. A request that was refused did nothing and can be sent again with its key.",
  schema: { type: "string", pattern: "^[\\x21-\\x7e]{1,200}$" },
};

const success = ({ status = 200, contentType = "application/json", answer, summary }: Route): Json => ({
  [status]: {
    description: summary,
    content: { [contentType.split(";")[0] as string]: { schema: outputSchema(answer) } },
  },
});

/** Statuses of everything that can go wrong, each with its kinds. */
function failures(route: Route): Json {
  const byStatus = Map.groupBy(problemsOf(route), (kind) => PROBLEMS[kind].status);
  return Object.fromEntries(
    [...byStatus].map(([status, [kind, ...more]]) => [
      status,
      more.length === 0
        ? { $ref: `#/components/responses/${kind}` }
        : failure([kind as ProblemKind, ...more]),
    ]),
  );
}

const failure = (kinds: readonly ProblemKind[]): Json => ({
  description: kinds.map((kind) => `${PROBLEMS[kind].title} (\`${problemType(kind)}\`)`).join("; "),
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
});

/** The kinds a route may answer: its own, and what its declaration brings along. */
export const problemsOf = ({ method, scope, problems = [] }: Route): ProblemKind[] => [
  "invalid-request",
  ...(scope === "public" ? [] : (["not-authenticated", "not-allowed"] as const)),
  ...problems,
  "request-too-slow",
  ...(method === "GET" ? [] : (["under-way", "body-too-large", "not-json", "key-reused"] as const)),
  "too-many-requests",
  "headers-too-large",
  "internal",
  "unavailable",
];

const inputSchema = (schema: z.ZodType): Json => jsonSchema(schema, "input");
const outputSchema = (schema: z.ZodType): Json => jsonSchema(schema, "output");

/** A schema as it stands in the document: moments are what `JSON.stringify` makes of them. */
function jsonSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === "date")
        Object.assign(jsonSchema, { type: "string", format: "date-time" });
      // An answer may get more fields one day; its readers are to ignore those.
      if (io === "output" && jsonSchema.additionalProperties === false)
        delete jsonSchema.additionalProperties;
    },
  });
  return json;
}
