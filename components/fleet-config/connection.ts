import { z } from "zod";
import { documentation } from "./documentation.ts";
import { refuse } from "./problem.ts";

const connectionUrl = z
  .string()
  .transform((text, context): string => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const secrets = url !== undefined && (url.username !== "" || url.password !== "" || url.search !== "");
    // Open WebUI takes all its connections in one variable, with semicolons between them.
    const usable = url !== undefined && /^https?:$/.test(url.protocol) && !/[;\s]/.test(text);
    if (usable && !secrets) return text.replace(/\/+$/, "");
    refuse(
      context,
      secrets
        ? {
            found: "a URL with credentials or a query in it",
            remedy: "write the bare URL and put the secret into the connection's key",
          }
        : {
            found: "a text that is no http or https URL",
            remedy: "write the base URL of the API, such as https://models.example.com/v1",
          },
    );
    return z.NEVER;
  })
  .register(documentation, {
    description: "Base URL of an OpenAI-compatible API, without credentials.",
    type: "URL",
    example: "https://models.example.com/v1",
    remedy: "write the base URL of the API, such as https://models.example.com/v1",
    secret: true,
  });

const connectionKey = z
  .string()
  .regex(/^[^;\s]*$/)
  .prefault("")
  .register(documentation, {
    description:
      "API key, encrypted. Left out where the server asks for none. Refused in plain text in the stack's file.",
    type: "secret text",
    default: "none",
    example: "{ secure: v1:... }",
    remedy:
      "write one text without blanks and semicolons; encrypt it with `npm run pulumi -- config set --secret --path`",
    secret: true,
  });

/** A model server a tenant talks to. */
export const connection = () =>
  z
    .strictObject({ url: connectionUrl, key: connectionKey })
    .register(documentation, { description: "A model server.", remedy: "write an entry with url and key" });
