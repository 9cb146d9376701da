import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";

/** A module for NGINX, as an object; `globals` is what njs would give it. */
function load<T>(name: string, globals: object = {}): T {
    const path = join(__dirname, "..", "..", "config-templates", "relay", "nginx", name);
    const source = readFileSync(path, "utf8").replace("export default", "return");
    return runInContext(`(() => {${source}})()`, createContext(globals)) as T;
}

describe("metrics of a Relay", () => {
    interface Metrics {
        text(...facts: unknown[]): string;
    }
    const relay = {
        listenerLimit: 100,
        channels: [{ mounts: [{ mount: "/main.mp3" }] }],
        upstreams: ["a", "b"],
    };
    const feed = {
        "/main.mp3": {
            upstream: "b",
            lagSeconds: 3.25,
            switches: 2,
            upstreams: {
                a: { alive: false, alignment: "unknown", confidence: 0, behindSeconds: null },
                b: { alive: true, alignment: "heard", confidence: 1, behindSeconds: 0 },
            },
        },
    };
    const verdict = {
        healthy: true,
        known: true,
        mounts: { "/main.mp3": { upstream: "b", listeners: 7 } },
        drains: {},
    };
    const responses = [
        ["others", 3],
        ["503", 1],
        ["200", 40],
        ["second", 1_800_000_000],
    ];
    const connections = { active: 9, reading: 0, writing: 8, waiting: 1 };
    const text = (change: object = {}, certificate: object | null = null, fed: object = feed) =>
        load<Metrics>("metrics.js").text(
            relay,
            { ...verdict, ...change },
            fed,
            false,
            responses,
            connections,
            certificate,
        );

    it("say who listens to what, and from where it comes", () => {
        const lines = text().split("\n");
        expect(lines).toEqual(
            expect.arrayContaining([
                "aerial_relay_healthy 1",
                "aerial_relay_draining 0",
                "aerial_relay_listener_limit 100",
                'aerial_relay_listeners{mount="/main.mp3"} 7',
                'aerial_relay_upstream{mount="/main.mp3",upstream="a"} 0',
                'aerial_relay_upstream{mount="/main.mp3",upstream="b"} 1',
                'aerial_relay_upstream{mount="/main.mp3",upstream="standby"} 0',
                'aerial_relay_connections{state="waiting"} 1',
            ]),
        );
        expect(lines.filter((line) => line.startsWith("aerial_relay_responses_total"))).toEqual([
            'aerial_relay_responses_total{status="200"} 40',
            'aerial_relay_responses_total{status="503"} 1',
        ]);
    });

    it("say how many listeners slots that drain still have", () => {
        expect(text()).not.toContain("aerial_relay_slot_listeners{");
        const drains = { a: { until: 1000, listeners: { "/main.mp3": 2, "/main.aac": 3 } } };
        expect(text({ drains })).toContain('aerial_relay_slot_listeners{slot="a"} 5\n');
    });

    it("say how the feed stands with every upstream", () => {
        expect(text().split("\n")).toEqual(
            expect.arrayContaining([
                'aerial_relay_upstream_alive{mount="/main.mp3",upstream="a"} 0',
                'aerial_relay_upstream_alive{mount="/main.mp3",upstream="b"} 1',
                'aerial_relay_upstream_behind_seconds{mount="/main.mp3",upstream="b"} 0',
                'aerial_relay_alignment_confidence{mount="/main.mp3",upstream="a"} 0',
                'aerial_relay_alignment_confidence{mount="/main.mp3",upstream="b"} 1',
                'aerial_relay_lag_seconds{mount="/main.mp3"} 3.25',
                'aerial_relay_switches_total{mount="/main.mp3"} 2',
            ]),
        );
    });

    it("claim nothing of the feed that is not known", () => {
        expect(text()).not.toContain('behind_seconds{mount="/main.mp3",upstream="a"}');
        const standingBy = { "/main.mp3": { ...feed["/main.mp3"], upstream: "standby", lagSeconds: null } };
        expect(text({}, null, standingBy)).not.toMatch(/^aerial_relay_lag_seconds/m);
        expect(text({}, null, {})).not.toMatch(
            /^aerial_relay_(upstream_alive|upstream_behind|alignment|lag|switches)/m,
        );
        expect(text({}, null, {})).not.toMatch(/null|undefined|NaN/);
    });

    it("claim no number of listeners that is not known", () => {
        expect(text({ known: false })).not.toMatch(/^aerial_relay_listeners/m);
    });

    it("tell when the certificate ends", () => {
        const certificate = { selfMade: true, notAfter: 1_800_000_000 };
        expect(text({}, certificate)).toContain("aerial_relay_certificate_not_after_seconds 1800000000\n");
        expect(text({}, certificate)).toContain("aerial_relay_certificate_self_made 1\n");
        expect(text()).not.toContain("certificate");
    });
});

describe("the access log of a Relay", () => {
    interface Log {
        worth(request: { variables: Record<string, string | undefined> }): string;
    }
    const listener = { status: "200", request_method: "GET", upstream_addr: "127.0.0.1:8000" };

    function start(): {
        worth: (variables: object) => string;
        responses: Map<string, number>;
        clock: { ms: number };
    } {
        const responses = new Map<string, number>();
        const clock = { ms: 0 };
        const dictionary = {
            get: (key: string) => responses.get(key),
            set: (key: string, value: number) => responses.set(key, value),
            incr: (key: string, by: number, initial: number) => {
                responses.set(key, (responses.get(key) ?? initial) + by);
                return responses.get(key);
            },
        };
        const log = load<Log>("log.js", {
            ngx: { shared: { responses: dictionary } },
            Date: { now: () => clock.ms },
        });
        return {
            worth: (variables) => log.worth({ variables: { ...listener, ...variables } }),
            responses,
            clock,
        };
    }

    it("has a line for every listener, and few of a flood's", () => {
        const { worth, responses, clock } = start();
        const flood = () =>
            Array.from({ length: 1000 }, () => worth({ status: "404", upstream_addr: undefined }));
        expect(flood().filter(Boolean)).toHaveLength(10);
        expect(worth({})).toBe("1");
        clock.ms = 1000;
        expect(flood().filter(Boolean)).toHaveLength(10);
        expect(responses.get("404")).toBe(2000);
        expect(responses.get("200")).toBe(1);
    });
});
