import { agentTls } from "../../components/host/agent.ts";
import { forwardConfig } from "../../components/host/site.ts";
import type { MoveSide } from "../on-host/tenant-move.ts";
import { until } from "../until.ts";
import { answersSite } from "./site.ts";
import { addressOf, type Subject } from "./subject.ts";

/** In nginx' image, as Debian keeps them. */
const publicAuthorities = "/etc/ssl/certs/ca-certificates.crt";
/** Of the stack itself, below a host's data root: what every agent believes. */
const ownAuthorities = `${agentTls.path}/ca.crt`;

/**
 * Has the host that a tenant left lead to the one where it is, for whoever still comes there: names are remembered for some
 * minutes. Not for a name that a proxy holds, which comes to the other host from one moment to the next. False: it does not.
 */
export async function forward({ last, spec }: Subject, from: MoveSide, to: MoveSide): Promise<boolean> {
  const { https } = from.spec;
  if (spec.proxied || from.spec.kind === "local" || to.spec.kind === "local" || !https) return false;
  const certified = spec.certificate === "acme";
  const text = forwardConfig(
    { ...from.spec, https },
    {
      tenant: spec.id,
      domain: spec.domain,
      certificate: certified ? `acme/certificates/${spec.id}.pem` : `tls/${spec.id}.pem`,
      authorities: certified ? publicAuthorities : `tls/${spec.id}.moved.pem`,
      address: addressOf(last, to.spec),
      port: to.spec.https?.port ?? 443,
    },
  );
  // Without it users wait for the name; nothing is worse than that.
  return from.act("forward", { TRUST: certified ? "" : ownAuthorities }, text).then(
    () => true,
    () => false,
  );
}

/** Whether whoever comes to the host it left is served; its nginx takes a moment to take what was changed. */
export async function isForwarded({ last, spec }: Subject, from: MoveSide): Promise<boolean> {
  const address = addressOf(last, from.spec);
  const look = async () => (await answersSite(from.spec, address, spec)) || undefined;
  return (await until(look, { patienceMs: 10_000, lookMs: 250 })) ?? false;
}
