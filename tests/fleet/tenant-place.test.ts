import { expect, it } from "vitest";
import { refusePostgres } from "../../fleet/tenant-place.ts";
import { tenantSpec } from "../components/specs.ts";

it("what works on SQLite files is refused where a tenant has another database, with what to do instead", () => {
  const database = {
    kind: "postgres",
    url: "postgresql://a@db.example.com:5433/acme",
    password: "hunter2",
  } as const;
  const refused = () => refusePostgres({ spec: tenantSpec({ database }) }, "A rollback");
  expect(refused).toThrow(
    /A rollback does not reach .* acme: it is a Postgres, db\.example\.com:5433\/acme\./,
  );
  expect(refused).not.toThrow(/hunter2/);
  expect(() => refusePostgres({ spec: tenantSpec() }, "A rollback")).not.toThrow();
});
