import { request } from "node:http";
import * as z from "zod";
import { CommandError } from "../../toolchain/setup/problem.mjs";

const patienceMs = 30_000;
/** The application is the tenant's: what it answers is read up to here. */
const longestAnswer = 16 * 2 ** 20;

const SignedIn = z.object({ token: z.string(), id: z.string() });
const Detail = z.object({ detail: z.string() });

/** Roles of Open WebUI's users; `pending` waits for an admin. */
export const roles = ["pending", "user", "admin"] as const;
export type Role = (typeof roles)[number];

/** An account, as Open WebUI lists it; times in seconds since 1970. */
export const User = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  role: z.enum(roles).or(z.string()),
  profile_image_url: z.string().nullable().default(null),
  created_at: z.number(),
  last_active_at: z.number().nullable().default(null),
});
export type User = z.infer<typeof User>;

/** Versions from 0.6 on tell how many there are; those before answer with the bare list, all of it or a page. */
const Page = z.union([
  z.object({ users: z.array(User), total: z.number() }),
  z.array(User).transform((users) => ({ users, total: undefined })),
]);

/** The application refused what was asked of it, or answered something else than Open WebUI does. */
export class ApplicationError extends CommandError {
  override name = "ApplicationError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** One tenant's Open WebUI, asked as one of its users. */
export class Application {
  readonly #at: URL;
  readonly #token: string;
  /** Who asks. */
  readonly id: string;

  private constructor(at: URL, token: string, id: string) {
    this.#at = at;
    this.#token = token;
    this.id = id;
  }

  /** Signs in; the application's refusal has status 400, 401 or 403. */
  static async signIn(at: URL, email: string, password: string): Promise<Application> {
    const answer = await call(at, "POST", "/api/v1/auths/signin", { body: { email, password } });
    const { token, id } = SignedIn.parse(answer);
    return new Application(at, token, id);
  }

  /** Every account, the oldest first: that one is the primary admin, whom Open WebUI guards. */
  async users(): Promise<User[]> {
    const found = new Map<string, User>();
    for (let page = 1; ; page++) {
      const known = found.size;
      const path = `/api/v1/users/?page=${page}&order_by=created_at&direction=asc`;
      const { users, total } = Page.parse(await this.#call("GET", path));
      for (const user of users) found.set(user.id, user);
      if (found.size === known || (total !== undefined && found.size >= total)) break;
    }
    return [...found.values()].sort((a, b) => a.created_at - b.created_at);
  }

  /** Changes an account. Old versions want every field said, new ones only those that change. */
  async update(user: User, change: Partial<Pick<User, "role" | "email" | "name">>): Promise<void> {
    const path = `/api/v1/users/${encodeURIComponent(user.id)}/update`;
    const { role, name, email, profile_image_url } = { ...user, ...change };
    const whole = { role, name, email, profile_image_url: profile_image_url ?? "/user.png" };
    try {
      await this.#call("POST", path, whole);
    } catch (error) {
      if (!(error instanceof ApplicationError) || error.status !== 422) throw error;
      await this.#call("POST", path, change);
    }
  }

  /** Deletes an account with everything that is its own. */
  async remove({ id }: User): Promise<void> {
    await this.#call("DELETE", `/api/v1/users/${encodeURIComponent(id)}`);
  }

  #call(method: string, path: string, body?: unknown): Promise<unknown> {
    return call(this.#at, method, path, { body, token: this.#token });
  }
}

/** One call; an answer that is no 2xx or no JSON is an {@link ApplicationError}. */
const call = (
  at: URL,
  method: string,
  path: string,
  { body, token }: { body?: unknown; token?: string },
): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const asked = request(new URL(path, at), {
      method,
      agent: false,
      signal: AbortSignal.timeout(patienceMs),
      headers: {
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
    });
    const failed = (status: number, why: string) =>
      reject(new ApplicationError(status, `${method} ${path.split("?")[0]}: ${why}`));
    asked.once("error", (error) => failed(0, `the application does not answer: ${error.message}`));
    asked.once("response", async (answer) => {
      const { statusCode = 0 } = answer;
      try {
        let text = "";
        for await (const chunk of answer.setEncoding("utf8")) {
          text += chunk;
          if (text.length > longestAnswer)
            throw new Error(`its answer is longer than ${longestAnswer} bytes`);
        }
        const value: unknown = JSON.parse(text);
        if (statusCode >= 200 && statusCode < 300) return resolve(value);
        failed(statusCode, Detail.safeParse(value).data?.detail ?? `it was answered with ${statusCode}`);
      } catch (error) {
        failed(statusCode, `answered with ${statusCode}, and ${(error as Error).message}`);
      }
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
