import type { Problem } from "./problem.ts";

/** Something of which a host has one of each: a port, a subnet. */
export interface Claim<Value> {
  /** Undefined while the config does not say it rightly; such a claim clashes with none. */
  host: string | undefined;
  value: Value;
  path: string;
  /** The value follows from a tenant's name instead of standing in the config. */
  derived?: boolean;
}

/**
 * One problem for every claim whose value an earlier one has: who comes later gives way. The remedy names the next
 * value that is free, which `next` leads to; a host holds far fewer tenants than there are values.
 */
export function clashes<Value extends string | number>(
  claims: Claim<Value>[],
  next: (claim: Claim<Value>, value: Value) => Value,
): Problem[] {
  const owners = new Map<string, string>();
  const slot = ({ host }: Claim<Value>, value: Value) => `${host} ${value}`;
  const clashing = claims.flatMap((claim) => {
    const owner = owners.get(slot(claim, claim.value));
    if (owner === undefined && claim.host !== undefined) owners.set(slot(claim, claim.value), claim.path);
    return owner === undefined ? [] : [{ claim, owner }];
  });
  return clashing.map(({ claim, owner }) => {
    let free = claim.value;
    while (owners.has(slot(claim, free))) free = next(claim, free);
    owners.set(slot(claim, free), claim.path);
    return {
      path: claim.path,
      found: `${claim.value}${claim.derived ? " (from the tenant's name)" : ""}, which ${owner} already has on host "${claim.host}"`,
      remedy: `set ${claim.path} to ${free}, which is free there`,
    };
  });
}

/** Explicit values first: they win over those that follow from a name. */
export const explicitFirst = <Value>(claims: Claim<Value>[]): Claim<Value>[] =>
  claims.toSorted((a, b) => Number(a.derived) - Number(b.derived));
