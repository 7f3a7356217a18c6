import { describe, expect, test } from "vitest";
import { type Broken, refusal, repository } from "./config.ts";

const broken: Broken = [
  [
    "branding needs a basis in Open WebUI's licence",
    ({ tenants }) => (tenants.acme.branding = { logo: "examples/logos/acme.svg" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.branding.basis
    found:  nothing, and it is required
    remedy: clause 4 of Open WebUI's licence forbids changing its branding unless one of these holds, so say which: up-to-50-users (at most 50 end users in any 30 days, over all your tenants), written-permission (Open WebUI's authors allowed it in writing) or enterprise-licence (you bought one); without any, remove branding`,
  ],
  [
    "a basis is one of the licence's three",
    ({ tenants }) => (tenants.acme.branding = { logo: "examples/logos/acme.svg", basis: "trust-me" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.branding.basis
    found:  "trust-me"
    remedy: clause 4 of Open WebUI's licence forbids changing its branding unless one of these holds, so say which: up-to-50-users (at most 50 end users in any 30 days, over all your tenants), written-permission (Open WebUI's authors allowed it in writing) or enterprise-licence (you bought one); without any, remove branding`,
  ],
  [
    "a logo is an image",
    ({ tenants }) => (tenants.acme.branding = { logo: "examples/logos/acme.pdf", basis: "up-to-50-users" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.branding.logo
    found:  "examples/logos/acme.pdf"
    remedy: name an svg, png, jpg or webp file, by its path from the repository's root`,
  ],
  [
    "a logo's file exists",
    ({ tenants }) => (tenants.acme.branding = { logo: "examples/logos/amce.svg", basis: "up-to-50-users" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.branding.logo
    found:  "examples/logos/amce.svg", where there is no file
    remedy: put the logo at ${repository}/examples/logos/amce.svg, or correct the path`,
  ],
  [
    "a product name is not empty",
    ({ tenants }) =>
      (tenants.acme.branding = { logo: "examples/logos/acme.svg", basis: "up-to-50-users", name: " " }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.branding.name
    found:  " "
    remedy: write a name of 1 to 60 characters`,
  ],
];

describe("branding: refused, with the whole message", () => {
  test.each(broken)("%s", (_, edit, message) => {
    expect(refusal(edit)).toBe(message);
  });
});
