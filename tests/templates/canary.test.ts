import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import {
    canaryDelivery,
    canaryRole,
    loaderFiles,
    loaderPackages,
    sha256,
} from "../../components/canary/render";
import { renderJoiningConfig, userDataLimitBytes } from "../../components/machine/cloudConfig";
import { relayPlan } from "../support/relayPlan";
import { Stage } from "../support/relayStage";

const delivery = canaryDelivery(
    canaryRole({ ...relayPlan(), region: undefined }, { drainLimitSeconds: 60, closePerSecond: 5 }),
    5,
);
const [bucket, key] = ["radio-test-artefacts", `relay/0123456789ab/${sha256(delivery)}`];
const secrets = "/aerial-test/relay/secrets";
const given = { values: { "relay.link": "relay-2:hunter2" }, files: { "ca.pem": "CA" } };
const loader = loaderFiles({
    ...{ name: "canary", region: "eu-central-1", group: "aerial-test-canary", hook: "join" },
    ...{ bucket, key, sha256: sha256(delivery), secrets, report: "/aerial-test/relay/report" },
    ...{ namespace: "aerial-test", readySeconds: 5, masters: [] },
});

describe("an instance of the canary, by the programs that read its files", () => {
    const stage = new Stage({ packages: [], units: [], services: [], maskedUnits: [], files: loader });
    let results: Record<string, string> = {};

    beforeAll(async () => {
        const userData = renderJoiningConfig(
            { name: "canary", loader, packages: loaderPackages, unit: "aerial-join.service" },
            userDataLimitBytes.ec2,
        );
        stage.write("user-data", userData);
        stage.write("amazon.py", readFileSync(join(__dirname, "amazon.py"), "utf8"));
        stage.write("parameters.json", JSON.stringify({ [secrets]: JSON.stringify(given) }));
        stage.write("objects.json", JSON.stringify({ [`/${bucket}/${key}`]: delivery }));
        results = await stage.run(join(__dirname, "group-in-image.sh"), "calls", 110);
    }, 120_000);

    afterAll(() => stage.remove());

    it("cloud-init takes the user data", () => {
        expect(results["schema"]).toMatch(/^Valid schema/);
    });

    it("reads its delivery with Debian's boto3, joins when it is healthy, and is named by its instance", () => {
        expect(results["join"]).toBe("in service");
        expect(results["hostname"]).toBe("canary-0abc123 canary-0abc123");
    });

    it("leaves the workstation its name", () => {
        expect(hostname()).not.toContain("canary");
    });

    it("has its delivery applied with its secrets, by the programs that it brings", () => {
        expect(JSON.parse(results["given"] ?? "")).toEqual(given);
        expect(results["authorization"]).toBe(
            `Authorization: Basic ${Buffer.from("relay-2:hunter2").toString("base64")}`,
        );
    });

    it("systemd has nothing to say against its units", () => {
        expect(results["verify"]).toBe("");
    });

    it("says why it does not join when it is not healthy", () => {
        expect(results["broken join"]).toMatch(/ i-0abc123: the audio stands still$/);
        expect(results["sync"]).toBe("");
        const read = [`GET /${bucket}/${key}`, "GetParameter"];
        expect(results["calls"]?.split(";").map((call) => call.trim())).toEqual([
            ...read,
            "CompleteLifecycleAction CONTINUE",
            ...read,
            "PutParameter i-0abc123: the audio stands still",
            "CompleteLifecycleAction ABANDON",
            // The listeners are not published: nobody tells them here.
            "GetParameter",
            "",
        ]);
    });
});
