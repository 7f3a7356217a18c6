import { describe, expect, test } from "vitest";
import { type Broken, refusal } from "./config.ts";

const broken: Broken = [
  [
    "an unknown key names the nearest known one",
    ({ tenants }) => (tenants.acme.domian = "acme.example"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.domian
    found:  the unknown key "domian"
    remedy: write domain, if that was meant, or remove it; known here: host, domain, formerDomains, proxied, certificate, running, version, image, port, subnet, admin, branding, connections, privateEndpoints, database, persistSettings, environment, memory, cpus, pids, sync, restore, fresh`,
  ],
  [
    "an unknown key deep inside an entry names the nearest known one there",
    ({ tenants }) => (tenants.acme.sync = { intervall: "1m" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.sync.intervall
    found:  the unknown key "intervall"
    remedy: write interval, if that was meant, or remove it; known here: interval, paused, direction, conflicts`,
  ],
  [
    "a table's strategy is one of those there are, for a tenant too",
    ({ tenants }) => (tenants.acme.sync = { conflicts: { defualt: "merge", tables: { user: "last_wins" } } }),
    `Pulumi.local.yaml has 2 problems. Nothing was changed.

  tenants.acme.sync.conflicts.defualt
    found:  the unknown key "defualt"
    remedy: write default, if that was meant, or remove it; known here: default, tables

  tenants.acme.sync.conflicts.tables.user
    found:  "last_wins"
    remedy: choose newest_wins, source_wins, target_wins, merge or manual`,
  ],
  [
    "an unknown key that resembles nothing lists what is known",
    ({ tenants }) => (tenants.acme.admin.favouriteColour = "blue"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.admin.favouriteColour
    found:  the unknown key "favouriteColour"
    remedy: remove it; known here: email, name`,
  ],
  [
    "a site is certified by who can certify it",
    ({ hosts, tenants }) => {
      Object.assign(hosts.local, { https: { port: 8443 } });
      tenants.acme.certificate = "acme";
      tenants.initech = { ...tenants.globex, domain: "initech.localhost", certificate: "letsencrypt" };
    },
    `Pulumi.local.yaml has 2 problems. Nothing was changed.

  tenants.acme.certificate
    found:  "acme" on host "local", which is of kind local: no authority reaches it
    remedy: write self-signed, or leave it out

  tenants.initech.certificate
    found:  "letsencrypt"
    remedy: write acme or self-signed, or leave it out`,
  ],
  [
    "a site without TLS has no certificate",
    ({ tenants }) => (tenants.acme.certificate = "self-signed"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.certificate
    found:  "self-signed" on host "local", which offers no TLS
    remedy: leave it out, or write hosts.local.https: { port: 8443 }`,
  ],
  [
    "a tenant's name is a DNS label",
    ({ tenants }) => (tenants.Acme_Corp = { ...tenants.acme, domain: "corp.localhost" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.Acme_Corp
    found:  "Acme_Corp", which is not a DNS label
    remedy: name the tenant with at most 40 lower-case letters, digits and inner hyphens, such as "acme-corp"`,
  ],
  [
    "a tenant's name has at most 40 characters",
    ({ tenants }) => (tenants["a".repeat(41)] = { ...tenants.acme, domain: "long.localhost" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    found:  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", which is not a DNS label
    remedy: name the tenant with at most 40 lower-case letters, digits and inner hyphens, such as "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`,
  ],
  [
    "a tenant names its host, its domain and its admin",
    ({ tenants }) => (tenants.acme = {}),
    `Pulumi.local.yaml has 3 problems. Nothing was changed.

  tenants.acme.admin
    found:  nothing, and it is required
    remedy: write an entry with email: { email: admin@acme.example }

  tenants.acme.domain
    found:  nothing, and it is required
    remedy: write a bare host name such as chat.acme.example: no scheme, port or path, and international names in their xn-- form

  tenants.acme.host
    found:  nothing, and it is required
    remedy: name one of the hosts`,
  ],
  [
    "a tenant is a mapping",
    ({ tenants }) => (tenants.acme = "local"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme
    found:  a text
    remedy: give it at least host, domain and admin`,
  ],
  [
    "an unknown host names the nearest one",
    ({ tenants }) => (tenants.acme.host = "locl"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.host
    found:  "locl", which is no host of this stack
    remedy: write local, if that was meant, or declare hosts.locl; declared are: local`,
  ],
  [
    "a domain carries no scheme",
    ({ tenants }) => (tenants.acme.domain = "https://acme.example"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.domain
    found:  "https://acme.example"
    remedy: write a bare host name such as chat.acme.example: no scheme, port or path, and international names in their xn-- form`,
  ],
  [
    "a domain is no address",
    ({ tenants }) => (tenants.acme.domain = "192.168.1.10"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.domain
    found:  "192.168.1.10"
    remedy: write a bare host name such as chat.acme.example: no scheme, port or path, and international names in their xn-- form`,
  ],
  [
    "a proxied tenant's names lie in zones, and its host can be reached",
    (config) => {
      const { tenants } = config;
      config.dns = { kind: "cloudflare", zones: ["acme.example"] };
      Object.assign(tenants.acme, { proxied: true, domain: "chat.acme.example" });
      tenants.acme.formerDomains = [{ domain: "chat.notacme.example", until: "2027-03-31" }];
    },
    `Pulumi.local.yaml has 2 problems. Nothing was changed.

  tenants.acme.formerDomains[0].domain
    found:  "chat.notacme.example" of a proxied tenant, which lies in no zone of dns.zones
    remedy: write dns: { kind: cloudflare, zones: [...] } with the zone it lies in, or leave tenants.acme.proxied out

  tenants.acme.proxied
    found:  true on host "local", which is of kind local: Cloudflare cannot reach it
    remedy: leave proxied out, or move the tenant to a host of kind ssh or digitalocean`,
  ],
  [
    "a name that one tenant had is no other's",
    ({ tenants }) => (tenants.globex.formerDomains = [{ domain: "acme.localhost", until: "2027-03-31" }]),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.globex.formerDomains[0].domain
    found:  "acme.localhost", which tenants.acme already has
    remedy: give each tenant a domain of its own; capital letters make no difference`,
  ],
  [
    "a former name has a last day",
    ({ tenants }) => (tenants.acme.formerDomains = [{ domain: "old.localhost", until: "2027-02-30" }]),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.formerDomains[0].until
    found:  "2027-02-30"
    remedy: write a day in quotes, such as "2027-03-31"`,
  ],
  [
    "a domain belongs to one tenant, whatever its capitals",
    ({ tenants }) => (tenants.globex.domain = "ACME.localhost"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.globex.domain
    found:  "acme.localhost", which tenants.acme already has
    remedy: give each tenant a domain of its own; capital letters make no difference`,
  ],
  [
    "an admin's e-mail address is one",
    ({ tenants }) => (tenants.acme.admin.email = "admin at acme"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.admin.email
    found:  "admin at acme"
    remedy: write an e-mail address such as admin@acme.example`,
  ],
  [
    "a version is a release with its v",
    ({ tenants }) => (tenants.acme.version = "0.11"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.version
    found:  "0.11"
    remedy: write a release with its v, such as v0.11.3`,
  ],
  [
    "a number is no version",
    ({ tenants }) => (tenants.acme.version = 0.11),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.version
    found:  0.11 (a number)
    remedy: write a release with its v, such as v0.11.3`,
  ],
  [
    "a database that is to come back excludes an empty one",
    ({ tenants }) => Object.assign(tenants.acme, { restore: "replica", fresh: true }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.fresh
    found:  true beside restore: replica
    remedy: keep one of the two: either the replica's rows come back, or the tenant starts empty`,
  ],
  [
    "a database comes back from nothing but the replica",
    ({ tenants }) => (tenants.acme.restore = true),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.restore
    found:  true (a truth value)
    remedy: write replica, or leave it out`,
  ],
  [
    "an image excludes a version",
    ({ tenants }) => Object.assign(tenants.acme, { image: "registry.example/webui:v1", version: "v0.11.3" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.image
    found:  "registry.example/webui:v1" beside version "v0.11.3"
    remedy: keep one of the two: an image's reference says the version too`,
  ],
  [
    "an interval is one of four",
    ({ tenants }) => (tenants.acme.sync = { interval: "2h" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.sync.interval
    found:  "2h"
    remedy: choose 1m, 5m, 1h or 1d`,
  ],
  [
    "an empty value is not taken for a default",
    ({ tenants }) => (tenants.acme.port = null),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.port
    found:  nothing after the colon
    remedy: write a port from 10000 to 32000, or leave it out`,
  ],
  [
    "a truth value is no text",
    ({ tenants }) => (tenants.acme.running = "yes"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.running
    found:  "yes"
    remedy: write true or false`,
  ],
  [
    "a size has a unit",
    ({ tenants }) => (tenants.acme.memory = { limit: 1400 }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.memory.limit
    found:  1400 (a number)
    remedy: write a number with its unit, such as 700MB or 1.4GB (decimal: 1MB is 1,000,000 bytes) or 512MiB (binary: 1,048,576 bytes)`,
  ],
  [
    "a size's unit is known",
    ({ tenants }) => (tenants.acme.memory = { reserved: "700 megs" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.memory.reserved
    found:  "700 megs"
    remedy: write a number with its unit, such as 700MB or 1.4GB (decimal: 1MB is 1,000,000 bytes) or 512MiB (binary: 1,048,576 bytes)`,
  ],
  [
    "a memory limit lies at or above the reservation",
    ({ tenants }) => (tenants.acme.memory = { limit: "512MiB" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.memory.limit
    found:  536.87MB, less than the 700MB reserved
    remedy: raise the limit to 700MB or more, or lower memory.reserved`,
  ],
  [
    "a share of processors is positive",
    ({ tenants }) => (tenants.acme.cpus = 0),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.cpus
    found:  0 (a number)
    remedy: write a number from 0.1 to 256`,
  ],
  [
    "an explicit port lies in the tenants' range",
    ({ tenants }) => (tenants.acme.port = 443),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.port
    found:  443 (a number)
    remedy: write a port from 10000 to 32000, or leave it out`,
  ],
  [
    "an explicit subnet is an aligned /28",
    ({ tenants }) => (tenants.acme.subnet = "10.130.0.5/28"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.subnet
    found:  "10.130.0.5/28"
    remedy: write an aligned /28 of 10.128.0.0/9, such as 10.130.0.16/28 (the last number is a multiple of 16), or leave it out`,
  ],
  [
    "an explicit subnet lies in 10.128.0.0/9",
    ({ tenants }) => (tenants.acme.subnet = "10.0.0.0/28"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.subnet
    found:  "10.0.0.0/28"
    remedy: write an aligned /28 of 10.128.0.0/9, such as 10.130.0.16/28 (the last number is a multiple of 16), or leave it out`,
  ],
];

describe("a tenant's entry: refused, with the whole message", () => {
  test.each(broken)("%s", (_, edit, message) => {
    expect(refusal(edit)).toBe(message);
  });
});
