import type { X509Certificate } from "node:crypto";
import type { Readable } from "node:stream";
import type * as z from "zod";
import type { Certificates } from "../../certificates.ts";
import type { AgentClient } from "../agent-client.ts";
import type { Lease } from "../lease.ts";
import type { NodeContext } from "../node-context.ts";
import type { Statements } from "../postgres.ts";
import type { StateCache } from "../state-cache.ts";
import type { EventHub } from "./event-hub.ts";
import type { ProblemKind } from "./problem-kind.ts";
import type { Caller, Scope } from "./token.ts";

/**
 * What a route is, declared once: the server parses and authorises by it, and the OpenAPI document, its description, and
 * the tests of who may do what are made from it.
 */
export interface RouteDeclaration<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answer extends z.ZodType,
  Headers extends z.ZodObject = z.ZodObject,
> {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** As OpenAPI writes it: `/api/v1/sync/trigger/{tenant}`. Each parameter is a field of `params`. */
  path: string;
  /** What a token has to allow; `public` asks for no token. */
  scope: Scope | "public";
  /** Open as well to whoever shows the certificate of what watches the cluster (monitor.ts), without a token. */
  watched?: true;
  /** One line, in the imperative. */
  summary: string;
  /** What a caller should know besides; Markdown. */
  description?: string;
  params?: Params;
  /** A strict object, so that a misspelt parameter is an error. */
  query?: Query;
  /** By lower-case name; others are not looked at. */
  headers?: Headers;
  /** Without it a body is refused. */
  body?: Body;
  /** Parses what the function gives, so nothing leaves that is not declared; a `z.date()` is sent as ISO 8601. */
  answer: Answer;
  /** Of the answer; JSON unless another is named. */
  contentType?: string;
  /** Of a success; 200 unless another is given. */
  status?: 200 | 202;
  /** Kinds that this route's function answers; what any route may answer is known. */
  problems?: readonly ProblemKind[];
}

/** A request whose parts are what the route declares, from a caller who may make it. */
export interface Call<Params, Query, Body, Headers = unknown> {
  params: Params;
  query: Query;
  headers: Headers;
  body: Body;
  caller: Caller;
}

/** What every route's function is given. */
export interface ApiContext extends Omit<NodeContext, "postgres"> {
  /** Of a write: one transaction, which holds its record in the audit log too. */
  postgres: Statements;
  lease: Lease;
  /** What the node knows of tenants and hosts, to be told; what is decided on is read from Postgres. */
  states: StateCache;
  /** Of the hosts, to be asked what lies there. */
  agents: Pick<AgentClient, "inventory">;
  /** The certificate that the node shows. */
  certificate: () => X509Certificate;
  /** Every certificate that the node shows, believes or was shown. */
  certificates: Pick<Certificates, "ends" | "see">;
  /** What happens, for whoever listens. */
  events: EventHub;
}

/** An answer that was parsed by what the route declares, and written, before. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A declared route with its function, as the server takes it. */
export interface Route extends RouteDeclaration<z.ZodObject, z.ZodObject, z.ZodType, z.ZodType> {
  /** Rows of Postgres may be given as they are: `answer` parses them. A stream and a {@link JsonText} are sent as they come. */
  handle: (call: Call<never, never, never, never>, api: ApiContext) => Promise<unknown | Readable>;
}

/** Declares a route; the function's parameters are typed by the schemas. */
export const route = <
  Answer extends z.ZodType,
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodUndefined,
  Headers extends z.ZodObject = z.ZodObject,
>(
  declaration: RouteDeclaration<Params, Query, Body, Answer, Headers>,
  handle: (
    call: Call<z.output<Params>, z.output<Query>, z.output<Body>, z.output<Headers>>,
    api: ApiContext,
  ) => Promise<unknown>,
): Route => ({ ...declaration, handle });
