import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseDuration } from "../../components/fleet-config/duration.ts";
import { type LastUp, lastUp, noFleet } from "../../toolchain/commands/invocation.ts";
import { CommandError, SetupError } from "../../toolchain/setup/problem.mjs";
import { confirmedByName } from "../confirm.ts";
import {
  type Certificate,
  fingerprintOf,
  fingerprintOfSigner,
  isGenuine,
  readCertificate,
} from "../erasure/certificate.ts";
import { certificateFile, type ErasureInvocation, erasure } from "../erasure/erasure.ts";
import { leftovers, scopeOf, survey } from "../erasure/survey.ts";
import { begin } from "../saga/saga.ts";
import { busyWith, takeOn, workThrough } from "../saga/take-on.ts";
import { workshopOf } from "../saga/workshop.ts";
import { unknownTenant } from "../tenant-place.ts";
import { tell } from "./tell.ts";

/** How `fleet erase` is asked. */
export interface EraseInvocation extends ErasureInvocation {
  yes?: boolean;
  /** The tenant's name once more, where nobody can be asked for it. */
  confirm?: string;
  /** How long it can be taken back: `7d`. */
  after?: string;
  /** A certificate to check; nothing is erased. */
  verify?: string;
  /** Tells which key signs; nothing is erased. */
  signer?: boolean;
}

/** What `fleet erase --json` prints. */
interface Outcome {
  tenant: string;
  /** `nothing`: there was nothing to erase. */
  outcome: "erased" | "waiting" | "nothing";
  operation: string | null;
  /** ISO 8601: from then on it goes on. */
  notBefore: string | null;
  /** Paths of the certificate, JSON; the page for people lies beside it. */
  certificate: string | null;
}

/** A certificate is not what somebody signed. */
export class CertificateError extends CommandError {
  override name = "CertificateError";
}

/** `fleet erase acme`: everything of a tenant goes, everywhere, for good, and a certificate says so. */
export async function erase(invocation: EraseInvocation, tenant: string | undefined): Promise<void> {
  const { stack, json } = invocation;
  if (invocation.verify !== undefined) return check(invocation, invocation.verify);
  const last = await lastUp(stack);
  if (!last)
    throw refused(
      `Stack ${stack} has no fleet.`,
      noFleet(stack).trim(),
      "Name a stack that has one (--stack).",
    );
  if (invocation.signer)
    return void process.stdout.write(`${fingerprintOfSigner(last.outputs.operatorKey)}\n`);
  if (tenant === undefined)
    throw refused(
      "Which tenant is erased is not said.",
      "Nothing was looked at.",
      "Name it: npx fleet erase <tenant>",
    );
  const shop = workshopOf(invocation, last);
  const [open] = await shop.operations.list({ client: tenant, open: true });
  if (open && open.kind !== erasure.kind) throw busyWith(open);
  if (!open) {
    const nothing = await nothingOf(last, tenant, invocation.leaveBackups);
    if (nothing) return tell(json, { ...outcomeOf(tenant), outcome: "nothing" }, nothing);
  }
  const wait = waitOf(invocation.after);
  const { yes = false, confirm } = invocation;
  await confirmedByName(
    `Everything of ${tenant} goes${wait === undefined ? " now" : " once that time has passed"}: users, chats, files, keys, backups, replica. Nothing brings it back.`,
    tenant,
    { given: yes && confirm === tenant, options: `--yes --confirm ${tenant}`, ask: !yes, json },
  );
  const notBefore = wait === undefined ? null : new Date(Date.now() + wait * 1000).toISOString();
  const operation = open ? await takeOn(shop, open) : await begin(erasure, tenant, { notBefore }, shop);
  const until = String(operation.request.notBefore ?? "");
  if (until !== "" && Date.parse(until) > Date.now()) {
    await shop.operations.report(operation.id, shop.runner, {
      outcome: "stopped",
      error: `it waits until ${until}`,
    });
    const outcome = { ...outcomeOf(tenant, operation.id), outcome: "waiting" as const, notBefore: until };
    return tell(json, outcome, waitingText(tenant, operation.id, until));
  }
  await workThrough(erasure, operation, shop);
  const certificate = certificateFile(stack, tenant, operation.id);
  tell(
    json,
    { ...outcomeOf(tenant, operation.id), certificate },
    `${tenant} is erased. ${certificate.replace(/json$/, "html")} is the certificate for people, ${certificate} the same for programs; keep them elsewhere too.`,
  );
}

const outcomeOf = (tenant: string, operation: string | null = null): Outcome => ({
  ...{ tenant, outcome: "erased", operation, notBefore: null, certificate: null },
});

const waitingText = (tenant: string, operation: string, until: string): string =>
  [
    `${tenant} is not touched before ${until}. Until then: npx fleet operations abort ${operation} takes it back.`,
    `From then on: npx fleet operations resume ${operation}`,
  ].join("\n");

/** What to say where a tenant was erased and nothing of it is found; undefined where there is something to erase. */
async function nothingOf(last: LastUp, tenant: string, despite?: boolean): Promise<string | undefined> {
  const { stack, tenants } = last.fleet;
  if (tenants.some(({ id }) => id === tenant)) return undefined;
  const found = await survey(await scopeOf(last, { tenant, domains: [] }), despite);
  const left = leftovers(found);
  if (found.database.state === null && left.length === 0)
    throw new SetupError([
      unknownTenant(
        stack,
        tenant,
        tenants.map(({ id }) => id),
      ),
    ]);
  return found.database.state === "erased" && left.length === 0
    ? `Nothing of ${tenant} was found: not on a host, not in the database, not in the stack's state${found.stored ? ", not where backups are kept" : ""}. It was erased before.`
    : undefined;
}

/** Seconds; undefined: none is asked for. */
function waitOf(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  const seconds = parseDuration(after);
  if (seconds === undefined)
    throw refused(
      `"${after}" is no length of time.`,
      "--after says how long it can be taken back.",
      "Write 12h or 7d.",
    );
  return seconds;
}

/** Checks a certificate against itself and, where that is known here, against who signs for the stack. */
async function check({ stack, json }: EraseInvocation, file: string): Promise<void> {
  const path = resolve(process.env.INIT_CWD ?? process.cwd(), file);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined)
    throw refused(`${path} cannot be read.`, "It is to be checked.", "Name a certificate.");
  const certificate = readCertificate(text);
  if (!certificate) throw new CertificateError(`\n  ✗ ${path} holds no certificate of an erasure.`);
  if (!isGenuine(certificate))
    throw new CertificateError(
      `\n  ✗ ${path} is NOT what was signed: it was changed, or its signature is another's.\n    remedy: ask for the file as it was written.`,
    );
  const signer = fingerprintOf(certificate.signature.publicKey);
  const last = await lastUp(stack).catch(() => undefined);
  const own = last && fingerprintOfSigner(last.outputs.operatorKey) === signer;
  const verdict = { genuine: true, signer, ofThisStack: own ?? null, statement: certificate.statement };
  tell(json, verdict, verdictText(certificate, signer, own));
}

/** Pure. */
export function verdictText({ statement }: Certificate, signer: string, own: boolean | undefined): string {
  const { tenant, stack, completedAt, things } = statement;
  const who =
    own === undefined
      ? "Whether that is the key of the fleet it names is not known here: compare the fingerprint with what that fleet tells (fleet erase --signer)."
      : own
        ? `That is the key of stack ${stack} as it is here.`
        : "That is NOT the key of this stack as it is now: compare the fingerprint with what the fleet that signed tells.";
  return [
    `The certificate is as it was signed: ${tenant} of fleet ${stack}, erased by ${completedAt}, ${things.length} kinds of things.`,
    `Signed by the key with fingerprint ${signer}.`,
    who,
  ].join("\n");
}

const refused = (what: string, why: string, remedy: string) => new SetupError([{ what, why, remedy }]);
