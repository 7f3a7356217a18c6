import * as z from "zod";
import { openApiDocument } from "../openapi.ts";
import { type Route, route } from "../route.ts";

/** The route that describes all routes, itself too. */
export const openApiRoute = (routes: () => readonly Route[]): Route =>
  route(
    {
      method: "GET",
      path: "/api/v1/openapi.json",
      scope: "read",
      summary: "Describe this API as OpenAPI 3.1",
      answer: z.record(z.string(), z.unknown()),
    },
    async () => openApiDocument(routes()),
  );
