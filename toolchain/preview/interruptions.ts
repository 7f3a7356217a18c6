import type { Interruption } from "./change.ts";

/**
 * For how long users got no answer while `up` replaced their tenant's container: asked twenty times a second through
 * nginx on a machine of 2 cores that had other work too, 14.5 s to 30.8 s.
 */
const tenantSeconds = 30;

/** A tenant's container is replaced. */
export const tenantRestarts: Interruption = {
  who: "its users",
  lasts: `about ${tenantSeconds} s`,
  seconds: tenantSeconds,
};

/** A tenant's container goes and none comes. */
export const tenantGone: Interruption = { who: "its users", lasts: "until it is declared again" };

/** A name is given up. */
export const addressGone: Interruption = { who: "whoever uses the old address", lasts: "for good" };

/** A host's nginx is replaced: stopping, starting and its first good answer. */
export const nginxRestarts: Interruption = { who: "every tenant on it", lasts: "some seconds" };

/** A host goes away for as long as the cloud takes. */
export const hostAway: Interruption = { who: "every tenant on it", lasts: "some minutes" };

/** A host goes away until an operator has put it right. */
export const hostGone: Interruption = { who: "every tenant on it", lasts: "until it is brought back" };

/** The database of the replicas goes. */
export const replicasGone: Interruption = { who: "every replica", lasts: "for good" };
