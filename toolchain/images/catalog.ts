/** How an upstream image is made where no registry serves it. */
export interface Recipe {
  /** Folder beside this file: a Dockerfile, or for the first image of all a build.sh. */
  folder: string;
  /** Folder with files of this image's own; they take the place of those of the same name. */
  ownFiles?: string;
  /** What the screen says it is made from. */
  source: string;
  /** Arguments of its Dockerfile. */
  arguments: Record<string, string>;
  /** Program in the image that prints the version it really holds. */
  version: string[];
  /** An image of ours: no registry has it, and none is asked. */
  own?: true;
}

/** The image every other recipe starts from. */
export const debianImage = "debian:bookworm-slim";

/** Images the fleet needs besides its tenants' own. */
export const fleetImages = ["node:24-bookworm-slim", "nginx:stable-bookworm", "postgres:15-bookworm"];

/** The one among them that only a control host with a database of its own needs. */
export const databaseImage = "postgres:15-bookworm";

/** Images of what watches the fleet. Of the versions that Debian has, so that one configuration fits both makes. */
export const monitoringImages = ["prom/prometheus:v2.42.0", "prom/alertmanager:v0.25.0"];

/** The ACME client, where a site is certified that way. */
export const acmeImage = "goacme/lego:v4.9.1";

/** What stores backups, where there are any. Of Debian's version, so that one program fits both makes. */
export const backupImage = "restic/restic:0.14.0";

/** What brings an ssh client for backups that go to a server by sftp. */
export const sshImage = "buildpack-deps:bookworm-scm";

/** What the fake DigitalOcean's droplets boot from. */
export const dropletImage = "owui-fake-droplet:debian-12";

/** What certifies sites in a fake cloud, as Let's Encrypt does. */
export const fakeAuthorityImage = "owui-fake-acme:bookworm";

const fromDebian = { source: "Debian's packages", arguments: {} };

const fixed: Record<string, Recipe> = {
  [debianImage]: { ...fromDebian, folder: "debian", version: ["cat", "/etc/debian_version"] },
  "node:24-bookworm-slim": {
    folder: "node",
    source: "npm's Node on Debian",
    arguments: {},
    version: ["node", "--version"],
  },
  "nginx:stable-bookworm": { ...fromDebian, folder: "nginx", version: ["nginx", "-v"] },
  [acmeImage]: { ...fromDebian, folder: "lego", version: ["/lego", "--version"] },
  [backupImage]: { ...fromDebian, folder: "restic", version: ["restic", "version"] },
  [sshImage]: { ...fromDebian, folder: "scm", version: ["dpkg-query", "--show", "openssh-client"] },
  "postgres:15-bookworm": { ...fromDebian, folder: "postgres", version: ["postgres", "--version"] },
  "prom/prometheus:v2.42.0": { ...fromDebian, folder: "prometheus", version: ["prometheus", "--version"] },
  "prom/alertmanager:v0.25.0": {
    ...fromDebian,
    folder: "alertmanager",
    version: ["alertmanager", "--version"],
  },
  [fakeAuthorityImage]: {
    ...fromDebian,
    ...{ folder: "pebble", version: ["dpkg-query", "--show", "pebble"], own: true },
  },
  [dropletImage]: { ...fromDebian, folder: "droplet", version: ["cat", "/etc/debian_version"], own: true },
};

/** The recipe of an image, undefined when only a registry can serve it. */
export function recipeOf(image: string): Recipe | undefined {
  const release = /^ghcr\.io\/open-webui\/open-webui:v(\d+\.\d+\.\d+)$/.exec(image)?.[1];
  if (!release) return fixed[image];
  return {
    folder: "open-webui",
    // A file of this folder instead of an exception in one of all: no other release's image is built anew for it.
    ...(release === "0.6.43" ? { ownFiles: "open-webui-0.6.43" } : {}),
    source: "PyPI, without local models",
    arguments: { VERSION: release },
    version: ["jq", "-r", ".version", "/app/package.json"],
  };
}
