import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import { baseRole } from "../../components/machine/base";
import { renderJoiningConfig, userDataLimitBytes } from "../../components/machine/cloudConfig";
import { packFiles } from "../../components/machine/pack";
import { fetchCommand, joiningRole, loaderFiles } from "../../components/canary/render";
import { mergeRoles } from "../../components/machine/role";
import { cutPack, pieceCount } from "../../components/canary/pieces";
import { renderRelay } from "../../components/relayPool/render";
import { relayPlan } from "../support/relayPlan";
import { Stage } from "../support/relayStage";

const role = mergeRoles(
    baseRole(),
    renderRelay({ ...relayPlan(), region: undefined, behindBalancer: true }),
    joiningRole(),
);
const pack = packFiles(role.files);
const files = `/aerial-test/relay/files/${pack.sha256.slice(0, 12)}`;
const secrets = "/aerial-test/relay/secrets";
const loader = loaderFiles({
    ...{
        name: "canary",
        region: "eu-central-1",
        group: "aerial-test-canary",
        hook: "join",
        files,
        secrets,
    },
    ...{ report: "/aerial-test/relay/report", sha256: pack.sha256, pieces: pieceCount },
    ...{ namespace: "aerial-test", readySeconds: 5, masters: [] },
});

describe("an instance of the canary, by the programs that read its files", () => {
    const unpacker = {
        path: "/usr/local/sbin/aerial-unpack",
        content: readFileSync(
            join(__dirname, "../../config-templates/machine/files/aerial-unpack.py"),
            "utf8",
        ),
        mode: "0755",
    };
    const stage = new Stage({ packages: [], units: [], maskedUnits: [], files: [...loader, unpacker] });
    let results: Record<string, string> = {};

    beforeAll(async () => {
        const userData = renderJoiningConfig(
            { name: "canary", role, loader, fetch: fetchCommand },
            userDataLimitBytes.ec2,
        );
        stage.write("user-data", userData);
        stage.write("amazon.py", readFileSync(join(__dirname, "amazon.py"), "utf8"));
        const pieces = cutPack(pack, "test").map((text, index) => [
            `${files}/${String(index + 1).padStart(2, "0")}`,
            text,
        ]);
        stage.write(
            "parameters.json",
            JSON.stringify({ ...Object.fromEntries(pieces), [secrets]: '{"values": {}}' }),
        );
        results = await stage.run(join(__dirname, "group-in-image.sh"), "calls", 110);
    }, 120_000);

    afterAll(() => stage.remove());

    it("cloud-init takes the user data", () => {
        expect(results["schema"]).toMatch(/^Valid schema/);
    });

    it("fetches its files with Debian's boto3 and is named by its instance", () => {
        expect(results["fetch"]).toBe("");
        expect(results["hostname"]).toBe("canary-0abc123 canary-0abc123");
    });

    it("leaves the workstation its name", () => {
        expect(hostname()).not.toContain("canary");
    });

    it("systemd has nothing to say against its units", () => {
        expect(results["verify"]).toBe("");
    });

    it("joins when it is healthy, and says why when it is not", () => {
        expect(results["join"]).toBe("in service");
        expect(results["given"]).toBe('{"values": {}}');
        expect(results["broken join"]).toMatch(/ i-0abc123: the audio stands still$/);
        expect(results["sync"]).toBe("");
        expect(results["calls"]?.split(";").map((call) => call.trim())).toEqual([
            "GetParameters",
            "GetParameters",
            "GetParameter",
            "CompleteLifecycleAction CONTINUE",
            "GetParameter",
            "PutParameter i-0abc123: the audio stands still",
            "CompleteLifecycleAction ABANDON",
            // The listeners are not published: nobody tells them here.
            "GetParameter",
            "",
        ]);
    });
});
