import { describe, expect, it } from "vitest";
import { homeLayout, homeMounts } from "../../../components/tenant/home.ts";
import { tenantSpec } from "../specs.ts";

describe("a tenant's directory", () => {
  const entries = homeLayout("acme", "KEY='x'\n");

  it("is open to the agent's group as far as the data, and closed to everybody beyond", () => {
    const directories = entries.filter((entry) => entry.kind === "directory");
    expect(directories.map(({ path, mode, owner }) => [path, mode, owner])).toEqual([
      ["tenants/acme", "0750", "0:8050"],
      ["tenants/acme/data", "2750", "0:8050"],
      ["tenants/acme/branding", "0700", "0:0"],
      ["tenants/acme/config", "0700", "0:0"],
    ]);
  });

  it("shows its secrets to root alone", () => {
    const secrets = entries.filter((entry) => entry.kind === "secret" || entry.kind === "file");
    expect(secrets.map(({ path, mode, owner }) => [path, mode, owner])).toEqual([
      ["tenants/acme/config/webui_secret_key", "0600", "0:0"],
      ["tenants/acme/config/admin-password", "0600", "0:0"],
      ["tenants/acme/config/environment", "0600", "0:0"],
    ]);
  });

  it("tells the stack the admin's password and nothing else", () => {
    expect(entries.filter((entry) => entry.kind === "print")).toEqual([
      { kind: "print", path: "tenants/acme/config/admin-password" },
    ]);
  });
});

describe("what a tenant's container sees of its host", () => {
  it("is its data, its secret key and its variables", () => {
    expect(
      homeMounts("/srv/fleet/tenants/acme", tenantSpec()).map(({ source, target, readOnly }) => [
        source,
        target,
        readOnly,
      ]),
    ).toEqual([
      ["/srv/fleet/tenants/acme/data", "/app/backend/data", false],
      ["/srv/fleet/tenants/acme/config/webui_secret_key", "/app/backend/.webui_secret_key", true],
      ["/srv/fleet/tenants/acme/config/environment", "/run/fleet/environment", true],
    ]);
  });

  it("includes each file of its brand, where it has one, over the one upstream serves", () => {
    const spec = tenantSpec({ branding: { logo: "/logo.svg", basis: "written-permission" } });
    const brand = homeMounts("/home", spec).filter(({ source }) => source.startsWith("/home/branding/"));
    expect(brand.map(({ target }) => target)).toEqual([
      "/app/build/static/favicon.png",
      "/app/build/static/favicon-96x96.png",
      "/app/build/static/apple-touch-icon.png",
      "/app/build/static/logo.png",
      "/app/build/static/splash.png",
      "/app/build/static/splash-dark.png",
      "/app/build/static/web-app-manifest-192x192.png",
      "/app/build/static/web-app-manifest-512x512.png",
      "/app/build/static/favicon.ico",
      "/app/build/static/favicon.svg",
      "/app/build/static/site.webmanifest",
      "/app/build/favicon.png",
    ]);
    expect(brand.every(({ readOnly }) => readOnly)).toBe(true);
  });
});
