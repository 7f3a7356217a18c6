/** What Alertmanager has sent by one kind of receiver since it started. */
export interface Delivery {
  receiver: "email" | "webhook";
  /** Requests, and those of them that failed; a receiver that is not there is tried again. */
  requests: number;
  failed: number;
}

const receivers: readonly Delivery["receiver"][] = ["email", "webhook"];

/** Reads them from Alertmanager's own metrics. */
export const readDeliveries = (metrics: string): Delivery[] =>
  receivers.map((receiver) => {
    const count = (name: string) =>
      Number(new RegExp(`^${name}\\{integration="${receiver}"\\} (\\S+)$`, "m").exec(metrics)?.[1] ?? 0);
    return {
      receiver,
      requests: count("alertmanager_notification_requests_total"),
      failed: count("alertmanager_notification_requests_failed_total"),
    };
  });

/** Which receivers took something between two readings, and which refused something. */
export function deliveredSince(before: readonly Delivery[], after: readonly Delivery[]) {
  const of = (all: readonly Delivery[], receiver: Delivery["receiver"]) =>
    all.find((delivery) => delivery.receiver === receiver) ?? { requests: 0, failed: 0 };
  const grown = (pick: (delivery: Pick<Delivery, "requests" | "failed">) => number) =>
    receivers.filter((receiver) => pick(of(after, receiver)) > pick(of(before, receiver)));
  return {
    delivered: grown(({ requests, failed }) => requests - failed),
    failed: grown(({ failed }) => failed),
  };
}
