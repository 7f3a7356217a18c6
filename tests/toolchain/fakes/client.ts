/** An answer, read. */
export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what an API of somebody else's shape answers
  body: any;
}

/** A client of a fake. */
export type Client = (method: string, path: string, body?: unknown) => Promise<Reply>;

export const token = "a-token-of-a-test-that-opens-nothing-real-0123456789";

export const clientOf =
  (address: string, bearer: string | undefined = token): Client =>
  async (method, path, body) => {
    const response = await fetch(address + path, {
      method,
      headers: {
        ...(bearer === "" ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
  };
