import { readFileSync } from "node:fs";
import { join } from "node:path";

import { renderRelay } from "../../components/relayPool/render";
import { run } from "../../lab/workstation/run";
import { icecastVersions } from "../../model/icecast";
import { deliveryOf } from "../support/delivered";
import { patience } from "../support/patience";
import { relayPlan } from "../support/relayPlan";
import { selfSigned, Stage } from "../support/relayStage";

const script = join(__dirname, "relay-slots-in-image.sh");

/** What listeners notice of a restart beside: the real NGINX and Icecast; see relay-slots.py. */
describe.each(icecastVersions)("restarts beside, on a Relay with Icecast %s", (icecast) => {
    const stage = new Stage(
        renderRelay(relayPlan({ icecast, listenerLimit: 40, connectionsPerAddress: 4000 })),
    );
    let results: Record<string, string> = {};

    beforeAll(async () => {
        const { certificate } = await selfSigned();
        const secrets = {
            values: { "relay.link": "relay-2:false-password" },
            files: { "ca.pem": certificate },
        };
        const role = renderRelay(relayPlan({ icecast, listenerLimit: 40, connectionsPerAddress: 4000 }));
        stage.write("delivery.json", deliveryOf(role, secrets));
        for (const name of ["systemctl.py", "relay-slots.py"]) {
            stage.write(name, readFileSync(join(__dirname, name), "utf8"));
        }
        results = await stage.run(script, "end", 175);
    }, 180_000 * patience);

    afterAll(() => stage.remove());

    it("go on while listeners of the old one play, and none of the requests meanwhile fails", () => {
        expect(results["first start"]).toBe("[]");
        expect(results["healthy at first"]).toBe("200");
        expect(results["restart"]).toBe(
            "aerial-nginx@.service and aerial-icecast@.service restarted beside what runs, which drains",
        );
        expect(results["old ones"]).toBe("on on");
        for (const name of ["playlists", "playlists by TLS", "health"]) {
            expect(`${name}: ${results[`meanwhile, ${name}`]}`).toBe(`${name}: many requests, failed: []`);
        }
    });

    it("cost those who play nothing of what they have in hand", () => {
        for (const name of ["plain", "encrypted"]) {
            expect(`${name} ${results[`${name}, in hand`]}`).toBe(`${name} True`);
            expect(`${name} ${results[`${name}, pauses`]}`).toBe(`${name} True`);
        }
        expect(results["last one"]).toBe("on");
    });

    it("lead new listeners to the new one, with all of their burst at once", () => {
        expect(results["newcomer has a burst at once"]).toBe("True");
        expect(results["newcomer, first byte"]).toBe("True");
        expect(results["listeners by slot"]).toBe("[2, 1, None]");
    });

    it("are seen in every figure: who drains, with whom, and until when", () => {
        expect(results["status, slot"]).toBe("b");
        expect(results["status, drains"]).toBe("{'a': {'/main.mp3': 2}}");
        expect(results["status, limit"]).toBe("12");
        expect(results["status, listeners"]).toBe("3");
        expect(results["status.json"]).toBe("3");
        expect(results["metrics"]).toBe('aerial_relay_slot_listeners{slot="a"} 2');
        expect(results["drain of the machine"]).toBe('{"draining":false,"listeners":3}');
        expect(results["aerial-delivery"]).toBe("slot a drains: 2 listeners, until …");
        expect(results["log of the one that drains"]).toBe("1");
    });

    it("end the old one when its last listener has left", () => {
        expect(results["still drains"]).toBe("['a']");
        expect(results["ends with its last listener"]).toBe("True");
        expect(results["enabled"]).toBe("aerial-icecast@b.service aerial-nginx@b.service");
        expect(results["running"]).toBe(
            "aerial-feed.service aerial-icecast@b.service aerial-links.service aerial-nginx@b.service",
        );
    });

    it("change nothing when the new one cannot work", () => {
        expect(results["refused"]).toMatch(
            /^aerial-icecast@\.service cannot be restarted beside what runs: slot a is not well after 2 s: the feed has not/,
        );
        expect(results["present one after that"]).toBe("on b 200");
    });

    it("close the listeners of the slot that drains longest, with a FIN, when a further one finds no slot", () => {
        const done = "aerial-nginx@.service restarted beside what runs, which drains";
        expect(results["further restarts"]).toBe([done, done, done].join(" / "));
        expect(results["three slots"]).toBe("[1, 1, 1] ['a', 'b']");
        expect(results["hurried"]).toBe("True");
        expect(results["closed"]).toBe("FIN on on");
        expect(results["closed, in hand"]).toBe("True");
        expect(results["slot at the end"]).toBe("b ['a', 'c']");
    });

    it("leave NGINX nothing to complain of", () => {
        for (const slot of ["a", "b", "c"]) {
            expect(results[`aerial-nginx@${slot}.service says`]).toBe("[]");
        }
    });

    it("shellcheck finds nothing", async () => {
        const { stdout } = await run(["shellcheck", script], { allow: "any" });
        expect(stdout).toBe("");
    });
});
