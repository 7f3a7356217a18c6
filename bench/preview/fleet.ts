/** First of the ports the generated tenants get, one after another, so that no two hashes clash. */
const firstPort = 20_000;

/** The config of a stack with a number of plain tenants; what Pulumi.<stack>.yaml has under `config:`. */
export const fleetWith = (tenants: number): Record<string, unknown> => ({
  hosts: { local: { kind: "local" } },
  tenants: Object.fromEntries(
    Array.from({ length: tenants }, (_, index) => [`tenant-${index}`, tenant(index)]),
  ),
  sync: { host: "local", nodes: { a: { port: 9443 }, b: { port: 9444 } } },
});

const tenant = (index: number) => ({
  host: "local",
  domain: `tenant-${index}.localhost`,
  admin: { email: `admin@tenant-${index}.example` },
  port: firstPort + index,
  subnet: `10.130.${index >> 4}.${(index & 15) * 16}/28`,
});
