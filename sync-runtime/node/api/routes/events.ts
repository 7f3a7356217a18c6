import * as z from "zod";
import { route } from "../route.ts";

export const eventRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/events",
      scope: "read",
      summary: "Tell what happens, as server-sent events",
      description:
        "`job-began`, `job-progress`, `job-ended`, `leader-changed`, `state-changed`, `hold-began`, `hold-ended`, " +
        "`conflict-detected`, `conflict-written`, `conflict-refused`, `write-refused`, each with JSON. " +
        "With `Last-Event-ID` what ended, moved or began to lead behind that event is told first; an event may come twice. " +
        "A comment comes every 15 seconds. The stream ends with its token: come again with another and the last id.",
      headers: z.object({
        "last-event-id": z
          .string()
          .regex(/^[0-9]{1,18}$/, "Not the id of an event")
          .optional()
          .describe("The id of the last event that was had"),
      }),
      answer: z.string(),
      contentType: "text/event-stream",
      problems: ["too-many-listeners"],
    },
    async ({ caller, headers }, { events }) => {
      const last = headers["last-event-id"];
      return events.listen(last === undefined ? undefined : BigInt(last), caller.expires);
    },
  ),
];
