import { CommandError } from "../../toolchain/setup/problem.mjs";
import { type StepContext, TakeBackError } from "../saga/saga.ts";
import { lossesOf, lossText, schemaFault } from "./losses.ts";
import type { Rehearsal } from "./request.ts";
import { openSettings, type Subject, scratchOf, subjectOf } from "./subject.ts";
import { releaseOf } from "./version.ts";

/** From the order to stop until the engine begins with the next container, and until the first answer is seen: seconds. */
const changeover = 3;

/**
 * Starts the new version on a copy of the tenant's database, beside what serves and without a network; waits for its
 * migrations, signs in, looks around, counts. Nothing of the tenant's is touched.
 */
export async function rehearse(context: StepContext): Promise<{ rehearsal: Rehearsal }> {
  const subject = await subjectOf(context);
  try {
    return { rehearsal: await tried(subject, context) };
  } catch (error) {
    // What cannot be tried is not done; what is no finding of the rehearsal stops it, and is tried again.
    if (!(error instanceof CommandError)) throw error;
    throw new TakeBackError(
      `the rehearsal failed, and nothing of ${subject.tenant}'s was touched: ${error.message.trim()}`,
      {
        cause: error,
      },
    );
  } finally {
    await unrehearse(context);
  }
}

async function tried(subject: Subject, { say, signal }: StepContext): Promise<Rehearsal> {
  const { host, place, request } = subject;
  const { to } = request;
  const image = await host.fetch(to.image);
  say("its database is copied while it serves");
  const copied = await host.copy(image);
  signal.throwIfAborted();
  const scratch = scratchOf(subject);
  say(`${to.version} starts on the copy, and migrates it`);
  const startSeconds = await scratch.start({
    ...{
      image,
      data: host.copyFolder,
      log: host.pathOf("upgrade.log"),
      key: host.config.key,
      environment: host.config.environment,
    },
    ...{ limits: place.spec, settings: openSettings(subject) },
  });
  signal.throwIfAborted();
  say("its API is tried on the copy");
  const { version, rows } = await scratch.signIn();
  const fault =
    wrongVersion(to.version, version) ??
    schemaFault(await host.schema(`owui-${place.last.fleet.stack}-scratch-upgrade-${subject.tenant}`));
  if (fault) throw new CommandError(fault);
  const losses = lossesOf(copied.rows, rows);
  if (losses.length > 0 && !request.acceptLosses)
    throw new CommandError(
      `the new version loses rows: ${lossText(losses)}. If they may be lost: --accept-losses.`,
    );
  return {
    ...{ version, losses, startSeconds, bytes: copied.bytes, copySeconds: copied.seconds },
    tables: Object.keys(rows).length,
    expectedSeconds: Math.ceil(startSeconds + copied.seconds + changeover),
  };
}

/** Removes everything that a rehearsal made; safe to repeat. */
export async function unrehearse(context: StepContext): Promise<void> {
  const subject = await subjectOf(context);
  await scratchOf(subject).remove();
  await subject.host.clean();
}

/** What answers is another version than was wanted; undefined: it is that, or what is wanted has no number. */
export function wrongVersion(wanted: string, is: string | null): string | undefined {
  const release = releaseOf(wanted);
  if (!release || is === release.numbers.join(".")) return undefined;
  return `what answers is version ${is ?? "unknown"} instead of ${wanted}`;
}
