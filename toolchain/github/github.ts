import { SetupError } from "../setup/problem.mjs";

/** Where and as whom a workflow's run reaches GitHub; GitHub sets all of it in a run's environment. */
export interface Access {
  /** `https://api.github.com`. */
  api: string;
  /** `owner/name`. */
  repository: string;
  token: string;
}

/** A comment, or an issue: what both have. */
export interface Thread {
  /** A comment's own number. */
  id: number;
  /** An issue's. */
  number?: number;
  body: string | null;
  user: { login: string } | null;
  /** There where an issue is a pull request. */
  pull_request?: unknown;
}

/** Whom GitHub names for what a run's own token did. */
const self = "github-actions[bot]";

/** As many as GitHub gives at once. */
const pageSize = 100;

/** GitHub's API as far as reports need it. */
export class GitHub {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  /** The comment of ours on a pull request that begins with a mark. Anybody may write the mark; only what we wrote counts. */
  findComment(pull: number, mark: string): Promise<Thread | undefined> {
    return this.#find(`issues/${pull}/comments?`, mark);
  }

  comment(pull: number, body: string): Promise<void> {
    return this.#send("POST", `issues/${pull}/comments`, { body });
  }

  editComment(id: number, body: string): Promise<void> {
    return this.#send("PATCH", `issues/comments/${id}`, { body });
  }

  /** The open issue of ours that begins with a mark. */
  findIssue(mark: string): Promise<Thread | undefined> {
    return this.#find(`issues?state=open&creator=${encodeURIComponent(self)}&`, mark);
  }

  openIssue(title: string, body: string): Promise<void> {
    return this.#send("POST", "issues", { title, body });
  }

  editIssue(number: number, changes: { title?: string; body?: string; state?: "closed" }): Promise<void> {
    return this.#send("PATCH", `issues/${number}`, changes);
  }

  async #find(path: string, mark: string): Promise<Thread | undefined> {
    for (let page = 1; ; page++) {
      const response = await this.#ask("GET", `${path}per_page=${pageSize}&page=${page}`);
      const threads = (await response.json()) as Thread[];
      const found = threads.find(
        ({ body, user, pull_request }) => body?.startsWith(mark) && user?.login === self && !pull_request,
      );
      if (found || threads.length < pageSize) return found;
    }
  }

  async #send(method: string, path: string, content: object): Promise<void> {
    await this.#ask(method, path, content);
  }

  async #ask(method: string, path: string, content?: object): Promise<Response> {
    const { api, repository, token } = this.#access;
    const response = await fetch(`${api}/repos/${repository}/${path}`, {
      method,
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${token}`,
        "x-github-api-version": "2022-11-28",
      },
      ...(content && { body: JSON.stringify(content) }),
      signal: AbortSignal.timeout(30_000),
    });
    if (response.ok) return response;
    throw new SetupError(
      [
        {
          what: `GitHub answered ${response.status} to ${method} ${path.replace(/\?.*/, "")} of ${repository}.`,
          why: "The report could not be shown there.",
          remedy:
            response.status === 403 || response.status === 404
              ? "Let the workflow write: permissions in its file, and in the repository's settings for actions."
              : "Run the workflow again; if it goes on, see https://www.githubstatus.com.",
        },
      ],
      "What the report is about was not touched by this.",
    );
  }
}
