import { createPublicKey } from "node:crypto";
import { errors, type JWTPayload, jwtVerify } from "jose";
import { ApiProblem } from "./problem.ts";

/** What a token may allow. `operate` includes reading. */
export type Scope = "read" | "operate";

/** The longest a token may be valid, seconds: one that leaks is worth little. */
const LONGEST_S = 600;

/** Whether a token's scopes allow what a route asks for. */
export const allows = (granted: readonly string[], asked: Scope): boolean =>
  granted.includes(asked) || granted.includes("operate");

/** Checks operators' tokens: EdDSA by one of the given keys, short-lived, meant for this cluster's API. */
export class TokenGate {
  readonly #keys: ReturnType<typeof createPublicKey>[];

  /** @param keys public keys, SPKI in PEM; several while one is being replaced */
  constructor(keys: readonly string[]) {
    this.#keys = keys.map((key) => createPublicKey(key));
  }

  /** Resolves when the header carries a token that allows the scope; throws the {@link ApiProblem} to answer otherwise. */
  async require(authorization: string | undefined, scope: Scope): Promise<void> {
    const token = /^Bearer ([^\s]+)$/.exec(authorization ?? "")?.[1];
    if (!token)
      throw new ApiProblem(401, "Unauthorized", "Send an operator's token: Authorization: Bearer <JWT>.");
    const { scope: granted } = await this.#verify(token);
    if (typeof granted !== "string" || !allows(granted.split(" "), scope))
      throw new ApiProblem(403, "Forbidden", `The token's scope does not include ${scope}.`);
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
        throw new ApiProblem(401, "Unauthorized", `The token is not accepted: ${found}. Sign a new one.`);
      }
    }
    throw new ApiProblem(401, "Unauthorized", "The token is not signed by an operator's key of this stack.");
  }
}
