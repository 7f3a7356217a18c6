import { SetupError } from "../../toolchain/setup/problem.mjs";
import { duration } from "../../toolchain/setup/steps.mjs";
import { confirmed } from "../confirm.ts";
import type { Rows } from "../on-host/tenant-version.ts";
import { type Saga, type SagaStep, TakeBackError } from "../saga/saga.ts";
import { lossText } from "./losses.ts";
import { rehearse, unrehearse } from "./rehearse.ts";
import type { ChangeFound, ChangeRequest, Images } from "./request.ts";
import { subjectOf } from "./subject.ts";
import { asideRecord, switchOver, takeBack } from "./switch.ts";

const ask: SagaStep = {
  name: "ask",
  run: async (context) => {
    const { tenant, request, found, host } = await subjectOf(context);
    if (request.yes) return undefined;
    const written = request.since === null ? undefined : await host.written(request.since);
    const said =
      written === undefined ? upgradeText(tenant, request, found) : rollbackText(tenant, request, written);
    try {
      await confirmed(said, context.invocation);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      throw new TakeBackError("it was not confirmed.", { cause: error });
    }
    return undefined;
  },
};

/** The last step that touches nothing that serves: what `up` is to do at the moment of the switch is put ready. */
const prepare: SagaStep = {
  name: "prepare",
  run: async (context): Promise<{ images: Images }> => {
    const { host, request, aside, failed } = await subjectOf(context);
    const { image } = await host.state(aside, failed);
    const images = { from: image, to: await host.fetch(request.to.image) };
    await host.prepare(images.to, aside, request.put ?? undefined);
    return { images };
  },
  undo: async (context) => (await subjectOf(context)).host.clean(),
};

const switching: SagaStep = { name: "switch", run: switchOver, undo: takeBack };

/** What was set aside stays until an upgrade behind it has passed its gate; that of rollbacks stays for ever. */
const keep: SagaStep = {
  name: "keep",
  run: async (context) => {
    const subject = await subjectOf(context);
    const { host, request, aside } = subject;
    const older = request.put === null ? (await host.list()).filter(({ folder }) => folder !== aside) : [];
    const forgotten = older
      .filter(({ record, folder }) => record?.kind === "upgrade" && folder.startsWith("data.before-"))
      .map(({ folder }) => folder);
    await host.keep(aside, asideRecord(subject, context.operation, request.from, request.to), forgotten);
    return { forgotten };
  },
};

/** A tenant's Open WebUI in another version, and its database with it. */
export const upgradeSaga: Saga = {
  kind: "upgrade",
  steps: [{ name: "rehearse", run: rehearse, undo: unrehearse }, ask, prepare, switching, keep],
  abortable: 3,
};

/** The version before, on the database of before. */
export const rollbackSaga: Saga = {
  kind: "rollback",
  steps: [ask, prepare, switching, keep],
  abortable: 2,
};

/** What an operator decides on. */
export function upgradeText(tenant: string, { from, to }: ChangeRequest, { rehearsal }: ChangeFound): string {
  if (!rehearsal) return `${tenant} goes from ${from.version} to ${to.version}, and was not rehearsed.`;
  const { bytes, startSeconds, tables, losses, expectedSeconds } = rehearsal;
  return [
    `${tenant} goes from ${from.version} to ${to.version}. On a copy of its database (${(bytes / 1e6).toFixed(1)} MB) the new version answered after ${duration(startSeconds * 1000)}, migrations among it; ${tables} tables, ${losses.length === 0 ? "no row lost" : `and it loses rows: ${lossText(losses)}`}.`,
    `Its users wait for about ${expectedSeconds} s. If it does not answer as it should then, version and database of before come back by themselves.`,
  ].join("\n");
}

/** What an operator loses by going back. */
export function rollbackText(tenant: string, { from, to, since }: ChangeRequest, written: Rows): string {
  const at = new Date((since ?? 0) * 1000).toISOString();
  const rows = Object.entries(written).map(([table, count]) => `${table} ${count}`);
  return [
    `${tenant} goes back from ${from.version} to ${to.version}, with its database of ${at}.`,
    rows.length === 0
      ? "Nothing was written since that bears a time."
      : `What was written since is not in it: rows made or changed, by table: ${rows.join(", ")}.`,
    "The database of now is set aside on its host, and nothing deletes it. Files that were uploaded since stay, and nothing knows of them.",
    "Its users wait for about half a minute.",
  ].join("\n");
}
