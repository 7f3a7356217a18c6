import { dockerName } from "../../components/container.ts";
import { siteUrl } from "../../components/host/site.ts";
import { openEnvironment } from "../../components/tenant/environment.ts";
import { ScratchApplication, signInAt } from "../on-host/scratch-application.ts";
import { TenantVersion } from "../on-host/tenant-version.ts";
import type { StepContext } from "../saga/saga.ts";
import { placeOf, type TenantPlace } from "../tenant-place.ts";
import { ChangeFound, ChangeRequest } from "./request.ts";

/** A tenant whose version changes, and everything by which it is reached. */
export interface Subject {
  tenant: string;
  place: TenantPlace;
  host: TenantVersion;
  /** Name of its container. */
  container: string;
  /** Folder with what it had before this operation. */
  aside: string;
  /** Folder with what this operation made, where it was taken back. */
  failed: string;
  request: ChangeRequest;
  found: ChangeFound;
}

/** What the steps of a change of version work on. */
export async function subjectOf({
  tenant,
  invocation,
  operation,
  request,
  found,
}: StepContext): Promise<Subject> {
  const place = await placeOf(invocation, tenant);
  return {
    ...{ tenant, place, aside: `data.before-${operation}`, failed: `data.failed-${operation}` },
    host: new TenantVersion(place.host, invocation.stack, place.spec),
    container: dockerName({ stack: invocation.stack, role: "tenant", of: tenant }),
    request: ChangeRequest.parse(request),
    found: ChangeFound.parse(found),
  };
}

/** The application on a copy of the tenant's data. */
export const scratchOf = ({ place: { last, host }, tenant }: Subject): ScratchApplication =>
  new ScratchApplication(host, last.fleet.stack, `upgrade-${tenant}`);

/** What the tenant's own container is told openly: the copy is told the same. */
export function openSettings({ place: { spec, host } }: Subject): Record<string, string> {
  const lines = openEnvironment(spec, siteUrl(host.spec, spec.domain));
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

/** What is seen of the application that serves, by somebody with a token of its secret key. */
export const seen = ({ place: { last, host }, container }: Subject) =>
  signInAt(host, last.fleet.stack, container);
