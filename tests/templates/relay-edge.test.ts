import { join } from "node:path";

import { renderRelay } from "../../components/relayPool/render";
import { run } from "../../lab/workstation/run";
import { icecastVersions } from "../../model/icecast";
import { deliveryOf } from "../support/delivered";
import { patience } from "../support/patience";
import { relayPlan } from "../support/relayPlan";
import { Stage } from "../support/relayStage";

const script = join(__dirname, "relay-edge-in-image.sh");
const masters = relayPlan().masters.map((master, index) => ({ ...master, host: `127.0.0.${11 + index}` }));

/** The edge as players, certificate authorities and strangers find it; see relay-edge-in-image.sh. */
describe.each(icecastVersions)("a Relay's edge with Icecast %s", (icecast) => {
    const role = renderRelay(
        relayPlan({ icecast, masters, upstreams: masters, listenerLimit: 40, connectionsPerAddress: 5 }),
    );
    const stage = new Stage(role);
    let results: Record<string, string> = {};

    beforeAll(async () => {
        // The authority is made in the image.
        const secrets = {
            values: { "relay.link": "relay-2:false-password" },
            files: { "ca.pem": "made there" },
        };
        stage.write("delivery.json", deliveryOf(role, secrets));
        results = await stage.run(script, "nginx says", 175);
    }, 180_000 * patience);

    afterAll(() => stage.remove());

    it("serves TLS 1.2 and 1.3 with P-256, from before there is a certificate", () => {
        expect(results["check"]).toBe("");
        expect(results["first certificate"]).toContain("made a certificate of my own");
        expect(results["second certificate"]).toBe("");
        expect(results["certificate mode"]).toBe("600");
        expect(results["served first"]).toMatch(/^CN ?= ?self-made NIST CURVE: P-256$/);
        expect(["tls1", "tls1_1", "tls1_2", "tls1_3"].map((name) => results[`handshake ${name}`])).toEqual([
            "0",
            "0",
            "1",
            "1",
        ]);
        expect(results["session again"]).toBe("Reused, TLSv1.2");
    });

    it("lets thousands of listeners connect at once, though Icecast's own queues hold 5", () => {
        expect(results["listen-backlog"]).toBe("");
        expect(results["queues of Icecast"]).toBe("16 1000");
    });

    it("serves players of every age", () => {
        expect(results["https mount"]).toBe("200 audio/mpeg");
        expect(results["HTTP/1.0 without Host"]).toBe("http/1.1 200 icy-metaint icy-name");
        expect(results["playlist m3u"]).toBe("200 audio/x-mpegurl");
        expect(results["playlist pls"]).toBe("200 audio/x-scpls");
        expect(results["playlist xspf"]).toBe("200 application/xspf+xml");
        expect(results["first in m3u"]).toBe("https://stream.radio.test/main.mp3");
    });

    it("tells everyone what plays and how many listen, and nothing else", () => {
        expect(JSON.parse(results["status.json"] ?? "")).toEqual({
            station: "Radio Test",
            healthy: true,
            listeners: 2,
            channels: [
                {
                    id: "main",
                    title: "Main",
                    playing: {
                        title: expect.any(String),
                        titleSince: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
                        source: "standby",
                        since: expect.stringMatching(/Z$/),
                    },
                    mounts: [
                        {
                            mount: "/main.mp3",
                            contentType: "audio/mpeg",
                            bitrateKbps: 192,
                            upstream: "standby",
                            listeners: 2,
                        },
                        {
                            mount: "/main.aac",
                            contentType: "audio/aac",
                            bitrateKbps: 64,
                            upstream: "standby",
                            listeners: 0,
                        },
                    ],
                },
            ],
        });
        expect(results["status.json elsewhere"]).toBe("1");
    });

    it("does not say that nobody listens when it does not know", () => {
        expect(results["listeners, without Icecast"]).toBe("null");
    });

    it("has metrics for this machine only", () => {
        expect(results["metrics"]).toBe(
            'aerial_relay_healthy 1 aerial_relay_listeners{mount="/main.mp3"} 2 ' +
                'aerial_relay_listeners{mount="/main.aac"} 0 aerial_relay_certificate_self_made 1',
        );
        expect(results["GET /metrics"]).toMatch(/^404/);
    });

    it("passes challenges to the Master that knows the answer", () => {
        expect(results["challenge of b"]).toBe("proof 200");
        expect(results["challenge of nobody"]).toMatch(/^404/);
        expect(results["challenge that is none"]).toMatch(/^404/);
        expect(results["challenge, a is frozen"]).toBe("proof 200");
    });

    it.each([
        ["foreign", /ams3\.stream\.radio\.test: .*hostname mismatch/],
        ["expired", /certificate has expired/],
        ["misfit", /certificate and key do not belong together/],
        ["chainless", /no chain/],
        ["torn", /certificate and key do not belong together/],
    ])("refuses a certificate that is %s", (kind, why) => {
        expect(results[`offer ${kind}`]).toMatch(why);
        expect(results[`offer ${kind}`]).toMatch(/ => self-made$/);
    });

    it("takes certificates from Masters only, newest first, and needs one of them", () => {
        expect(results["none yet"]).toBe("=> self-made");
        expect(results["wrong password"]).toMatch(/answers 401 +=> self-made$/);
        expect(results["first real"]).toMatch(/installed a certificate that is valid until .*Z +=> short$/);
        expect(results["newer, too early"]).toBe("=> short");
        expect(results["newer"]).toMatch(/=> long$/);
        expect(results["the same"]).toBe("=> long");
        expect(results["older"]).toBe("=> long");
        expect(results["a is frozen"]).toMatch(/master-a\.radio\.test gives no answer.*=> longest$/);
        expect(Number(results["a is frozen, seconds"])).toBeLessThan(13);
        expect(results["an impostor"]).toMatch(/master-b\.radio\.test gives no answer.*=> longest$/);
        expect(results["certificate status"]).toBe('"selfMade":false');
        expect(results["damaged on disk"]).toContain("made a certificate of my own");
    });

    it("stays healthy through every change of certificate, and reloads for no other reason", () => {
        expect(results["healthz meanwhile"]).toBe("200 often");
        expect(results["reloads"]).toBe("3");
    });

    it.each([
        ...["/", "/admin", "/admin/stats", "/status", "/drain", "/server_version.xsl"],
        ...["/came/main.mp3", "/main.mp3/", "/x.m3u"],
    ])("has nothing at %s", (path) => expect(results[`GET ${path}`]).toMatch(/^404/));

    it("refuses requests that no listener makes", () => {
        for (const path of ["/main.mp3", "/admin/metadata", "/"]) {
            for (const method of ["PUT", "SOURCE", "POST", "DELETE", "TRACE"]) {
                expect(`${method} ${path} ${results[`${method} ${path}`]}`).toContain(` ${path} 405`);
            }
        }
        expect(results["GET /../secrets.conf"]).toMatch(/^400/);
        expect(results["SOURCE of old encoders"]).toBe("400 Bad");
        expect(results["noise"]).toBe("400");
        expect(results["64 KiB header, http"]).toMatch(/^400/);
        expect(results["64 KiB header, https"]).toMatch(/^400/);
        expect(results["slow header"]).toBe("cut");
    });

    it("limits an address, not its neighbours", () => {
        expect(results["6 of one address, limit 5"]).toBe("200 200 200 200 200 503");
        expect(results["the neighbour of a crowd"]).toMatch(/^200/);
        expect(results["40 requests at once, limit 5 a second"]).toBe("200 429");
    });

    it("keeps its log small, and complete", () => {
        expect(results["log, rotating"]).toBe("");
        expect(results["log, afterwards"]).toBe("1");
        expect(results["log, files"]).toBe("2");
        expect(results["log, refusals"]).toBe("1");
    });

    it("drains: it is unhealthy for DNS, still serves listeners who come, and counts those who are left", () => {
        expect(results["drain start"]).toBe('{"draining":true,"listeners":2}');
        expect(results["draining healthz"]).toMatch(/"reasons":\["draining"\].* 503$/);
        expect(results["new listener, draining"]).toMatch(/^200/);
        expect(JSON.parse(results["drain, time over"] ?? "")).toMatchObject({ draining: true });
        expect(Number(results["drain, time over, seconds"])).toBeLessThanOrEqual(5);
        expect(results["drain, none left"]).toBe('{"draining":true,"listeners":0}');
        expect(results["drain, ends early"]).toBe("yes");
        expect(JSON.parse(results["drain stop"] ?? "")).toMatchObject({ draining: false });
        expect(results["healthz after the drain"]).toMatch(/^200/);
        expect(results["drain, misused"]).toContain("usage");
    });

    it("kept its listeners through all of this, three new certificates included", () => {
        expect(results["witnesses at the end"]).toBe("on on");
        expect(results["witnesses heard"]).toBe("all all");
        expect(results["old workers"]).toBe("0");
        expect(results["nginx says"]).toBe("");
    });

    it("shellcheck finds nothing", async () => {
        const { stdout } = await run(["shellcheck", script], { allow: "any" });
        expect(stdout).toBe("");
    });
});
