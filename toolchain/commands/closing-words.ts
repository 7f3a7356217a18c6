import { relative } from "node:path";
import { configOf, type Invocation, type LastUp } from "./invocation.ts";

/** What to do with a fleet that just came up: sign in, see it replicate, change it. */
export function nextThings(invocation: Invocation, { fleet, outputs }: LastUp): string {
  const { stack, configFile, fake } = invocation;
  const file = relative(process.cwd(), configOf(invocation));
  const [first] = fleet.tenants;
  const tenant = first && outputs.tenants[first.id];
  if (!first || !tenant) return `No tenant yet: add one to ${file}, then run \`npm run up\` again.`;
  const option = stack === "local" ? "" : ` --stack ${stack}`;
  const clouds = fake ? `${option} --fake` : option;
  const options = configFile ? `${clouds} --config-file ${configFile}` : clouds;
  const address = outputs.hosts[first.host]?.target?.address ?? "127.0.0.1";
  const command = (name: string, words: string) => `npm run ${name}${words && ` --${words}`}`;
  const { host, port, protocol } = new URL(tenant.url);
  return [
    ...recordsToSet(outputs),
    `First sign-in: ${tenant.admin.email}; its password is a secret of the stack: ${command("password", `${option} ${first.id}`)}`,
    "",
    "Next:",
    `  1. Open ${tenant.url} (a shell may need: curl --resolve ${host.replace(/:\d+$/, "")}:${port || (protocol === "https:" ? 443 : 80)}:${address} ${tenant.url}).`,
    `  2. Chat, then see it arrive in the replica: ${command("status", option)}`,
    `  3. Copy a tenant's entry in ${file}, look at ${command("preview", options)}, apply it with ${command("up", options)}.`,
    ...(fake ? theEnd(command("down", `${options} --purge`)) : []),
  ].join("\n");
}

/** Names in a fake cloud lead nowhere, and its machines take this one's memory. */
const theEnd = (remove: string): string[] => [
  `  4. Remove all of it, machines and data: ${remove}`,
  "",
  "Its clouds are fakes on this machine: its names are known to nobody, and its certificates to no browser.",
];

/** What the names' owner has to tell the world, once; a record that says so already is right. */
const recordsToSet = ({ dnsRecords }: LastUp["outputs"]): string[] =>
  dnsRecords.length === 0
    ? []
    : [
        "Set these DNS records where the names are held (they stay as long as the tenants):",
        ...dnsRecords.map(({ domain, type, content }) => `  ${domain}  ${type}  ${content}`),
        "",
      ];
