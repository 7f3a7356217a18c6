import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { Received } from "../../support/fleet/alert-sink.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { fetchJson } from "../../support/fleet/http.ts";
import { until } from "../../support/fleet/until.ts";

/** Alerts that really go out: to a webhook and a mail server in a network of the tests' own. */
export const alerts = (fleet: Fleet) =>
  describe("alerts", () => {
    const { sink } = fleet;
    const token = `token-${randomBytes(12).toString("hex")}`;
    const received = () => fetchJson<Received>(sink, "/received");

    it("go nowhere while nobody is named, and a test of them says so", async () => {
      const { code, stderr } = await fleet.driver.alert({ mayFail: true });
      expect(code).not.toBe(0);
      expect(stderr).toContain("Nobody hears of alerts");
    });

    describe("with a mail server, a webhook and a heartbeat", () => {
      let said: string;

      beforeAll(async () => {
        const mail = { host: sink.address, port: fleet.mailPort, from: "fleet@e2e.example", tls: false };
        await fleet.file.setAlerts({
          mail: { ...mail, to: ["operator@e2e.example"] },
          heartbeat: { url: `http://${sink.address}:${sink.port}/heartbeat`, every: "1m" },
        });
        const url = `http://${sink.address}:${sink.port}/${token}`;
        await fleet.setSecret("monitoring.alerts.webhook.url", url);
        await fleet.up();
        said = (await fleet.driver.alert()).stdout;
      });

      it("arrive at the webhook when a test is sent", async () => {
        const [, id] = /label test=(\w+)/.exec(said) ?? [];
        const { calls } = await received();
        const { body } = calls.find(({ path }) => path === `/${token}`) ?? {};
        expect(body?.alerts).toMatchObject([{ status: "firing", labels: { alertname: "Test", test: id } }]);
      });

      it("arrive as a mail that says what is the matter and where", async () => {
        const [mail] = (await received()).mails;
        expect(mail).toMatchObject({ from: "fleet@e2e.example", to: ["operator@e2e.example"] });
        expect(mail?.content).toContain(`Subject: [${fleet.stack}] Test firing`);
        expect(mail?.content).toContain("Nothing is wrong.");
      });

      it("are shown by status, which needs no receiver", async () => {
        expect(await fleet.driver.status()).toMatchObject({
          alerts: expect.arrayContaining([expect.objectContaining({ name: "Test", severity: "info" })]),
        });
      });

      it("are known to work: the heartbeat comes by itself, from Prometheus on", async () => {
        await until(
          "a heartbeat arrives",
          async () => (await received()).calls.find(({ path }) => path === "/heartbeat"),
          120,
        );
      });
    });
  });
