import { balancersOf } from "../../lab/amazon/daemon/balancing";
import { freeName } from "../../lab/amazon/daemon/changes";
import { isExpected, judge } from "../../lab/amazon/daemon/health";
import { countConnections } from "../../lab/amazon/daemon/controller";
import { pauseAfter, planGroup, type Action, type GroupView } from "../../lab/amazon/daemon/plan";
import { firewallOf } from "../../lab/amazon/daemon/security";
import { alarm, trackTarget, type Situation } from "../../lab/amazon/daemon/tracking";
import type {
    GroupRecord,
    HealthCheck,
    InstanceRecord,
    RefreshRecord,
    SecurityRuleRecord,
    TargetRecord,
} from "../../lab/amazon/records";

/* What a group does next, by what is known of it. */

const now = 1_000_000;
const tg = "arn:tg";
const origin = { urn: "urn", region: "eu-central-1" };

const group = (changes: Partial<GroupRecord> = {}): GroupRecord => ({
    ...{ ...origin, name: "canary", arn: "arn", min: 1, max: 4, desired: 1, templateId: "lt" },
    ...{ templateVersion: "1", subnetIds: ["s-a", "s-b"], targetGroupArns: [tg], healthCheckType: "ELB" },
    ...{
        graceSeconds: 30,
        cooldownSeconds: 0,
        tags: {},
        deleting: false,
        failures: 0,
        failedAt: 0,
        createdAt: 0,
    },
    hooks: [{ name: "ready", heartbeatSeconds: 60, defaultResult: "ABANDON" }],
    ...changes,
});

const instance = (id: string, changes: Partial<InstanceRecord> = {}): InstanceRecord => ({
    ...{ ...origin, id, group: "canary", name: id, zone: "a", subnetId: "s-a", address: `198.19.96.${id}` },
    ...{ privateAddress: "", templateId: "lt", templateVersion: 1, lifecycle: "InService", booted: true },
    ...{ launchedAt: now - 100_000, inServiceAt: now - 90_000 },
    ...changes,
});

const waiting = (id: string, changes: Partial<NonNullable<InstanceRecord["hook"]>> = {}): InstanceRecord =>
    instance(id, {
        lifecycle: "Pending:Wait",
        inServiceAt: undefined,
        hook: { name: "ready", deadline: now + 1, ...changes },
    });

const target = (instanceId: string, changes: Partial<TargetRecord> = {}): TargetRecord => ({
    ...{ targetGroupArn: tg, instanceId, state: "healthy", proven: true, streak: 0, since: 0 },
    ...changes,
});

const refresh = (changes: Partial<RefreshRecord> = {}): RefreshRecord => ({
    ...{ id: "r", group: "canary", status: "InProgress", templateId: "lt", templateVersion: 2 },
    ...{ minHealthyPercentage: 100, warmupSeconds: 10, startedAt: now - 50_000, percentage: 0, toUpdate: 1 },
    ...changes,
});

function plan(changes: Partial<GroupView>): string[] {
    const actions = planGroup({
        ...{ group: group(), instances: [], zones: { "s-a": "a", "s-b": "b" }, version: 1, off: new Set() },
        ...{ targets: (changes.instances ?? []).map(({ id }) => target(id)), drainSeconds: 300 },
        ...{ connections: {}, now },
        ...changes,
    });
    return actions.map(words);
}

function words(action: Action): string {
    switch (action.do) {
        case "launch":
            return `launch ${action.subnetId}`;
        case "terminate":
            return `terminate ${action.id}${action.failed ? " failed" : ""}`;
        case "refresh":
            return `refresh ${action.change.status ?? `${action.change.percentage}%`}`;
        default:
            return `${action.do} ${action.id}`;
    }
}

const old = instance("1");
const fresh = instance("2", { templateVersion: 2, launchedAt: now - 20_000, inServiceAt: now - 15_000 });
const gone = { lifecycle: "Terminating", terminatingAt: now - 5000 } as const;

describe("a group", () => {
    it.each<[string, Partial<GroupView>, string[]]>([
        [
            "launches what it lacks, over the zones",
            { group: group({ desired: 3 }) },
            ["launch s-a", "launch s-b", "launch s-a"],
        ],
        ["is content with what it wants", { instances: [old] }, []],
        [
            "launches in the zone that has the fewest",
            { group: group({ desired: 2 }), instances: [instance("1", { zone: "a" })] },
            ["launch s-b"],
        ],
        ["waits for an answer to its hook", { instances: [waiting("1")] }, []],
        [
            "lets an instance serve that was answered for",
            { instances: [waiting("1", { result: "CONTINUE" })] },
            ["serve 1"],
        ],
        [
            "gives up one that was abandoned, and launches another",
            { instances: [waiting("1", { result: "ABANDON" })] },
            ["terminate 1 failed", "launch s-a"],
        ],
        [
            "gives up one that nobody answers for",
            { instances: [waiting("1", { deadline: now })] },
            ["terminate 1 failed", "launch s-a"],
        ],
        [
            "lets one serve that nobody answers for, where it is set so",
            {
                group: group({ hooks: [{ name: "ready", heartbeatSeconds: 60, defaultResult: "CONTINUE" }] }),
                instances: [waiting("1", { deadline: now })],
            },
            ["serve 1"],
        ],
        [
            "serves without a hook as soon as the machine runs",
            { instances: [instance("1", { lifecycle: "Pending" })] },
            ["serve 1"],
        ],
        [
            "has nothing serve whose machine is not there yet",
            { instances: [instance("1", { lifecycle: "Pending", booted: false })], off: new Set(["1"]) },
            [],
        ],
        [
            "replaces one that lost its power",
            { instances: [old], off: new Set(["1"]) },
            ["terminate 1", "launch s-a"],
        ],
        [
            "replaces one that its balancer finds unhealthy",
            { instances: [old], targets: [target("1", { state: "unhealthy" })] },
            ["terminate 1", "launch s-a"],
        ],
        [
            "calls it a failure where it never was healthy",
            { instances: [old], targets: [target("1", { state: "unhealthy", proven: false })] },
            ["terminate 1 failed", "launch s-a"],
        ],
        [
            "does not, within its grace period",
            {
                instances: [instance("1", { inServiceAt: now - 29_000 })],
                targets: [target("1", { state: "unhealthy" })],
            },
            [],
        ],
        [
            "does not, where the balancer's word counts nothing",
            {
                group: group({ healthCheckType: "EC2" }),
                instances: [old],
                targets: [target("1", { state: "unhealthy" })],
            },
            [],
        ],
        ["pauses after launches that failed", { group: group({ failures: 1, failedAt: now - 4000 }) }, []],
        [
            "tries again after the pause",
            { group: group({ failures: 1, failedAt: now - 5000 }) },
            ["launch s-a"],
        ],
        [
            "shrinks where it has most, the oldest template and machine first",
            {
                group: group({ desired: 1 }),
                instances: [
                    instance("1", { templateVersion: 2, launchedAt: 1 }),
                    instance("2", { launchedAt: 3 }),
                    instance("3", { launchedAt: 2 }),
                    instance("4", { zone: "b", launchedAt: 0 }),
                ],
            },
            ["terminate 3", "terminate 2", "terminate 4"],
        ],
        [
            "lets nobody stay when it goes",
            { group: group({ deleting: true }), instances: [old, waiting("2")] },
            ["terminate 1", "terminate 2"],
        ],
    ])("%s", (_, view, expected) => {
        expect(plan(view)).toEqual(expected);
    });

    it.each<[string, Partial<GroupView>, string[]]>([
        ["keeps connections up to the limit", { connections: { "1": 3 } }, []],
        ["goes when all have left", { connections: { "1": 0 } }, ["destroy 1"]],
        ["goes at the limit", { connections: { "1": 3 }, drainSeconds: 5 }, ["destroy 1"]],
        ["goes when it has no power", { connections: {}, off: new Set(["1"]) }, ["destroy 1"]],
        ["waits until connections have been counted", { connections: {} }, []],
    ])("an instance that leaves %s", (_, view, expected) => {
        expect(plan({ group: group({ desired: 0 }), instances: [instance("1", gone)], ...view })).toEqual(
            expected,
        );
    });

    it("does not wait for listeners that never came", () => {
        const never = instance("1", { ...gone, inServiceAt: undefined });
        expect(plan({ group: group({ desired: 0 }), instances: [never] })).toEqual(["destroy 1"]);
    });

    it("tries ever later", () => {
        expect([0, 1, 2, 3, 9].map(pauseAfter)).toEqual([0, 5000, 10_000, 20_000, 60_000]);
    });
});

describe("a refresh", () => {
    it.each<[string, Partial<GroupView>, string[]]>([
        ["launches before it ends the old one", { instances: [old], refresh: refresh() }, ["launch s-b"]],
        [
            "waits for the new one",
            {
                instances: [old, waiting("2")].map((one) =>
                    one.id === "2" ? { ...one, templateVersion: 2 } : one,
                ),
                refresh: refresh(),
            },
            [],
        ],
        [
            "waits until the new one has warmed up",
            { instances: [old, { ...fresh, inServiceAt: now - 9000 }], refresh: refresh() },
            [],
        ],
        [
            "waits until the balancer finds the new one healthy",
            {
                instances: [old, fresh],
                targets: [target("1"), target("2", { state: "initial" })],
                refresh: refresh(),
            },
            [],
        ],
        [
            "ends the old one then",
            { instances: [old, fresh], refresh: refresh() },
            ["refresh 99%", "terminate 1"],
        ],
        [
            "has succeeded when none is old",
            { instances: [fresh], refresh: refresh() },
            ["refresh Successful"],
        ],
        [
            "goes one by one",
            {
                group: group({ desired: 3 }),
                instances: [old, instance("3"), instance("4"), fresh],
                refresh: refresh({ toUpdate: 3 }),
            },
            ["refresh 33%", "terminate 1"],
        ],
        [
            "ends the old one first, where less than all may serve",
            { instances: [old], refresh: refresh({ minHealthyPercentage: 0 }) },
            ["terminate 1", "launch s-a"],
        ],
        [
            "stops when the new one is abandoned, and the old one stays",
            {
                instances: [
                    old,
                    { ...waiting("2", { result: "ABANDON" }), templateVersion: 2, launchedAt: now },
                ],
                refresh: refresh(),
            },
            ["terminate 2 failed", "refresh Failed"],
        ],
        [
            "stops when the new one never gets healthy",
            {
                instances: [old, { ...fresh, inServiceAt: now - 40_000 }],
                targets: [target("1"), target("2", { state: "unhealthy", proven: false })],
                refresh: refresh(),
            },
            ["terminate 2 failed", "refresh Failed"],
        ],
        [
            "stops for a failure that was seen before the daemon ended",
            { instances: [old, { ...fresh, ...gone, failed: true }], refresh: refresh() },
            ["refresh Failed"],
        ],
    ])("%s", (_, view, expected) => {
        expect(plan(view)).toEqual(expected);
    });

    it("says why it stopped", () => {
        const actions = planGroup({
            ...{
                group: group(),
                zones: {},
                version: 2,
                off: new Set(),
                targets: [target("1")],
                drainSeconds: 1,
            },
            ...{ connections: {}, now, refresh: refresh() },
            instances: [old, { ...waiting("2", { deadline: now }), templateVersion: 2, launchedAt: now }],
        });
        expect(actions).toContainEqual({
            do: "refresh",
            id: "r",
            change: {
                status: "Failed",
                reason: expect.stringMatching(
                    /instance 2 \(2\) of version 2 did not become healthy: its lifecycle action ready was not answered.*1 instance\(s\) of an older version stay/,
                ) as string,
                endedAt: now,
            },
        });
    });
});

describe("target tracking", () => {
    const level = (value: number, periods: number) => Array.from({ length: periods }, () => value);
    const situation = (changes: Partial<Situation>): Situation => ({
        ...{ history: [], targetBytes: 1000, desired: 2, min: 1, max: 6, warm: 2 },
        ...{ warming: false, ...changes },
    });
    const { periodsIn, periodsOut } = alarm;
    it.each<[string, Partial<Situation>, number | undefined]>([
        ["knows nothing without figures", {}, undefined],
        ["does not grow by one peak", { history: [500, 9000, 500] }, undefined],
        ["grows at once to what the load needs", { history: level(2400, periodsOut) }, 5],
        ["grows to the maximum at most", { history: level(9000, periodsOut) }, 6],
        [
            "does not count those twice that are coming",
            { history: level(2400, periodsOut), desired: 5, warming: true },
            undefined,
        ],
        ["is content at its target", { history: level(1000, periodsIn) }, undefined],
        ["does not shrink by a short rest", { history: level(10, periodsIn - 1) }, undefined],
        ["shrinks by one after a long one", { history: level(10, periodsIn), desired: 4, warm: 4 }, 3],
        [
            "does not shrink below the minimum",
            { history: level(10, periodsIn), desired: 1, warm: 1 },
            undefined,
        ],
        ["does not shrink to where it would grow again", { history: level(800, periodsIn) }, undefined],
        [
            "does not shrink while instances warm up",
            { history: level(10, periodsIn), warming: true },
            undefined,
        ],
    ])("%s", (_, changes, desired) => {
        expect(trackTarget(situation(changes))?.desired).toBe(desired);
    });
});

describe("a target's health", () => {
    const check: HealthCheck = {
        ...{
            path: "/healthz",
            port: "traffic-port",
            intervalSeconds: 5,
            timeoutSeconds: 2,
        },
        ...{ healthy: 2, unhealthy: 2, matcher: "200-399" },
    };
    it("is good at the first good answer, and bad after as many bad ones as configured", () => {
        let one = target("1", { state: "initial", proven: false });
        const seen = [undefined, "503", undefined, "503", "503", undefined, undefined].map((finding) => {
            one = judge(one, finding, check, now);
            return one.state;
        });
        expect(seen).toEqual([
            "healthy",
            "healthy",
            "healthy",
            "healthy",
            "unhealthy",
            "unhealthy",
            "healthy",
        ]);
        expect(judge(target("1", { state: "draining" }), "503", check, now).state).toBe("draining");
    });

    it("is bad for a new target that never answers", () => {
        let one = target("1", { state: "initial", proven: false });
        one = judge(judge(one, "503", check, now), "503", check, now);
        expect(one).toMatchObject({ state: "unhealthy", proven: false, reason: "503" });
    });

    it("is told by codes in ranges", () => {
        expect([199, 200, 399, 400].map((code) => isExpected(code, "200-399"))).toEqual([
            false,
            true,
            true,
            false,
        ]);
        expect(isExpected(301, "200,301")).toBe(true);
    });
});

describe("the balancer", () => {
    const held = (crossZone: boolean, targets: TargetRecord[]) => ({
        loadBalancers: [
            {
                ...{
                    ...origin,
                    arn: "lb",
                    name: "lb",
                    vpcId: "v",
                    dnsName: "",
                    crossZone,
                    securityGroupIds: [],
                },
                mappings: ["a", "b"].map((zone, n) => ({
                    ...{ subnetId: "", zone, allocationId: "", address: `198.19.0.${n + 1}` },
                })),
            },
        ],
        listeners: [{ ...origin, arn: "l", loadBalancerArn: "lb", port: 80, targetGroupArn: tg }],
        targetGroups: [
            {
                ...{ ...origin, arn: tg, name: "", vpcId: "", port: 8080, drainSeconds: 0 },
                check: {
                    ...{
                        path: "",
                        port: "",
                        intervalSeconds: 5,
                        timeoutSeconds: 1,
                    },
                    ...{ healthy: 1, unhealthy: 1, matcher: "" },
                },
            },
        ],
        targets,
        instances: [old, instance("2", { zone: "b" })],
    });
    const hosts = (crossZone: boolean, ...targets: TargetRecord[]) =>
        balancersOf(held(crossZone, targets)).map((one) =>
            one.targets.map(({ address }) => address.slice(-1)).join(""),
        );

    it("hands out healthy targets, of its own zone or of all", () => {
        expect(hosts(true, target("1"), target("2"))).toEqual(["12", "12"]);
        expect(hosts(false, target("1"), target("2"))).toEqual(["1", "2"]);
        expect(hosts(true, target("1"), target("2", { state: "unhealthy" }))).toEqual(["1", "1"]);
        expect(balancersOf(held(true, [target("1")]))[0]).toEqual({
            address: "198.19.0.1",
            port: 80,
            targets: [{ address: "198.19.96.1", port: 8080 }],
        });
    });

    it("hands out all that failed when none is healthy, and never one that is new or leaves", () => {
        const sick = target("1", { state: "unhealthy" });
        expect(hosts(true, sick, target("2", { state: "draining" }))).toEqual(["1", "1"]);
        expect(hosts(true, sick, target("2", { state: "initial" }))).toEqual(["1", "1"]);
        expect(hosts(true, target("2", { state: "initial" }))).toEqual(["", ""]);
    });
});

describe("security groups", () => {
    const rule = (changes: Partial<SecurityRuleRecord>): SecurityRuleRecord => ({
        ...{
            ...origin,
            id: "r",
            direction: "ingress",
            groupId: "sg-1",
            protocol: "tcp",
            fromPort: 80,
            toPort: 80,
        },
        ...changes,
    });

    it("allow by range, by group, by protocol, and nothing else", () => {
        const rules = [
            rule({ cidr: "0.0.0.0/0" }),
            rule({ fromPort: 8000, toPort: 8100, peerGroupId: "sg-2" }),
            rule({ peerGroupId: "sg-nobody" }),
            rule({ groupId: "sg-other", cidr: "0.0.0.0/0" }),
            rule({ direction: "egress", protocol: "-1", fromPort: -1, toPort: -1, cidr: "10.0.0.0/8" }),
        ];
        const members = (id: string) => (id === "sg-2" ? ["10.80.0.4"] : []);
        expect(firewallOf(["sg-1"], rules, members)).toEqual({
            inbound: [
                { protocol: "tcp", ports: "80-80", sources: ["0.0.0.0/0"] },
                { protocol: "tcp", ports: "8000-8100", sources: ["10.80.0.4"] },
            ],
            outbound: ["tcp", "udp", "icmp"].map((protocol) => ({
                ...{ protocol, ports: "all", destinations: ["10.0.0.0/8"] },
            })),
        });
    });
});

describe("names and connections", () => {
    it("of machines are the lowest that are free", () => {
        expect(freeName("canary", ["canary-1", "canary-3"])).toBe("canary-2");
    });

    it("are counted at the target's port, without the balancer's own", () => {
        const shown = [
            "0 0 198.19.96.10:80 198.18.15.250:40000",
            "0 0 198.19.96.10:80 198.19.255.91:40001",
            "0 0 198.19.96.10:55000 198.19.255.91:443",
            "",
        ].join("\n");
        expect(countConnections(shown, [80])).toBe(1);
    });
});
