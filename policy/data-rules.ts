/** Resources whose deletion would take replicas, or the only roles that read them, along. */
const dataBearing = new Set([
  "postgresql:index/database:Database",
  "postgresql:index/role:Role",
  "postgresql:index/schema:Schema",
  "digitalocean:index/droplet:Droplet",
  "digitalocean:index/volume:Volume",
]);

/** What is gone for good when it is given back: users and DNS know it. */
const kept = new Set(["digitalocean:index/reservedIp:ReservedIp"]);

/** Roles of those who read replicas: they own nothing, and come and go with the config. */
const reader = /^(reader_|fleet_reader_)/;

/** What holds data is protected, so that no destroy and no edit of the config removes it. */
export const protectedData = (
  type: string,
  { protect }: { protect: boolean },
  name: string | undefined,
): string[] =>
  kept.has(type) && !protect
    ? ["It is an address that is given back for good, and is not protected. Declare it with protect: true."]
    : dataBearing.has(type) && !protect && !(type.endsWith(":Role") && reader.test(name ?? ""))
      ? ["It holds data and is not protected, so a destroy would delete it. Declare it with protect: true."]
      : [];
