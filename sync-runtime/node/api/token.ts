import { createPublicKey } from "node:crypto";
import { errors, type JWTPayload, jwtVerify } from "jose";
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
}

/** The longest a token may be valid, seconds: one that leaks is worth little. */
const LONGEST_S = 600;

/** What a token says beside its times: whoever signs names who it is for, and each token by an id. */
const Claims = z.object({
  sub: z.string().min(1).max(200),
  jti: z.string().min(1).max(200),
  scope: z.string().catch(""),
});

/** Whether a token's scopes allow what a route asks for. */
export const allows = (granted: readonly string[], asked: Scope): boolean =>
  SCOPES.slice(SCOPES.indexOf(asked)).some((scope) => granted.includes(scope));

/** Checks operators' tokens: EdDSA by one of the given keys, short-lived, meant for this cluster's API. */
export class TokenGate {
  readonly #keys: ReturnType<typeof createPublicKey>[];

  /** @param keys public keys, SPKI in PEM; several while one is being replaced */
  constructor(keys: readonly string[]) {
    this.#keys = keys.map((key) => createPublicKey(key));
  }

  /** Who the header's token is of, if it allows the scope; throws the {@link ApiProblem} to answer otherwise. */
  async require(authorization: string | undefined, scope: Scope): Promise<Caller> {
    const token = /^Bearer ([^\s]+)$/.exec(authorization ?? "")?.[1];
    if (!token) throw refused("Send an operator's token: Authorization: Bearer <JWT>.");
    const { success, data } = Claims.safeParse(await this.#verify(token));
    if (!success) throw refused("The token is not accepted: it has no sub and jti. Sign a new one.");
    if (!allows(data.scope.split(" "), scope))
      throw new ApiProblem("not-allowed", `The token's scope does not include ${scope}.`);
    return { subject: data.sub, token: data.jti };
  }

  async #verify(token: string): Promise<JWTPayload> {
    for (const key of this.#keys) {
      try {
        const { payload } = await jwtVerify(token, key, {
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
        // Another key may be the one that signed it; any other fault is the token's own.
        if (error instanceof errors.JWSSignatureVerificationFailed) continue;
        const found = error instanceof errors.JOSEError ? error.message : "it is not a JWT";
        throw refused(`The token is not accepted: ${found}. Sign a new one.`);
      }
    }
    throw refused("The token is not signed by an operator's key of this stack.");
  }
}

const refused = (detail: string): ApiProblem =>
  new ApiProblem("not-authenticated", detail, { headers: { "www-authenticate": "Bearer" } });
