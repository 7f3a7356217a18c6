import { readFile } from "node:fs/promises";
import { type LastUp, stepsOf } from "../../toolchain/commands/invocation.ts";
import { CommandError, SetupError } from "../../toolchain/setup/problem.mjs";
import { changedText, type EditInvocation, fileOf } from "../config-edit/apply-edit.ts";
import { confirmed } from "../confirm.ts";
import { planOf, planText } from "../move/plan.ts";
import { MoveFound, MoveRequest } from "../move/request.ts";
import { moveSaga } from "../move/saga.ts";
import { addressOf, hostIn } from "../move/subject.ts";
import { MoveSide } from "../on-host/tenant-move.ts";
import { TenantVersion } from "../on-host/tenant-version.ts";
import type { Operation } from "../saga/operation.ts";
import { begin, work } from "../saga/saga.ts";
import { type Awaiting, giveWord, openOf, takeBack, waitingOf } from "../saga/word.ts";
import { workshopOf } from "../saga/workshop.ts";
import { placeOf, type TenantPlace } from "../tenant-place.ts";
import { tell } from "./tell.ts";

/** How `fleet move` is asked. */
export interface MoveInvocation extends Omit<EditInvocation, "branch"> {
  /** Id of the host. */
  to?: string;
  dryRun?: boolean;
  confirm?: boolean;
  rollback?: boolean;
}

/** `fleet move acme --to fra1-b`: copied while it serves, stopped for the rest, and back until it is confirmed. */
export async function move(invocation: MoveInvocation, tenant: string): Promise<void> {
  const words = [invocation.to !== undefined, invocation.confirm, invocation.rollback].filter(Boolean);
  if (words.length !== 1) throw new SetupError([oneWord]);
  const place = await placeOf(invocation, tenant);
  if (invocation.confirm) return confirm(invocation, place);
  if (invocation.rollback) return rollback(invocation, place);
  return begun(invocation, place, invocation.to ?? "");
}

async function begun(
  invocation: MoveInvocation,
  { last, spec, host }: TenantPlace,
  to: string,
): Promise<void> {
  const tenant = spec.id;
  const target = targetOf(last, spec.host, to);
  // A config that would be wrong is told before anything is asked: memory, ports, subnets, proxies.
  const text = await readFile(await fileOf(invocation), "utf8");
  await changedText(invocation.stack, text, [{ path: ["tenants", tenant, "host"], value: to }]);
  const side = (id: string) => new MoveSide(hostIn(last, id), invocation.stack, tenant, "0");
  const plan = await stepsOf(invocation).run(
    "look",
    async () => {
      const [source, there] = await Promise.all([
        side(spec.host).look(spec.image),
        side(to).look(spec.image),
      ]);
      return planOf({
        ...{ spec, from: host.spec, to: target, dns: last.fleet.dns },
        neighbours: last.fleet.tenants.some(({ id, host }) => id !== tenant && host === spec.host),
        ...{ address: addressOf(last, target), source, target: there },
      });
    },
    () => "nothing was changed",
  );
  if (invocation.dryRun) {
    tell(invocation.json, plan, planText(plan));
    if (plan.refused.length > 0) process.exitCode = 1;
    return;
  }
  if (plan.refused.length > 0) throw new SetupError(plan.refused, "Nothing was changed.");
  await confirmed(
    `${planText(plan)}\nIt is copied while it serves. Then its users wait for about half a minute: as long as it takes to stop and to start, and some seconds for what changed meanwhile.`,
    invocation,
  );
  const shop = workshopOf(invocation, last);
  const operation = await begin(moveSaga, tenant, { from: spec.host, to }, shop);
  if ((await work(moveSaga, operation, shop)) === "aborted")
    throw new CommandError(
      `\n  ✗ The move of ${tenant} was taken back; it serves on ${spec.host}, as before.`,
    );
  const done = await shop.operations.get(operation.id);
  tell(invocation.json, resultOf(done), resultText(done));
}

function targetOf({ fleet, outputs }: LastUp, from: string, to: string) {
  const hosts = fleet.hosts.map(({ id }) => id);
  const target = fleet.hosts.find(({ id }) => id === to);
  const problem = (what: string, why: string, remedy: string) => new SetupError([{ what, why, remedy }]);
  const others = `The stack's hosts are: ${hosts.join(", ")}.`;
  if (!target)
    throw problem(
      `The stack has no host "${to}".`,
      others,
      "Name one of them, or declare it and run `npm run up`.",
    );
  if (to === from) throw problem(`It is on host ${to} already.`, others, "Name another one.");
  if (!outputs.hosts[to])
    throw problem(
      `Host ${to} is not ready.`,
      "It is declared, and no `up` has made it.",
      "Bring it up: npm run up",
    );
  return target;
}

/** What `fleet move --json` prints. An interface: scripts read it. */
const resultOf = ({ id, client, request, found }: Operation) => ({
  ...{ tenant: client, operation: id, ...MoveRequest.parse(request) },
  ...MoveFound.parse(found),
  rows: undefined,
});

/** What came of it. */
export function resultText({
  client,
  request,
  found,
}: Pick<Operation, "client" | "request" | "found">): string {
  const { from, to } = MoveRequest.parse(request);
  const { parts, passes = [], replica } = MoveFound.parse(found);
  const seconds = (value: number | null | undefined) => (value == null ? "not measured" : `${value} s`);
  const files = parts?.last ?? passes.at(-1);
  const sent = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  return [
    `\n${client} serves on ${to}. Nobody was served for ${seconds(parts?.downtimeSeconds)}: stop ${seconds(parts?.stopSeconds)}, rest of the data ${seconds(parts?.deltaSeconds)}, start ${seconds(parts?.startSeconds)}.`,
    ...(files
      ? [
          `${files.files} files with ${sent(files.bytes)}, the same on both sides (sha256 over all ${files.sha256.slice(0, 16)}…); sent: ${[...passes, ...(parts?.last ? [parts.last] : [])].map((pass) => sent(pass.sent)).join(", ")}.`,
        ]
      : []),
    ...(files && files.special > 0
      ? [`${files.special} pipes, sockets or devices did not come along: they hold nothing.`]
      : []),
    ...(replica ? [replica] : []),
    parts?.forwards
      ? `${from} leads on whoever still comes there.`
      : `${from} does not lead on who still comes there.`,
    `What it had on ${from} is kept there.`,
    `  npx fleet move ${client} --confirm     once you have seen that all is there: removes what is kept on ${from}`,
    `  npx fleet move ${client} --rollback    takes it back to ${from}, with what was written meanwhile`,
    "Until then no other long operation works on it.",
  ].join("\n");
}

async function confirm(invocation: MoveInvocation, { last, spec }: TenantPlace): Promise<void> {
  const tenant = spec.id;
  const shop = workshopOf(invocation, last);
  const open = await waitingOf(awaiting, shop, tenant);
  const { from, to } = MoveRequest.parse(open.request);
  await confirmed(
    `What ${tenant} had on ${from} is removed, and ${from} leads nobody on any more. It stays on ${to}.`,
    invocation,
  );
  await giveWord(awaiting, shop, open);
  tell(
    invocation.json,
    { tenant, operation: open.id, confirmed: true },
    `${tenant} is on ${to} for good; ${from} has nothing of it any more.`,
  );
}

async function rollback(invocation: MoveInvocation, { last, spec }: TenantPlace): Promise<void> {
  const tenant = spec.id;
  const shop = workshopOf(invocation, last);
  const open = await openOf(awaiting, shop, tenant);
  const request = MoveRequest.parse(open.request);
  const { servedSince } = MoveFound.parse(open.found);
  const written =
    servedSince !== undefined
      ? await new TenantVersion(hostIn(last, request.to), invocation.stack, spec).written(
          Math.floor(Date.parse(servedSince) / 1000),
        )
      : {};
  await confirmed(rollbackText(tenant, request, servedSince, written), invocation);
  await takeBack(awaiting, shop, open);
  tell(
    invocation.json,
    { tenant, operation: open.id, rolledBack: true, written },
    `${tenant} serves on ${request.from} again; ${request.to} has nothing of it any more.`,
  );
}

/** What an operator decides on. */
export function rollbackText(
  tenant: string,
  { from, to }: MoveRequest,
  servedSince: string | undefined,
  written: Readonly<Record<string, number>>,
): string {
  if (servedSince === undefined)
    return `${tenant} goes on on ${from}, with the data it had there: nobody worked with it on ${to}.`;
  const rows = Object.entries(written).map(([table, count]) => `${table} ${count}`);
  return [
    `${tenant} goes back to ${from}, with everything it has on ${to} now.`,
    rows.length === 0
      ? `Nothing that bears a time was written there since ${servedSince}.`
      : `Written there since ${servedSince}, by table: ${rows.join(", ")}. All of it comes along.`,
    "It is copied while it serves; then its users wait for about half a minute.",
  ].join("\n");
}

const awaiting: Awaiting = {
  saga: moveSaga,
  noun: "move",
  rollback: (tenant) => `npx fleet move ${tenant} --rollback`,
  instead: (tenant) => `To bring it to another host: npx fleet move ${tenant} --to <host>`,
};

const oneWord = {
  what: "What is to be done is not said, or twice.",
  why: "A move is begun, confirmed or taken back.",
  remedy: "Say --to <host>, --confirm or --rollback.",
};
