import { CommandError } from "../../toolchain/setup/problem.mjs";
import { containerState, startContainer } from "../on-host/tenant-container.ts";
import { carryConfig } from "../on-host/tenant-move.ts";
import type { StepContext } from "../saga/saga.ts";
import { edit, passes, relocate } from "./relocate.ts";
import { subjectOf } from "./subject.ts";

/**
 * Has the tenant serve on the host it came from. Once it was seen to serve on the other one, that is a move in the other
 * direction: everything that was written there comes along. Before that nobody was let in there, and what it left is what it
 * had. Safe to repeat, from wherever it was left.
 */
export async function takeBack(context: StepContext): Promise<void> {
  const subject = await subjectOf(context);
  const { from, to, found, request, container } = subject;
  const { say, tenant } = context;
  if (found.servedSince !== undefined) {
    say(`what was written on ${request.to} comes back with it`);
    await from.act("depart");
    await from.act("base");
    if (!(await from.state()).arrived) {
      await passes(to, from, context);
      await carryConfig(to, from);
    }
    await relocate(subject, to, from);
    await from.act("unforward");
    return;
  }
  const { arrived } = await to.state();
  await to.act("abandon");
  // Behind the arrival `up` may have replaced the network that its container here is on: that one could not start again,
  // nor another be made beside it. Its data was only read.
  if (arrived) await from.act("forget");
  else if ((await containerState(from.host, container)).exists) await startContainer(from.host, container);
  await from.act("unforward");
  say(`it serves on ${request.from} again`);
  await edit(context, request.from);
  if (!(await containerState(from.host, container)).running)
    throw new CommandError(`${tenant} does not run on host ${request.from} again, with its data in place.`);
}
