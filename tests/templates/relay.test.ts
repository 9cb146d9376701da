import { join } from "node:path";

import { renderRelay } from "../../components/relayPool/render";
import { run } from "../../lab/workstation/run";
import { icecastVersions, type IcecastVersion } from "../../model/icecast";
import { deliveryOf } from "../support/delivered";
import { patience } from "../support/patience";
import { relayPlan } from "../support/relayPlan";
import { selfSigned, Stage } from "../support/relayStage";

const script = join(__dirname, "relay-in-image.sh");

function roleWith(icecast: IcecastVersion) {
    return renderRelay({
        ...relayPlan(),
        icecast,
        stationName: `Radio "Tést" <&'$#{}`,
        channels: relayPlan().channels.map((channel) => ({ ...channel, title: `Mäin "$x" <&'\\;#{}` })),
        upstreams: [
            { id: "a", host: "127.0.0.9", port: 8443, tlsName: "master-a.radio.test" },
            { id: "b", host: "master-b.radio.test", port: 8443, tlsName: "master-b.radio.test" },
        ],
        listenerLimit: 3,
        offersLinks: true,
    });
}

describe.each(icecastVersions)(
    "a Relay's files, by the programs that read them, with Icecast %s",
    (icecast) => {
        const role = roleWith(icecast);
        const stage = new Stage(role);
        let results: Record<string, string> = {};

        beforeAll(async () => {
            const { certificate, withKey } = await selfSigned();
            const secrets = {
                values: { "relay.link": `relay-2:p"w'\\<&;{}#` },
                files: { "ca.pem": certificate, "tls.pem": certificate, "tls.key": withKey },
            };
            stage.write("delivery.json", deliveryOf(role, secrets));
            results = await stage.run(script, "nginx says", 110);
        }, 120_000 * patience);

        afterAll(() => stage.remove());

        it("systemd has nothing to say against the units", () => {
            expect(results["verify"]).toBe("");
        });

        it("NGINX takes the configuration", () => {
            expect(results["nginx"]).toBe("");
            expect(results["nginx says"]).toBe("");
        });

        it("Icecast takes the configuration, and says no more than that it serves no files", () => {
            expect(results["icecast"]).toMatch(new RegExp(`^Icecast ${icecast}\\.`));
            expect(results["icecast says"]).toMatch(/^_parse_root Warning, serving of static files [^;]*;$/);
        });

        it("makes standby audio in the formats that the mounts promise", () => {
            expect(results["loop mp3-192"]).toBe("mp3,44100,2");
            expect(results["loop aac-64"]).toBe("aac,44100,2");
        });

        it("is healthy once its standby audio advances, and not before", () => {
            expect(results["healthz at first"]).toBe("503 application/json");
            expect(results["check"]).toBe("");
            expect(JSON.parse(results["healthz"] ?? "")).toEqual({
                healthy: true,
                reasons: [],
                upstreams: { "/main.mp3": "standby", "/main.aac": "standby" },
            });
            expect(JSON.parse(results["status"] ?? "")).toMatchObject({
                role: "relay",
                health: 200,
                mounts: { "/main.mp3": { upstream: "standby", listeners: 0 } },
            });
        });

        it("sends a burst of 8 s and then in real time", () => {
            const seconds = Number(results["bytes in 4 s"]) / 24_000;
            expect(seconds).toBeGreaterThan(10);
            expect(seconds).toBeLessThan(14);
            expect(results["heard"]).toContain("aac");
        });

        it("feeds the tier below over TLS", () => {
            expect(results["tier below"]).toBe("200 audio/mpeg");
        });

        it("answers players with the headers they need, and no chunks", () => {
            expect(results["headers"]).toBe(
                "Access-Control-Allow-Origin: *;Cache-Control: no-cache, no-store, no-transform;" +
                    "Content-Type: audio/mpeg;HTTP/1.1 200 OK;",
            );
            expect(results["icy"]).toMatch(/^icy-metaint: \d+$/i);
            expect(results["HEAD"]).toBe("200 audio/mpeg");
            expect(results["OPTIONS"]).toMatch(/^204/);
        });

        it.each(["/", "/admin", "/admin/stats", "/status", "/status-json.xsl", "/came/main.mp3"])(
            "has nothing at %s",
            (path) => expect(results[`GET ${path}`]).toMatch(/^404/),
        );

        it("refuses what no listener sends", () => {
            for (const method of ["PUT", "POST", "SOURCE", "DELETE"]) {
                expect(`${method} ${results[method]}`).toMatch(/ 405 /);
            }
            expect(results["64 KiB header"]).toMatch(/^400/);
        });

        it("refuses the listener beyond its limit, exactly", () => {
            expect(results["4 listeners, limit 3"]).toBe("200 200 200 503 ");
        });

        it("passes its own check when it drains or is full", () => {
            expect(results["check while it drains"]).toBe("");
            expect(results["full"]).toContain("full: 3 of 3 listeners");
            expect(results["check when it is full"]).toBe("");
        });

        it("is unhealthy when draining, and when nothing plays", () => {
            expect(results["draining"]).toMatch(/"healthy":false,"reasons":\["draining".* 503$/);
            expect(results["no audio"]).toContain("has no audio that is known to advance");
        });

        it("writes down who listened, to what, how long", () => {
            expect(JSON.parse(results["log"] ?? "")).toMatchObject({
                listener: "127.0.0.1",
                mount: "/main.mp3",
                status: expect.any(Number) as number,
                bytes: expect.any(Number) as number,
                seconds: expect.any(Number) as number,
            });
        });

        it("shellcheck finds nothing", async () => {
            const scripts = role.files.filter((file) => file.content.startsWith("#!/bin/sh"));
            const paths = scripts.map((file) => stage.pathOf(file.path));
            const { stdout } = await run(["shellcheck", ...paths, script], { allow: "any" });
            expect(stdout).toBe("");
        });
    },
);
