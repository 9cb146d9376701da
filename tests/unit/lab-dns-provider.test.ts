import "./ownRecordLab";

import { rmSync } from "node:fs";

import { labFolder } from "../../lab/paths";
import { cloudflare } from "../../lab/cloudflare";
import { readDnsData } from "../../lab/cloudflare/records";
import type { ResourceKind } from "../../lab/cloud/kind";
import { problemsWith } from "../../lab/cloud/protocol/problems";
import { sweep } from "../../lab/engine/sweep";

/*
 * What the lab's Cloudflare refuses, as the real one does. In record mode: nothing answers.
 */

afterAll(() => rmSync(labFolder, { recursive: true, force: true }));

const accountId = "0000000000000000000000000000000a";
const zoneId = "00000000000000000000000000000001";
const otherAccountId = "1234567890abcdef1234567890abcdef";
const context = { urn: "urn:test", name: "test", log: () => undefined };

type Given = Record<string, unknown>;

function kind(name: string): ResourceKind {
    const found = cloudflare.kinds.find(({ type }) => type.endsWith(`:${name}`));
    if (!found) {
        throw new Error(`there is no ${name}`);
    }
    return found;
}

const made: { kind: string; id: string; inputs: Given; outputs: Given }[] = [];

async function create(name: string, inputs: Given): Promise<string> {
    const { id, outputs } = await kind(name).create(inputs, context);
    made.unshift({ kind: name, id, inputs, outputs });
    return id;
}

async function remove(id: string): Promise<void> {
    const entry = made.find((one) => one.id === id);
    if (entry) {
        await kind(entry.kind).delete({ ...entry }, context);
        made.splice(made.indexOf(entry), 1);
    }
}

afterEach(async () => {
    for (const { id } of [...made]) {
        await remove(id);
    }
});

const monitor = (changes: Given = {}) => ({
    accountId,
    interval: 2,
    timeout: 1,
    path: "/healthz",
    ...changes,
});
const pool = (changes: Given = {}) => ({
    accountId,
    name: "pool-1",
    origins: [{ name: "one", address: "198.18.0.10" }],
    ...changes,
});
const record = (changes: Given = {}) => ({
    zoneId,
    name: "ams3.stream.radio.test",
    type: "A",
    content: "198.18.0.10",
    ttl: 30,
    ...changes,
});
const balancer = (poolId: string, changes: Given = {}) => ({
    zoneId,
    name: "stream.radio.test",
    defaultPools: [poolId],
    fallbackPool: poolId,
    ttl: 30,
    ...changes,
});

function refusals(name: string, inputs: Given): string[] {
    return problemsWith(kind(name), inputs).map(({ property, reason }) => `${property}: ${reason}`);
}

describe("before anything is made, the provider refuses", () => {
    it("properties it does not know", () => {
        expect(refusals("LoadBalancer", balancer(accountId, { teleport: true }))).toEqual([
            expect.stringContaining("teleport: the lab cloud does not know this property"),
        ]);
        expect(refusals("LoadBalancerPool", pool({ origins: [{ address: "1.2.3.4", port: 1 }] }))).toEqual([
            expect.stringContaining("origins[0].port: the lab cloud does not know"),
        ]);
    });

    it("ids that are none, and words that are none of the known", () => {
        expect(refusals("DnsRecord", record({ zoneId: "radio.test" }))).toEqual([
            expect.stringContaining("zoneId: Could not route to"),
        ]);
        expect(refusals("LoadBalancerPool", pool({ accountId: accountId.toUpperCase() }))).toHaveLength(1);
        expect(refusals("LoadBalancer", balancer(accountId, { steeringPolicy: "nearest" }))).toEqual([
            expect.stringMatching(
                /^steeringPolicy: Attribute steering_policy value must be one of: .*"nearest"$/,
            ),
        ]);
        expect(refusals("LoadBalancerPool", pool({ checkRegions: ["EUROPE"] }))).toHaveLength(1);
        expect(refusals("LoadBalancerMonitor", monitor({ type: "gopher" }))).toHaveLength(1);
    });

    it("a record without a time to live", () => {
        const { ttl: _, ...rest } = record();
        expect(refusals("DnsRecord", rest)).toEqual(["ttl: this property is required"]);
    });
});

describe("the API refuses", () => {
    it.each([
        [29, "TTL must be between 30 and 86400 seconds, or 1 for Automatic."],
        [0, "TTL must be between 30"],
        [86401, "TTL must be between 30"],
    ])("a record's time to live of %d", async (ttl, message) => {
        await expect(create("DnsRecord", record({ ttl }))).rejects.toThrow(message);
    });

    it("a time to live below a minute where the contract is not known", async () => {
        const other = { zoneId: otherAccountId, name: "a.example.com" };
        await expect(create("DnsRecord", record({ ...other, ttl: 30 }))).rejects.toThrow(
            "between 60 and 86400",
        );
        await create("DnsRecord", record({ ...other, ttl: 60 }));
        await create("DnsRecord", record({ ...other, name: "b.example.com", ttl: 1 }));
    });

    it.each<[string, Given, string]>([
        ["a name that is none", { name: "a b.radio.test" }, "DNS name is invalid."],
        ["content that is no address", { content: "relay.radio.test" }, "must be a valid IPv4 address"],
        ["content that is no IPv6 address", { type: "AAAA" }, "must be a valid IPv6 address"],
        ["no content", { type: "TXT", content: undefined }, "content is a required field"],
    ])("%s", async (_, changes, message) => {
        await expect(create("DnsRecord", record(changes))).rejects.toThrow(message);
    });

    it("records that are there already, and names with a CNAME and anything else", async () => {
        await create("DnsRecord", record());
        await create("DnsRecord", record({ content: "198.18.0.11" }));
        await expect(create("DnsRecord", record())).rejects.toThrow('"code":81058');
        const cname = { type: "CNAME", content: "stream.radio.test" };
        await expect(create("DnsRecord", record(cname))).rejects.toThrow(
            "An A, AAAA, or CNAME record with that host already exists.",
        );
        await create("DnsRecord", record({ ...cname, name: "www.radio.test" }));
        await expect(create("DnsRecord", record({ name: "www.radio.test" }))).rejects.toThrow(
            "A CNAME record with that host already exists.",
        );
    });

    it("pool names with other characters, and a second of one name", async () => {
        for (const name of ["pool 1", "pool.1", "pöl", "", "a\nb", 'a"b']) {
            await expect(create("LoadBalancerPool", pool({ name }))).rejects.toThrow(
                "alphanumeric characters",
            );
        }
        await create("LoadBalancerPool", pool());
        await expect(create("LoadBalancerPool", pool())).rejects.toThrow("value not unique");
    });

    it.each<[string, Given, string]>([
        ["no members", { origins: [] }, "the origin list length must be in range [1, 1000]"],
        [
            "one member twice",
            {
                origins: [
                    { name: "a", address: "198.18.0.1" },
                    { name: "b", address: "198.18.0.1" },
                ],
            },
            "origin address must be unique",
        ],
        [
            "more healthy members than there are",
            { minimumOrigins: 2 },
            "minimum_origins must be in range [0, 1]",
        ],
        [
            "a monitor that does not exist",
            { monitor: otherAccountId },
            `monitor ${otherAccountId} does not exist`,
        ],
        ["half a place", { latitude: 52 }, "latitude and longitude must be set together"],
    ])("pools with %s", async (_, changes, message) => {
        await expect(create("LoadBalancerPool", pool(changes))).rejects.toThrow(message);
    });

    it("more than the plan has: members, pools, balancers", async () => {
        const other = (n: number, members: number) =>
            pool({
                accountId: otherAccountId,
                name: `pool-${n}`,
                origins: Array.from({ length: members }, (_, m) => ({
                    name: `m${m}`,
                    address: `198.18.${n}.${m + 1}`,
                })),
            });
        await create("LoadBalancerPool", other(1, 18));
        await expect(create("LoadBalancerPool", other(2, 3))).rejects.toThrow("must be in range [1, 2]");
        await create("LoadBalancerPool", other(2, 2));
        await expect(create("LoadBalancerPool", other(3, 1))).rejects.toThrow("must be in range [1, 0]");
    });

    it("more pools, and more balancers, than the plan has", async () => {
        const others = { accountId: otherAccountId };
        const ids: string[] = [];
        for (let n = 0; n < 20; n++) {
            ids.push(await create("LoadBalancerPool", pool({ ...others, name: `pool-${n}` })));
        }
        await expect(create("LoadBalancerPool", pool({ ...others, name: "pool-20" }))).rejects.toThrow(
            "the maximum number of pools, 20, has been reached",
        );
        const [first = ""] = ids;
        const name = (n: number) => ({ zoneId: otherAccountId, name: `n${n}.example.com` });
        for (let n = 0; n < 20; n++) {
            await create("LoadBalancer", balancer(first, name(n)));
        }
        await expect(create("LoadBalancer", balancer(first, name(20)))).rejects.toThrow(
            "load balancers, 20,",
        );
    });

    it("checks from everywhere, and oftener than the plan allows, without the contract for it", async () => {
        await expect(create("LoadBalancerMonitor", monitor({ interval: 1 }))).rejects.toThrow(
            "interval is not in range [2, 3600]: validation failed",
        );
        const others = { accountId: otherAccountId };
        await expect(create("LoadBalancerMonitor", monitor({ ...others, interval: 14 }))).rejects.toThrow(
            "interval is not in range [15, 3600]",
        );
        const id = await create("LoadBalancerMonitor", monitor({ ...others, interval: 60 }));
        await expect(create("LoadBalancerPool", pool({ ...others, monitor: id }))).rejects.toThrow(
            "Probing from every data centre is not allowed with this subscription.",
        );
        await create("LoadBalancerPool", pool({ ...others, monitor: id, checkRegions: ["WEU"] }));
    });

    it.each<[string, (known: string) => Given, string]>([
        ["unknown default pools", () => ({ defaultPools: [otherAccountId] }), "default_pools: pool"],
        ["no default pools", () => ({ defaultPools: [] }), "default_pools must not be empty"],
        ["an unknown fallback pool", () => ({ fallbackPool: otherAccountId }), "fallback_pool: pool"],
        [
            "unknown pools of a region",
            () => ({ regionPools: { WEU: [otherAccountId] } }),
            "region_pools.WEU: pool",
        ],
        [
            "unknown regions",
            (id) => ({ regionPools: { EUROPE: [id] } }),
            '\\"EUROPE\\" is not a valid region code',
        ],
        ["a proxy with a time to live", () => ({ proxied: true }), "ttl must not be set when proxied"],
        ["a name of another zone", () => ({ name: "stream.example.com" }), "not in the zone radio.test"],
        ["a name that is none", () => ({ name: 'a"b.radio.test' }), "not a valid hostname"],
    ])("balancers with %s", async (_, changes, message) => {
        const known = await create("LoadBalancerPool", pool());
        await expect(create("LoadBalancer", balancer(known, changes(known)))).rejects.toThrow(message);
    });

    it("a second balancer of one name", async () => {
        const known = await create("LoadBalancerPool", pool());
        await create("LoadBalancer", balancer(known));
        await expect(create("LoadBalancer", balancer(known))).rejects.toThrow('"code":1003');
    });

    it("to delete what something else still needs", async () => {
        const monitorId = await create("LoadBalancerMonitor", monitor());
        const poolId = await create("LoadBalancerPool", pool({ monitor: monitorId }));
        const balancerId = await create("LoadBalancer", balancer(poolId));
        await expect(remove(poolId)).rejects.toThrow("This object is referenced by other objects");
        await expect(remove(monitorId)).rejects.toThrow("412 Precondition Failed");
        await remove(balancerId);
        await remove(poolId);
        await remove(monitorId);
    });
});

describe("what an interrupted run left", () => {
    it("is removed, in the order in which it may go", async () => {
        const monitorId = await create("LoadBalancerMonitor", monitor());
        const poolId = await create("LoadBalancerPool", pool({ monitor: monitorId }));
        const kept = await create("DnsRecord", record());
        await create("DnsRecord", record({ content: "198.18.0.11" }));
        await create("LoadBalancer", balancer(poolId));
        await sweep(new Set([`cloudflare:index/dnsRecord:DnsRecord ${kept}`]));
        const { monitors, pools, balancers, names } = readDnsData();
        expect([...monitors, ...pools, ...balancers]).toEqual([]);
        expect(names.map(({ id }) => id)).toEqual([kept]);
    });
});

describe("the API accepts", () => {
    it("ids of 32 digits, and names below the zone in short", async () => {
        const given = record({ name: "www" });
        const { id, outputs } = await kind("DnsRecord").create(given, context);
        expect(id).toMatch(/^[0-9a-f]{32}$/);
        expect(outputs).toMatchObject({ name: "www.radio.test" });
        await kind("DnsRecord").delete({ id, inputs: given, outputs }, context);
    });

    it("changes in place of everything but account, zone, and a record's type", () => {
        expect(
            Object.fromEntries(
                cloudflare.kinds.map(({ type, behaviour }) => [type.split(":")[2], behaviour.replaceOn]),
            ),
        ).toEqual({
            DnsRecord: ["zoneId", "type"],
            LoadBalancer: ["zoneId"],
            LoadBalancerMonitor: ["accountId"],
            LoadBalancerPool: ["accountId"],
        });
    });
});
