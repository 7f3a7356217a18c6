import { dockerName } from "../../components/container.ts";
import { databaseUrl } from "../../components/tenant/environment.ts";
import { replicasConnection } from "../commands/replicas-connection.ts";
import type { StepContext } from "../saga/saga.ts";
import { placeOf, type TenantPlace } from "../tenant-place.ts";
import { passwordOf } from "./password.ts";
import { PromotionFound, PromotionRequest } from "./request.ts";

/** A tenant that goes from SQLite to Postgres, and everything by which it is reached. */
export interface Subject {
  tenant: string;
  place: TenantPlace;
  /** Name of its container. */
  container: string;
  request: PromotionRequest;
  found: PromotionFound;
}

/** What the steps of a promotion work on. */
export const subjectOf = async ({ tenant, invocation, request, found }: StepContext): Promise<Subject> => ({
  tenant,
  place: await placeOf(invocation, tenant),
  container: dockerName({ stack: invocation.stack, role: "tenant", of: tenant }),
  request: PromotionRequest.parse(request),
  found: PromotionFound.parse(found),
});

/** What sync-runtime/promote is asked with; the replica is never one that is held. */
export async function fillingOf({ invocation, tenant }: StepContext, { place, request }: Subject) {
  const password = await passwordOf(invocation, tenant);
  return {
    connection: replicasConnection(invocation.stack, place.last),
    ...{ tenant, to: databaseUrl({ url: request.url, password }) },
    ...{ leaveOut: request.leaveOut, force: request.force, held: false },
  };
}
