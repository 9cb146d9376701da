import { rmSync } from "node:fs";
import { join } from "node:path";

import { renderMonitoring } from "../../components/monitoring/render";
import { ensureImage, inImage } from "../../lab/machines/image";
import { delivered } from "../support/delivered";
import { patience } from "../support/patience";
import { statusPagePlan } from "../support/statusPagePlan";

/** The status page as browsers and strangers find it; see status-page-in-image.sh. */
let root: string;
let results: Record<string, string> = {};

beforeAll(async () => {
    await ensureImage();
    root = await delivered(renderMonitoring(statusPagePlan()), {
        values: { "config.team-password": "a $ecret" },
        files: {},
    });
    const { stdout, stderr } = await inImage(
        ["unshare", "--net", "--pid", "--fork", "--mount-proc", "bash", "/script.sh"],
        {
            binds: [
                { source: root, target: "/installed" },
                { source: join(__dirname, "status-page-in-image.sh"), target: "/script.sh" },
            ],
            timeoutSeconds: 60 * patience,
            allow: "any",
        },
    );
    results = Object.fromEntries(
        [...stdout.matchAll(/^([^:\n]+): ?(.*)$/gm)].map(([, name, text]) => [name ?? "", text ?? ""]),
    );
    if (results.done === undefined) {
        throw new Error(`it did not come to its end:\n${stdout}\n${stderr}`);
    }
}, 600_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("the status page on its machine", () => {
    it("has units and a configuration that systemd and NGINX accept", () => {
        expect(results.units).toBe("");
        expect(results.check).toBe("");
        expect(results.certificate).toBe("DNS:status.radio.example");
    });

    it("serves its files and the public figures, and nothing else", () => {
        expect(results["everyone /"]).toBe("200 text/html; charset=utf-8");
        expect(results["everyone /page.css"]).toMatch(/^200 text\/css/);
        expect(results["everyone /page.js"]).toMatch(/^200 (application|text)\/javascript/);
        expect(results["everyone /icon.svg"]).toMatch(/^200 image\/svg\+xml/);
        expect(results["everyone /status.json"]).toMatch(/^200 application\/json/);
        expect(results["everyone /past.json"]).toMatch(/^404/);
        expect(results["everyone /nothing"]).toMatch(/^404/);
        expect(results["everyone /settings.json"]).toMatch(/^404/);
        expect(results["everyone /..%2fsettings.json"]).toMatch(/^40[04]/);
    });

    it("lets the team in with its password, and nobody else", () => {
        expect(results["password hash"]).toBe("team:$6$");
        expect(results["password file"]).toBe("640 root:www-data");
        for (const path of ["/team/", "/team/status.json"]) {
            expect(results[`stranger ${path}`]).toBe("401");
            expect(results[`wrong password ${path}`]).toBe("401");
            expect(results[`team ${path}`]).toMatch(/^200/);
        }
        expect(results["everyone /team/nothing"]).toMatch(/^40[14]/);
        expect(results["everyone sees"]).toContain(
            '["unknown",["backup","listeners","masters","relays","sources"]]',
        );
        expect(results["the team sees"]).toContain('"alerts"');
    });

    it("says what a browser may load, and that figures are not kept", () => {
        expect(results.policy).toMatch(/default-src 'none'.*media-src https:\/\/stream\.radio\.example/);
        expect(results.keep).toMatch(/no-store/);
    });

    it("answers the certificate authority, and sends everyone else to TLS", () => {
        expect(results.challenge).toBe("proof");
        expect(results["port 80"]).toBe("301 https://status.radio.example/x");
    });
});
