import { PolicyPack } from "@pulumi/policy";
import { policies } from "./policies.ts";

new PolicyPack("fleet", { policies, enforcementLevel: "mandatory" });
