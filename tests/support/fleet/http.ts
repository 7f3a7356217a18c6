import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { request as secureRequest } from "node:https";
import { text } from "node:stream/consumers";

/** A server on loopback that is addressed by name: `fetch` forbids the Host header that needs. */
export interface Origin {
  address: string;
  port: number;
  /** Sent as Host, with the port. */
  domain: string;
  /** It is asked over TLS, and has to show a certificate that this authority (PEM) signed for the domain. */
  ca?: string;
}

export interface Call {
  method?: string;
  headers?: Record<string, string>;
  /** Sent as JSON, unless it is a Buffer, which is sent as it is. */
  body?: unknown;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Sends a request and resolves at the answer's head, so that a stream can be read as it comes. */
export const open = (origin: Origin, path: string, call: Call = {}): Promise<IncomingMessage> => {
  const raw = Buffer.isBuffer(call.body);
  const body = raw || call.body === undefined ? call.body : JSON.stringify(call.body);
  return new Promise((resolve, reject) => {
    const { ca } = origin;
    const asking = ca === undefined ? request : (secureRequest as typeof request);
    const outgoing = asking({
      ...(ca === undefined ? {} : { ca, servername: origin.domain }),
      host: origin.address,
      port: origin.port,
      path,
      method: call.method ?? (call.body === undefined ? "GET" : "POST"),
      agent: false,
      headers: {
        Host: `${origin.domain}:${origin.port}`,
        ...(call.body === undefined || raw ? {} : { "Content-Type": "application/json" }),
        ...call.headers,
      },
    });
    outgoing.once("response", resolve);
    outgoing.once("error", reject);
    outgoing.end(body);
  });
};

/** Sends a request and reads the whole answer. */
export const fetchWhole = async (origin: Origin, path: string, call?: Call): Promise<Answer> => {
  const incoming = await open(origin, path, call);
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) };
};

/** Sends a request whose answer must be 2xx JSON. */
export const fetchJson = async <T>(origin: Origin, path: string, call?: Call): Promise<T> => {
  const incoming = await open(origin, path, call);
  const body = await text(incoming);
  const status = incoming.statusCode ?? 0;
  if (status < 200 || status > 299) {
    throw new Error(`${call?.method ?? "GET"} ${path} on ${origin.domain}: ${status} ${body.slice(0, 500)}`);
  }
  return JSON.parse(body) as T;
};
