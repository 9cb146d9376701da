import { readFileSync } from "node:fs";
import { join } from "node:path";

import { renderRelay } from "../../components/relayPool/render";
import { run } from "../../lab/workstation/run";
import { icecastVersions } from "../../model/icecast";
import { deliveryOf } from "../support/delivered";
import { patience } from "../support/patience";
import { relayPlan } from "../support/relayPlan";
import { selfSigned, Stage } from "../support/relayStage";

const script = join(__dirname, "relay-end-in-image.sh");

/** A Relay that ends, with real listeners; see relay-end-in-image.sh. */
describe.each(icecastVersions)("a Relay that ends, with Icecast %s", (icecast) => {
    const role = renderRelay(relayPlan({ icecast }));
    const stage = new Stage(role);
    let results: Record<string, string> = {};

    beforeAll(async () => {
        const { certificate } = await selfSigned();
        const secrets = { values: { "relay.link": "relay-2:hackme" }, files: { "ca.pem": certificate } };
        stage.write("delivery.json", deliveryOf(role, secrets));
        stage.write("systemctl.py", readFileSync(join(__dirname, "systemctl.py"), "utf8"));
        results = await stage.run(script, "nginx says", 115);
    }, 120_000 * patience);

    afterAll(() => stage.remove());

    it("leaves DNS at once, and keeps its listeners until their time is over", () => {
        expect(results["check"]).toBe("");
        expect(results["end"]).toBe('{"draining":true,"listeners":6}');
        expect(results["healthz"]).toMatch(/"reasons":\["draining"\].* 503$/);
        expect(results["ended before their time"]).toBe("0");
    });

    it("lets nobody new in once it closes its listeners, and is no worse for it", () => {
        expect(results["newcomer before"]).toBe("200");
        expect(results["newcomer while it closes"]).toBe("503");
        expect(results["check while it closes"]).toBe("");
    });

    it("counts who is on in a slot that drains", () => {
        expect(results["slots"]).toBe('["b",2,1]');
    });

    it("closes each of them with a FIN, over TLS too, and none of them twice", () => {
        expect(results["listeners"]).toBe("6 fin heard");
        expect(results["ending says"]).toMatch(/^closing 6 listeners, 2 a second .*nobody is left/);
    });

    it("closes so many a second", () => {
        // Six, two a second: 2.5 s from the first to the last.
        expect(Number(results["spread"])).toBeGreaterThan(2);
    });

    it("is off when nobody is left, and does not begin anew when it is told again", () => {
        const seconds = Number(results["off after"]);
        expect(seconds).toBeGreaterThanOrEqual(10);
        expect(seconds).toBeLessThan(10 + 20 * patience);
        expect(results["status at the end"]).toBe('{"draining":true,"listeners":0}');
        expect(results["nginx says"]).toBe("");
    });

    it("refuses what it cannot do, and plans nothing then", () => {
        expect(results["misused"]).toContain("usage");
        expect(results["nobody a second"]).toContain("usage");
        expect(results["a plan by misuse"]).toBe("");
    });

    it("shellcheck finds nothing", async () => {
        const { stdout } = await run(["shellcheck", script], { allow: "any" });
        expect(stdout).toBe("");
    });
});
