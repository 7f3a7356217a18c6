import { CommandError } from "../toolchain/setup/problem.mjs";

/** What a command's exit code says; an interface: scripts read it. */
export const exitCodes = {
  /** It is done, or all is as it should be. */
  done: 0,
  /** It was not done, or something is not as it should be; the message says what, why and what to do. */
  failed: 1,
  /** The command line is wrong: nothing was looked at, nothing was done. */
  usage: 2,
  /** `sync`: the replica is held until an operator decides. */
  held: 3,
  /** Something else works on the tenant; the message says what, and since when. */
  busy: 4,
} as const;

/** The same for `fleet --help`. */
export const exitCodeText = `
Exit codes:
  0  done, or all is as it should be
  1  not done, or something is not as it should be: the message says what, why and what to do
  2  the command line is wrong: nothing was looked at and nothing was done
  3  sync: the replica is held until you decide
  4  something else works on the tenant: the message says what, and since when
  130  interrupted`;

/** Something else works on the tenant; ends the command with {@link exitCodes.busy}. */
export class BusyError extends CommandError {
  override name = "BusyError";
}
