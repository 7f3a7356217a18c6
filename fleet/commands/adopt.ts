import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import * as z from "zod";
import { isLabel } from "../../components/fleet-config/label.ts";
import type { Fleet, HostSpec } from "../../components/fleet-config.ts";
import { type LastUp, lastUp, noFleet, stepsOf } from "../../toolchain/commands/invocation.ts";
import type { StackFile } from "../../toolchain/setup/effective-config.ts";
import { fleetOf } from "../../toolchain/setup/fleet.ts";
import { ensureImages } from "../../toolchain/setup/images.ts";
import { CommandError, SetupError } from "../../toolchain/setup/problem.mjs";
import type { Progress } from "../../toolchain/setup/progress.ts";
import { carriedFrom } from "../adoption/carried.ts";
import { dataPlace } from "../adoption/container.ts";
import { entryEdits } from "../adoption/entry.ts";
import { type Inspection, inspect } from "../adoption/inspection.ts";
import { reportOf, reportText } from "../adoption/report.ts";
import { risksOf } from "../adoption/risk.ts";
import { type AdoptionRequest, adoption, downtimeOf } from "../adoption/saga.ts";
import { type NamedSource, sourceText, wantedOf } from "../adoption/source.ts";
import { applyEdit, changedText, type EditInvocation, fileOf } from "../config-edit/apply-edit.ts";
import { valueAt } from "../config-edit/edited.ts";
import { confirmed } from "../confirm.ts";
import { encrypted } from "../environment/encrypt.ts";
import { AdoptionHost } from "../on-host/adoption.ts";
import { askedHost } from "../on-host/asked-host.ts";
import type { Operation } from "../saga/operation.ts";
import { begin, work } from "../saga/saga.ts";
import { type Awaiting, giveWord, openOf, takeBack, waitingOf } from "../saga/word.ts";
import { workshopOf } from "../saga/workshop.ts";
import { tell } from "./tell.ts";

/** How `fleet adopt` is asked. */
export interface AdoptInvocation extends Omit<EditInvocation, "branch">, NamedSource {
  host?: string;
  domain?: string;
  version?: string;
  image?: string;
  /** Address of the account that is the stack's admin. */
  admin?: string;
  dryRun?: boolean;
  confirm?: boolean;
  rollback?: boolean;
}

/** `fleet adopt acme --container open-webui`: what another Open WebUI holds becomes a tenant. */
export async function adopt(invocation: AdoptInvocation, tenant: string): Promise<void> {
  if (invocation.confirm && invocation.rollback) throw new SetupError([bothWords]);
  const last = await lastUp(invocation.stack);
  if (!last) throw new SetupError([notUp(invocation.stack)]);
  if (invocation.confirm) return confirm(invocation, last, tenant);
  if (invocation.rollback) return rollback(invocation, last, tenant);
  const wanted = wantedOf(invocation);
  const file = await fileOf(invocation);
  const text = await readFile(file, "utf8");
  const fleet = fleetOf(invocation.stack, (parse(text) ?? {}) as StackFile);
  const spec = hostFor(fleet, invocation.host, valueAt(text, ["tenants", tenant, "host"]));
  refuseTenant(fleet, tenant);
  const domain = domainFor(fleet, spec, tenant, invocation.domain);
  const host = askedHost(spec, fleet.operators.identity, last);
  const onHost = new AdoptionHost(host, invocation.stack, tenant);
  const own = fleet.tenants.find(({ id }) => id === tenant);
  const image = own ? { image: own.image } : invocation;
  const inspection = await stepsOf(invocation).run(
    "inspect",
    (say: Progress) =>
      inspect(onHost, wanted, image, async (reference) => {
        if (spec.kind === "local") await ensureImages([reference], say);
      }),
    ({ survey }) => `${survey.database.users} users, ${survey.database.chats} chats; nothing was changed`,
  );
  const carried = carriedFrom(inspection.container ?? { environment: {} });
  const risks = risksOf(inspection);
  const admin = adminOf(inspection, own?.admin.email ?? invocation.admin);
  if (typeof admin === "object" && "what" in admin) risks.unshift({ refused: true, ...admin });
  const chosen = typeof admin === "object" && "email" in admin ? admin : undefined;
  const report = reportOf(
    inspection,
    { tenant, host: spec.id, domain, admin: chosen?.email ?? null },
    carried,
    risks,
  );
  if (invocation.dryRun) {
    tell(invocation.json, report, reportText(report));
    if (risks.some(({ refused }) => refused)) process.exitCode = 1;
    return;
  }
  (invocation.json ? process.stderr : process.stdout).write(`\n${reportText(report)}\n\n`);
  if (!chosen || risks.some(({ refused }) => refused))
    throw new SetupError(
      risks
        .filter(({ refused }) => refused)
        .map(({ what, remedy }) => ({ what, why: "It cannot be adopted as it is.", remedy })),
      "Nothing was changed, and nothing was stopped.",
    );
  await confirmed(interruptionOf(tenant, inspection), invocation);

  if (!own) {
    const steps = stepsOf(invocation);
    await steps.run("entry", async () => {
      const entry = {
        ...{ tenant, host: spec.id, domain, image: inspection.image, admin: chosen },
        settings: inspection.survey.database.settings,
      };
      const { edits, salt } = await entryEdits(entry, carried, (path, value) =>
        encrypted(invocation, file, path, value),
      );
      // A config that would be wrong is told before anything is done.
      await changedText(invocation.stack, text, edits, salt);
      await applyEdit(
        { ...invocation, json: true },
        {
          edits,
          salt,
          message: `${tenant}: adopted from ${sourceText(wanted)}, stopped until its data is there`,
        },
      );
      return "written, and its directories are made";
    });
  }
  const made = await lastUp(invocation.stack);
  const shop = workshopOf(invocation, made ?? last);
  const begun = await begin(adoption, tenant, requestOf(inspection, own !== undefined), shop);
  if ((await work(adoption, begun, shop)) === "aborted")
    throw new CommandError(`\n  ✗ The adoption of ${tenant} was taken back; its source is as it was.`);
  const operation = await shop.operations.get(begun.id);
  tell(invocation.json, resultOf(operation, inspection), resultText(operation, inspection));
}

const interruptionOf = (tenant: string, { container }: Inspection): string =>
  container?.running
    ? `${container.name} goes on while it is copied and rehearsed. Then it is stopped: nobody is served for a minute or so, until ${tenant} has started.`
    : `${tenant} is made from what was found. Nothing is stopped: nothing runs.`;

/** What the saga is told. */
function requestOf({ wanted, container, reading, survey }: Inspection, ownEntry: boolean): AdoptionRequest {
  const { id, name, restart, running } = container ?? { id: "", name: "", restart: "", running: false };
  const place = container && dataPlace(container);
  const inContainer = place && "data" in place ? `${place.data}/.webui_secret_key` : "";
  const onHost =
    wanted.kind !== "file"
      ? ""
      : (wanted.key ?? (survey.keyFile ? wanted.path.replace(/[^/]*$/, ".webui_secret_key") : ""));
  return {
    ...{ source: sourceText(wanted), reading, ownEntry },
    container: container ? { id, name, restart, running } : null,
    keyFile: container ? inContainer : onHost,
  };
}

/** What `fleet adopt --json` prints. An interface: scripts read it. */
const resultOf = ({ id, client, found }: Operation, { container }: Inspection) => ({
  tenant: client,
  operation: id,
  /** Seconds; null: nobody was served before. */
  downtime: downtimeOf(found) ?? null,
  source: container?.name ?? null,
  first: found.first,
  last: found.last,
  rehearsal: found.rehearsal,
});

function resultText({ client, found }: Operation, { container }: Inspection): string {
  const downtime = downtimeOf(found);
  return [
    `\n${client} serves what was adopted${downtime ? `; nobody was served for ${downtime.toFixed(1)} s` : ""}.`,
    ...(container
      ? [`${container.name} is stopped and as it was; Docker does not start it again by itself.`]
      : []),
    `  npx fleet adopt --confirm ${client}     once you have seen that all is there`,
    `  npx fleet adopt --rollback ${client}    ${container ? `${container.name} runs again as before; what was written here since stays aside` : "takes it back"}`,
    "Until then nothing else works on it.",
  ].join("\n");
}

async function confirm(invocation: AdoptInvocation, last: LastUp, tenant: string): Promise<void> {
  const shop = workshopOf(invocation, last);
  const open = await waitingOf(awaiting, shop, tenant);
  await giveWord(awaiting, shop, open);
  const source = z
    .object({ container: z.object({ name: z.string() }).nullable() })
    .parse(open.request).container;
  tell(
    invocation.json,
    { tenant, operation: open.id, confirmed: true },
    `${tenant} is confirmed.${source ? ` ${source.name} is not needed any more: keep it as long as you like, then docker rm ${source.name}, and its volume.` : ""}`,
  );
}

async function rollback(invocation: AdoptInvocation, last: LastUp, tenant: string): Promise<void> {
  const shop = workshopOf(invocation, last);
  const open = await openOf(awaiting, shop, tenant);
  await confirmed(
    `${tenant} is stopped, and its source started as it was. What was written to ${tenant} since the cut-over is kept aside on its host, and is not in the source.`,
    invocation,
  );
  if (open.held) {
    await shop.operations.abort(open.id);
    return tell(
      invocation.json,
      { tenant, operation: open.id, rolledBack: false },
      `${open.runner} works on it, and takes it back once the step at hand has ended. Then: npx fleet adopt --rollback ${tenant}`,
    );
  }
  await takeBack(awaiting, shop, open);
  tell(
    invocation.json,
    { tenant, operation: open.id, rolledBack: true },
    `The adoption of ${tenant} is taken back: its source and the config are as they were.`,
  );
}

/** The host it runs on: the one that is named, or the only one. */
function hostFor(fleet: Fleet, named: string | undefined, own: unknown): HostSpec {
  const wanted = typeof own === "string" ? own : named;
  const [first] = fleet.hosts;
  const host =
    wanted === undefined && fleet.hosts.length === 1 ? first : fleet.hosts.find(({ id }) => id === wanted);
  if (host && (named === undefined || named === host.id)) return host;
  throw new SetupError([
    {
      what: wanted === undefined ? "On which host is not said." : `The stack has no host "${named}" for it.`,
      why: `Its hosts are: ${fleet.hosts.map(({ id }) => id).join(", ")}. What is adopted has to be on the tenant's own.`,
      remedy: "Name it: --host <id>",
    },
  ]);
}

function domainFor(fleet: Fleet, host: HostSpec, tenant: string, named: string | undefined): string {
  const own = fleet.tenants.find(({ id }) => id === tenant)?.domain;
  if (own !== undefined || named !== undefined) return own ?? named ?? "";
  if (host.kind === "local") return `${tenant}.localhost`;
  throw new SetupError([
    {
      what: "Under which name people reach it is not said.",
      why: "A tenant has a host name.",
      remedy: `Name it: --domain ${tenant}.example.com`,
    },
  ]);
}

/** An entry that waits for its data is gone on with; one that runs is a tenant. */
function refuseTenant(fleet: Fleet, tenant: string): void {
  if (!isLabel(tenant))
    throw new SetupError([
      {
        what: `${JSON.stringify(tenant)} is no name of a tenant.`,
        why: "It becomes a part of host names and folders.",
        remedy: "Write at most 40 lower-case letters, digits and hyphens.",
      },
    ]);
  if (!fleet.tenants.find(({ id, running }) => id === tenant && running)) return;
  throw new SetupError([
    {
      what: `${tenant} is a tenant already, and runs.`,
      why: "What is adopted becomes a tenant of its own.",
      remedy: "Give it another name.",
    },
  ]);
}

const address = z.email();

/** The account that is the stack's admin; what to do where there is none. */
export function adminOf(
  { survey: { database } }: Pick<Inspection, "survey">,
  named: string | undefined,
): { email: string; name: string } | { what: string; remedy: string } | undefined {
  const known = database.admins;
  if (known.length === 0) return undefined;
  const chosen =
    named === undefined
      ? known.find(({ email }) => address.safeParse(email).success)
      : known.find(({ email }) => email.toLowerCase() === named.toLowerCase());
  if (chosen && address.safeParse(chosen.email).success)
    return { email: chosen.email, name: chosen.name.trim().slice(0, 100) || "Administrator" };
  return named === undefined
    ? {
        what: `None of its admins has an e-mail address: ${known.map(({ email }) => email).join(", ")}.`,
        remedy:
          "Give one of them an address in the source (Admin Panel, Users), or make another account an admin.",
      }
    : {
        what: `${named} is no admin of it; its admins are ${known.map(({ email }) => email).join(", ")}.`,
        remedy:
          "Name one of them with --admin, or make it an admin in the source. No account is made or changed here.",
      };
}

const awaiting: Awaiting = {
  saga: adoption,
  noun: "adoption",
  rollback: (tenant) => `npx fleet adopt --rollback ${tenant}`,
  instead: () =>
    "A source that was confirmed is still there until you remove it: docker start brings it back as it was at the cut-over.",
};

const bothWords = {
  what: "--confirm and --rollback are opposites.",
  why: "One keeps what was adopted, the other takes it back.",
  remedy: "Say one of them.",
};

const notUp = (stack: string) => ({
  what: `Stack ${stack} is not up.`,
  why: noFleet(stack).trim(),
  remedy: "Bring it up, also without a tenant yet, then adopt.",
});
