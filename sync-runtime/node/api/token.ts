import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import * as z from "zod";
import { ApiProblem } from "./problem.ts";

/** What a token may allow, each including those before it. */
export const SCOPES = ["read", "operate", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** Who makes a request, by a token that was accepted. */
export interface Caller {
  /** The token's `sub`: a person, or a program. */
  subject: string;
  /** The token's `jti`. */
  token: string;
  /** When its right ends, milliseconds since 1970. */
  expires: number;
}

/** The longest a token may be valid, seconds: one that leaks is worth little. */
const LONGEST_S = 600;

/** A genuine token whose scope is too small. */
export class ScopeProblem extends ApiProblem {
  readonly caller: Caller;

  constructor(caller: Caller, scope: Scope) {
    super("not-allowed", `The token's scope does not include ${scope}.`);
    this.caller = caller;
  }
}

/** What a token says beside its times: whoever signs names who it is for, and each token by an id. */
const Claims = z.object({
  sub: z.string().min(1).max(200),
  jti: z.string().min(1).max(200),
  exp: z.number(),
  scope: z.string().catch(""),
});

/** Whether a token's scopes allow what a route asks for. */
export const allows = (granted: readonly string[], asked: Scope): boolean =>
  SCOPES.slice(SCOPES.indexOf(asked)).some((scope) => granted.includes(scope));

/** What tokens name a key by, `kid`: its thumbprint (RFC 7638), so that nobody has to give names. */
export function keyId(key: KeyObject): string {
  const { crv, kty, x } = key.export({ format: "jwk" });
  return createHash("sha256").update(JSON.stringify({ crv, kty, x })).digest("base64url");
}

/** Checks operators' tokens: EdDSA by one of the given keys, short-lived, meant for this cluster's API. */
export class TokenGate {
  readonly #keys: ReadonlyMap<string, KeyObject>;

  /** @param keys public keys, SPKI in PEM: the one that signs, and the former until the next is made */
  constructor(keys: readonly string[]) {
    this.#keys = new Map(keys.map((pem) => createPublicKey(pem)).map((key) => [keyId(key), key]));
  }

  /** Who the header's token is of, if it allows the scope; throws the {@link ApiProblem} to answer otherwise. */
  async require(authorization: string | undefined, scope: Scope): Promise<Caller> {
    const token = /^Bearer ([^\s]+)$/.exec(authorization ?? "")?.[1];
    if (!token) throw refused("Send an operator's token: Authorization: Bearer <JWT>.");
    const { success, data } = Claims.safeParse(await this.#verify(token));
    if (!success) throw refused("The token is not accepted: it has no sub and jti. Sign a new one.");
    const caller = { subject: data.sub, token: data.jti, expires: data.exp * 1000 };
    if (!allows(data.scope.split(" "), scope)) throw new ScopeProblem(caller, scope);
    return caller;
  }

  async #verify(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, this.#keyOf(token), {
        algorithms: ["EdDSA"],
        audience: "owui-cluster",
        requiredClaims: ["exp", "iat"],
        maxTokenAge: LONGEST_S,
      });
      if ((payload.exp as number) - (payload.iat as number) <= LONGEST_S) return payload;
      throw new errors.JWTClaimValidationFailed(
        `it is valid for more than ${LONGEST_S} seconds`,
        payload,
        "exp",
      );
    } catch (error) {
      if (error instanceof ApiProblem) throw error;
      const found = error instanceof errors.JOSEError ? error.message : "it is not a JWT";
      throw refused(`The token is not accepted: ${found}. Sign a new one.`);
    }
  }

  /** The key that the token says it is signed by. */
  #keyOf(token: string): KeyObject {
    const key = this.#keys.get(decodeProtectedHeader(token).kid ?? "");
    if (!key) throw refused("The token's kid names no operator's key of this stack. Sign a new one.");
    return key;
  }
}

const refused = (detail: string): ApiProblem =>
  new ApiProblem("not-authenticated", detail, { headers: { "www-authenticate": "Bearer" } });
