import { readFile } from "node:fs/promises";
import { agoText, columns } from "../../toolchain/commands/status-table.ts";
import { CommandError, SetupError } from "../../toolchain/setup/problem.mjs";
import {
  appliedText,
  applyEdit,
  changedText,
  type EditInvocation,
  fileOf,
} from "../config-edit/apply-edit.ts";
import type { Edit } from "../config-edit/edit.ts";
import { confirmed } from "../confirm.ts";
import { Application, ApplicationError, type Role, type User } from "../open-webui/application.ts";
import { wayTo } from "../open-webui/way.ts";
import { placeOf, type TenantPlace } from "../tenant-place.ts";

/** What `fleet users` does. */

export type UserAction = "list" | "approve" | "promote" | "demote" | "suspend" | "delete" | "hand-over";

/** How `fleet users` is asked. */
export interface UsersInvocation extends EditInvocation {
  /** hand-over: what the primary admin is called then. */
  name?: string;
}

/** One line of `fleet users --json`. An interface: scripts read it. Times in ISO 8601. */
export interface UserLine {
  id: string;
  email: string;
  name: string;
  role: string;
  /** The oldest account, which Open WebUI lets nobody delete or demote. */
  primary: boolean;
  created_at: string;
  last_active_at: string | null;
}

/** Roles that an action gives, and from which it takes. */
const given: Record<"approve" | "promote" | "demote" | "suspend", { to: Role; from: readonly string[] }> = {
  approve: { to: "user", from: ["pending"] },
  promote: { to: "admin", from: ["pending", "user"] },
  demote: { to: "user", from: ["admin"] },
  suspend: { to: "pending", from: ["user", "admin"] },
};

/** `fleet users acme [action] [user...]`: a tenant's accounts, through Open WebUI's own API as the stack's admin. */
export async function users(
  invocation: UsersInvocation,
  tenant: string,
  action: UserAction,
  words: readonly string[],
): Promise<void> {
  const place = await placeOf(invocation, tenant);
  if (action === "list") {
    refuseWords(tenant, action, words.length === 0);
    return show(invocation, await (await signedIn(place, [])).users());
  }
  refuseWords(tenant, action, action === "hand-over" ? words.length === 1 : words.length > 0);
  if (action === "hand-over") return handOver(invocation, place, words[0] ?? "");
  const application = await signedIn(place, []);
  const all = await application.users();
  const chosen = choose(all, words, tenant, action);
  if (action === "delete")
    await confirmed(
      `${chosen.map(({ email }) => email).join(", ")} of ${tenant}: deleted with all chats and files. The replica keeps the rows as tombstones for a while; nothing else does.`,
      invocation,
    );
  for (const user of chosen) {
    if (action === "delete") await application.remove(user);
    else if (given[action].to !== user.role) await application.update(user, { role: given[action].to });
  }
  show(invocation, await application.users());
}

function show({ json }: UsersInvocation, all: readonly User[]): void {
  const lines = userLines(all);
  process.stdout.write(
    json ? `${JSON.stringify({ users: lines }, undefined, 2)}\n` : `${userTable(lines, Date.now())}\n`,
  );
}

/** The lines of a list that is sorted by age. */
export const userLines = (all: readonly User[]): UserLine[] =>
  all.map(({ id, email, name, role, created_at, last_active_at }, index) => ({
    ...{ id, email, name, role, primary: index === 0 },
    created_at: isoOf(created_at),
    last_active_at: last_active_at === null ? null : isoOf(last_active_at),
  }));

/** Seconds since 1970; what no date can be, a tenant may say all the same. */
const isoOf = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? "unknown" : date.toISOString();
};

/** The same for people. Names are the users' own: what would move the terminal's cursor is left out. */
export const userTable = (lines: readonly UserLine[], now: number): string =>
  columns([
    ["e-mail", "name", "role", "last active", "id"],
    ...lines.map(({ email, name, role, primary, last_active_at, id }) => [
      visible(email),
      visible(name),
      primary ? `${visible(role)} (primary)` : visible(role),
      last_active_at === null ? "never" : `${agoText(now - Date.parse(last_active_at))} ago`,
      visible(id),
    ]),
  ]).join("\n");

const visible = (text: string): string => text.replaceAll(/\p{C}/gu, "");

/** The accounts that are named, by e-mail or id; everything that speaks against the action, at once. */
export function choose(
  all: readonly User[],
  names: readonly string[],
  tenant: string,
  action: Exclude<UserAction, "list" | "hand-over">,
): User[] {
  const found = names.map((name) => ({
    name,
    user: all.find(({ id, email }) => id === name || email.toLowerCase() === name.toLowerCase()),
  }));
  const problems = found.flatMap(({ name, user }) => {
    if (!user)
      return [
        {
          what: `${tenant} has no user "${name}".`,
          why: "Users are named by their e-mail address or id.",
          remedy: `Look at \`npx fleet users ${tenant}\`.`,
        },
      ];
    if (user === all[0] && ["demote", "suspend", "delete"].includes(action))
      return [
        {
          what: `${name} is the primary admin of ${tenant}.`,
          why: "Open WebUI lets nobody demote or delete its oldest account, and the stack itself signs in with it.",
          remedy: `Give it to somebody else: npx fleet users ${tenant} hand-over <e-mail>.`,
        },
      ];
    const role = action === "delete" ? undefined : given[action];
    if (role && role.to !== user.role && !role.from.includes(user.role))
      return [
        {
          what: `${name} is ${user.role}: there is nothing to ${action}.`,
          why: `${action} is for ${role.from.join(" or ")}, and makes ${role.to} of it.`,
          remedy: `Look at \`npx fleet users ${tenant}\`.`,
        },
      ];
    return [];
  });
  if (problems.length > 0) throw new SetupError(problems, "No account was changed.");
  return [...new Set(found.flatMap(({ user }) => user ?? []))];
}

/** Signs in as the stack's admin, by the first of the addresses that is taken. */
async function signedIn(place: TenantPlace, further: readonly string[]): Promise<Application> {
  const { spec, last } = place;
  const admin = last.outputs.tenants[spec.id]?.admin;
  if (!admin || !spec.running)
    throw new SetupError([
      {
        what: `${spec.id} does not run.`,
        why: "Its users are known to its application alone.",
        remedy: `Start it: npx fleet start ${spec.id}`,
      },
    ]);
  const at = await wayTo(place);
  let refused: ApplicationError | undefined;
  for (const email of [admin.email, ...further]) {
    try {
      return await Application.signIn(at, email, admin.password);
    } catch (error) {
      if (!(error instanceof ApplicationError) || ![400, 401, 403].includes(error.status)) throw error;
      refused ??= error;
    }
  }
  throw new SetupError([
    {
      what: `${spec.id} does not let the stack's admin ${admin.email} in: ${refused?.message}`,
      why: "Its password or address was changed inside the application, or signing in by password is off there.",
      remedy: `Set that password back inside the application (npx fleet password ${spec.id}), or write the address into admin.email of its entry.`,
    },
  ]);
}

/**
 * The primary admin becomes somebody else: the oldest account gets another address and name, in the application and
 * then in the stack's config. What stops in between goes on when the command is run again.
 */
async function handOver(invocation: UsersInvocation, place: TenantPlace, email: string): Promise<void> {
  const { stack, json, name } = invocation;
  const { id } = place.spec;
  const edits: Edit[] = [
    { path: ["tenants", id, "admin", "email"], value: email },
    ...(name === undefined ? [] : [{ path: ["tenants", id, "admin", "name"], value: name }]),
  ];
  // A config that would be wrong is refused before anything is changed anywhere.
  await changedText(stack, await readFile(await fileOf(invocation), "utf8"), edits);
  const application = await signedIn(place, [email]);
  const all = await application.users();
  const [primary] = all;
  const taken = all.find((user) => user !== primary && user.email.toLowerCase() === email.toLowerCase());
  if (!primary || primary.id !== application.id || taken)
    throw new SetupError([
      taken
        ? {
            what: `${email} is another account of ${id} already.`,
            why: "An address has one account, and the primary admin is the oldest one.",
            remedy:
              "Have that account's address changed or delete it (npx fleet users), or name another address.",
          }
        : {
            what: `The stack's admin of ${id} is not its primary admin.`,
            why: "Open WebUI lets nobody but the primary admin change that account.",
            remedy: `Write the primary admin's address, ${primary?.email ?? "of the oldest account"}, into admin.email of its entry.`,
          },
    ]);
  await confirmed(
    `${primary.email}, the primary admin of ${id}, becomes ${email}. Chats and password stay the account's: tell ${email} the password (npx fleet password ${id}) by a way that only they read.`,
    invocation,
  );
  if (primary.email !== email.toLowerCase() || (name !== undefined && primary.name !== name))
    await application.update(primary, { email, ...(name !== undefined && { name }) });
  const message = `${id}: primary admin is ${email}`;
  const applied = await applyEdit(invocation, { edits, message }).catch((error: unknown) => {
    throw error instanceof CommandError
      ? new CommandError(`${error.message}\nThe application knows ${email} as its primary admin already.`)
      : error;
  });
  process.stdout.write(json ? `${JSON.stringify(applied, undefined, 2)}\n` : `${appliedText(applied)}\n`);
}

function refuseWords(tenant: string, action: UserAction, fits: boolean): void {
  if (fits) return;
  const wanted = action === "list" ? "" : action === "hand-over" ? " <e-mail>" : " <e-mail or id>...";
  throw new SetupError([
    {
      what: action === "list" ? "A list names no users." : `Whom to ${action} is not said as it has to be.`,
      why: "An action is about the accounts that are named behind it.",
      remedy: `Write npx fleet users ${tenant} ${action}${wanted}.`,
    },
  ]);
}
