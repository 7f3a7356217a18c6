import { describe, expect, test } from "vitest";
import { type Broken, refusal } from "./config.ts";

const broken: Broken = [
  [
    "a connection's URL is an http one",
    ({ tenants }) => (tenants.acme.connections = [{ url: "models.example.com/v1" }]),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.connections[0].url
    found:  a text that is no http or https URL
    remedy: write the base URL of the API, such as https://models.example.com/v1`,
  ],
  [
    "a connection's URL carries no credentials",
    ({ tenants }) => (tenants.acme.connections = [{ url: "https://me:hunter2@models.example.com/v1" }]),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.connections[0].url
    found:  a URL with credentials or a query in it
    remedy: write the bare URL and put the secret into the connection's key`,
  ],
  [
    "a connection's URL carries no query",
    ({ tenants }) => (tenants.acme.connections = [{ url: "https://models.example.com/v1?key=hunter2" }]),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.connections[0].url
    found:  a URL with credentials or a query in it
    remedy: write the bare URL and put the secret into the connection's key`,
  ],
  [
    "a key of the wrong type is not shown",
    ({ tenants }) => (tenants.acme.connections = [{ url: "https://models.example.com/v1", key: 734_113 }]),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.connections[0].key
    found:  a number
    remedy: write one text without blanks and semicolons; encrypt it with \`npm run pulumi -- config set --secret --path\``,
  ],
  [
    "a key Open WebUI would cut in two is not shown",
    ({ tenants }) => (tenants.acme.connections = [{ url: "https://models.example.com/v1", key: "hunter;2" }]),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.connections[0].key
    found:  a text
    remedy: write one text without blanks and semicolons; encrypt it with \`npm run pulumi -- config set --secret --path\``,
  ],
  [
    "a text where connections belong is not shown",
    ({ tenants }) => (tenants.acme.connections = "hunter2"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.connections
    found:  a text
    remedy: write a list of entries with url and key`,
  ],
  [
    "a connection to a private address needs its exception",
    ({ tenants }) => (tenants.acme.connections = [{ url: "http://10.1.2.3:8000/v1" }]),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.connections[0].url
    found:  a private address, which tenants cannot reach
    remedy: add "10.1.2.3:8000" to tenants.acme.privateEndpoints`,
  ],
  [
    "an exception is an IPv4 address with a port",
    ({ tenants }) => (tenants.acme.privateEndpoints = ["models.internal:8000", "10.1.2.3", "10.1.2.3:99999"]),
    `Pulumi.local.yaml has 3 problems. Nothing was changed.

  tenants.acme.privateEndpoints[0]
    found:  "models.internal:8000"
    remedy: write an IPv4 address and a port, such as "10.1.2.3:8000"

  tenants.acme.privateEndpoints[1]
    found:  "10.1.2.3"
    remedy: write an IPv4 address and a port, such as "10.1.2.3:8000"

  tenants.acme.privateEndpoints[2]
    found:  "10.1.2.3:99999"
    remedy: write an IPv4 address and a port, such as "10.1.2.3:8000"`,
  ],
  [
    "the metadata address is no exception",
    ({ tenants }) => (tenants.acme.privateEndpoints = ["169.254.169.254:80"]),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.privateEndpoints[0]
    found:  "169.254.169.254:80", which is in no private range
    remedy: remove it: public addresses are reachable anyway, loopback and link-local ones (the cloud's metadata) never are; an exception lies in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10`,
  ],
  [
    "another tenant's network is no exception",
    ({ tenants }) => {
      tenants.globex.subnet = "10.130.0.16/28";
      tenants.acme.privateEndpoints = ["10.130.0.18:8080"];
    },
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.privateEndpoints[0]
    found:  "10.130.0.18:8080", which lies in tenants.globex.subnet, 10.130.0.16/28
    remedy: remove it: no tenant reaches another tenant's network`,
  ],
  [
    "a variable the fleet sets cannot be set",
    ({ tenants }) => (tenants.acme.environment = { WEBUI_SECRET_KEY: "hunter2" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.environment.WEBUI_SECRET_KEY
    found:  "WEBUI_SECRET_KEY", which the fleet manages
    remedy: remove it: the fleet sets it, and the tenant's data or isolation depends on the value`,
  ],
  [
    "a variable with a field of its own names the field",
    ({ tenants }) => (tenants.acme.environment = { WEBUI_URL: "https://acme.example" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.environment.WEBUI_URL
    found:  "WEBUI_URL", which the fleet manages
    remedy: remove it and set domain of the tenant instead`,
  ],
  [
    "a variable has a name a shell accepts",
    ({ tenants }) => (tenants.acme.environment = { "ENABLE-SEARCH": "true" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.environment.ENABLE-SEARCH
    found:  "ENABLE-SEARCH", which is no name of a variable
    remedy: use letters, digits and underscores only, with no digit first`,
  ],
  [
    "a variable's value is a text",
    ({ tenants }) => (tenants.acme.environment = { ENABLE_WEB_SEARCH: true }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.environment.ENABLE_WEB_SEARCH
    found:  a truth value
    remedy: write a text, in quotes where YAML would read a number or a truth value: "8", "true"`,
  ],
];

describe("connections, endpoints and environment: refused, with the whole message", () => {
  test.each(broken)("%s", (_, edit, message) => {
    expect(refusal(edit)).toBe(message);
  });
});
