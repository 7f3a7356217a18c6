/** The fleet of one stack: its config parsed, everything in it declared, what operators need exported. */
import * as pulumi from "@pulumi/pulumi";
import { Acme } from "./components/acme.ts";
import { Backups } from "./components/backups.ts";
import { CertificateAuthority } from "./components/certificate-authority.ts";
import { ClientHost } from "./components/client-host.ts";
import { nameService } from "./components/dns.ts";
import { Edge } from "./components/edge.ts";
import { declareMachines } from "./components/machine.ts";
import { Monitoring } from "./components/monitoring.ts";
import { readFleet } from "./components/read-fleet.ts";
import { SyncCluster } from "./components/sync-cluster.ts";
import { SyncDatabase } from "./components/sync-database.ts";
import { Tenant } from "./components/tenant.ts";
import { Trust } from "./components/trust.ts";
import { Writer } from "./components/writer.ts";

// The SDK takes a stack trace for each output of each resource and maps it through source maps, a third of a large
// preview's time. These files run as they are written, so there is nothing to map.
Reflect.deleteProperty(Error, "prepareStackTrace");

const fleet = readFleet();
const { stack, running, sync } = fleet;
const authority = new CertificateAuthority("authority", fleet.certificates);
const names = await nameService(fleet.dns, (name) => new CertificateAuthority(name, fleet.certificates));
const machines = declareMachines({ ...fleet, proxy: names.proxy });
const trust = new Trust("trust", {
  ...{ authority, sync, machines, tenants: fleet.tenants },
  monitored: fleet.monitoring.enabled,
});

const clientHosts = new Map(
  machines.map((machine) => {
    const { id } = machine.spec;
    const own = fleet.tenants.filter(({ host }) => host === id);
    const backedUp = fleet.backups !== undefined && own.length > 0;
    const args = { stack, running, machine, tenants: own, cluster: sync, authority, backedUp };
    return [id, new ClientHost(id, args)];
  }),
);
const control = hostOf(sync.host);

const database = new SyncDatabase("database", {
  stack,
  running,
  spec: sync,
  tenants: fleet.tenants.map(({ id }) => id),
  host: control,
  authority,
});

const acme = fleet.acme && new Acme({ stack, spec: fleet.acme });
const edge = new Edge({ authority, names, acme, today: new Date().toISOString().slice(0, 10) });
const declared = fleet.tenants.map((spec) => {
  const args = { stack, spec, host: hostOf(spec.host), replicas: database, edge };
  return new Tenant(spec.id, { ...args, running: running && spec.running });
});

for (const host of clientHosts.values()) {
  const written = declared.filter(({ spec }) => spec.host === host.spec.id && spec.sync.direction === "both");
  if (written.length > 0)
    new Writer(`${host.spec.id}-writer`, {
      stack,
      running,
      host,
      tenants: written,
      cluster: sync,
      authority,
    });
}

const passphrases = fleet.backups
  ? [...clientHosts.values()].flatMap((host) => {
      const own = declared.filter(({ spec }) => spec.host === host.spec.id);
      if (own.length === 0 || !fleet.backups) return [];
      const args = { stack, running, spec: fleet.backups, host, tenants: own };
      return Object.entries(new Backups(`${host.spec.id}-backups`, args).passwords);
    })
  : undefined;

const cluster = new SyncCluster(sync.cluster, {
  stack,
  running,
  spec: sync,
  watched: fleet.monitoring.enabled,
  database,
  hosts: [...clientHosts.values()],
  tenants: declared,
  authority,
});

const watching =
  fleet.monitoring.enabled &&
  new Monitoring("monitoring", {
    ...{ stack, running, sync, authority },
    spec: fleet.monitoring,
    nodes: cluster.watched,
    host: control,
    hosts: [...clientHosts.values()],
  });
trust.forgetFormer("trust-only");

/** Each tenant's address and first admin, whose password is a secret. */
export const tenants = Object.fromEntries(declared.map(({ spec, url, admin }) => [spec.id, { url, admin }]));

/** Where each node answers. Its certificate is signed by {@link certificateAuthority}. */
export const nodes = cluster.nodes;

/** The machines by their hosts' ids: how operators reach those that are not this one, and what they were set up with. */
export const hosts = Object.fromEntries(
  machines.map(({ spec, address, target, setUp }) => [spec.id, { kind: spec.kind, address, target, setUp }]),
);

/** Id of the host on whose loopback the monitoring answers. */
export const controlHost = sync.host;

/** What each reader of replicas signs in with; the password is a secret. */
export const readers = database.readers;

/** How the cluster's own login reaches the replicas from this machine; the password is a secret. */
export const replicas = database.access;

/** The passphrase of each tenant's repository of backups; secret. Absent where nothing is backed up. */
export const backupPasswords = passphrases && Object.fromEntries(passphrases);

/** The key that signs operators' tokens, PKCS#8 PEM, secret. */
export const operatorKey = cluster.operatorKey;

/** PEM of the stack's own authorities: that which issues, and the next. */
export const certificateAuthority = authority.certificate;

/** Where Prometheus and Alertmanager answer, and the certificate and key (secret) by which they do. */
export const monitoring = watching ? watching.access : undefined;

/** Records that nobody but an operator can set. */
export const dnsRecords = edge.wanted.length > 0 ? edge.wanted : undefined;

/** Every address of the fleet on one page. */
export const urls = declared.map(({ url }) => url);

function hostOf(id: string): ClientHost {
  const host = clientHosts.get(id);
  if (!host) throw new pulumi.RunError(`the parsed config names host "${id}" without declaring it`);
  return host;
}
