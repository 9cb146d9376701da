import { folder } from "./recordHere";

import { join } from "node:path";

import { digitalocean } from "../../lab/digitalocean";
import type { Context, Properties, ResourceKind } from "../../lab/cloud/kind";
import { problemsWith } from "../../lab/cloud/protocol/problems";
import { filesBelow, removeLabFolders } from "./support";

jest.setTimeout(60_000);

/* What DigitalOcean refuses, asked of the lab's own without the engine between. */

const kinds = new Map(digitalocean.kinds.map((kind) => [kind.type.split(":")[2] ?? "", kind]));

afterAll(removeLabFolders);

const context: Context = { urn: "urn:pulumi:test::aerial::x::y", name: "y", log: () => {} };

function kind(name: string): ResourceKind {
    const found = kinds.get(name);
    if (!found) {
        throw new Error(`no kind ${name}`);
    }
    return found;
}

const create = (name: string, inputs: Properties): Promise<{ id: string; outputs: Properties }> =>
    kind(name).create(inputs, context);

const droplet = { name: "web", image: "debian-13-x64", size: "s-1vcpu-1gb", region: "ams3" };
const anywhere = { protocol: "tcp", portRange: "22", sourceAddresses: ["0.0.0.0/0", "::/0"] };
const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Jd0Yk0xkOZmeq3P1hCMxgL3Fk1gBkL0hJ0V1o7u3m";

describe("droplets", () => {
    test.each([
        ["an unknown region", { region: "atlantis1" }, "422 .* invalid region for Droplet creation"],
        ["an unknown size", { size: "s-9vcpu" }, "422 .* invalid size for Droplet creation"],
        ["an unknown image", { image: "debian-99" }, "422 .* invalid image for Droplet creation"],
        ["a name with a space", { name: "my web" }, "422 .* Only valid hostname characters are allowed"],
        ["a name with an underscore", { name: "my_web" }, "Only valid hostname characters are allowed"],
        ["too much user data", { userData: "é".repeat(32_769) }, "422 .* 64 KiB"],
        ["an SSH key nobody has", { sshKeys: ["4711"] }, "422 .* 4711 are invalid key identifiers"],
        ["a network nobody has", { vpcUuid: "00000000-0000-4000-8000-000000000000" }, "422 .* VPC"],
        ["a backup policy without backups", { backupPolicy: { plan: "daily" } }, "backups are enabled"],
    ])("refused: %s", async (_, change, reason) => {
        await expect(create("Droplet", { ...droplet, ...change })).rejects.toThrow(new RegExp(reason));
        expect(() => filesBelow(join(folder, "cloud/droplet"))).toThrow(/ENOENT/);
    });

    test("user data of exactly 64 KiB passes, and the record gives addresses of the region", async () => {
        const made = await create("Droplet", { ...droplet, userData: "x".repeat(64 * 1024) });
        expect(made.outputs.ipv4Address).toBe("198.18.0.10");
        await kind("Droplet").delete({ id: made.id, inputs: droplet, outputs: made.outputs }, context);
    });

    test("refused: a network of another region", async () => {
        const vpc = await create("Vpc", { name: "far", region: "nyc3" });
        await expect(create("Droplet", { ...droplet, vpcUuid: vpc.id })).rejects.toThrow(/same region/);
    });

    test("refused: to resize to a smaller disk", async () => {
        const big = { ...droplet, size: "s-2vcpu-4gb" };
        const made = await create("Droplet", big);
        const existing = { id: made.id, inputs: big, outputs: made.outputs };
        await expect(kind("Droplet").update(existing, droplet, context)).rejects.toThrow(/smaller disk/);
        await kind("Droplet").delete(existing, context);
    });

    test("a change of image, region, keys, user data or network makes a new one; of name, size or tags not", () => {
        const { replaceOn } = kind("Droplet").behaviour;
        expect(replaceOn).toEqual(
            expect.arrayContaining(["image", "region", "sshKeys", "userData", "vpcUuid"]),
        );
        expect(["name", "size", "tags"].filter((name) => replaceOn.includes(name))).toEqual([]);
    });
});

describe("networks", () => {
    test.each([
        ["a range larger than /16", { ipRange: "10.0.0.0/15" }, "nor larger than /16"],
        ["a range smaller than /28", { ipRange: "10.0.0.0/29" }, "smaller than /28"],
        ["a public range", { ipRange: "8.8.0.0/16" }, "private"],
        ["a reserved range", { ipRange: "10.244.16.0/20" }, "overlaps"],
        ["a name with an underscore", { name: "my_net" }, "alphanumeric"],
        ["an unknown region", { region: "atlantis1" }, "region"],
    ])("refused: %s", async (_, change, reason) => {
        await expect(create("Vpc", { name: "net", region: "ams3", ...change })).rejects.toThrow(
            new RegExp(`422 .*${reason}`),
        );
    });

    test("refused: a range that overlaps with another network, and a name that is taken", async () => {
        await create("Vpc", { name: "first", region: "ams3", ipRange: "10.20.0.0/16" });
        const overlapping = { name: "second", region: "nyc3", ipRange: "10.20.128.0/20" };
        await expect(create("Vpc", overlapping)).rejects.toThrow(/422 .*overlaps with another VPC/);
        const sameName = { name: "first", region: "ams3", ipRange: "10.30.0.0/16" };
        await expect(create("Vpc", sameName)).rejects.toThrow(/422 .*unique/);
    });
});

describe("firewalls", () => {
    const firewall = { name: "fw", inboundRules: [anywhere] };

    test.each([
        ["no rule at all", { inboundRules: [] }, "At least one rule must be specified"],
        ["ports that are none", { inboundRules: [{ ...anywhere, portRange: "http" }] }, "422 .*ports"],
        [
            "a source that is none",
            { inboundRules: [{ ...anywhere, sourceAddresses: ["home"] }] },
            "422 .*invalid address",
        ],
        ["a rule without sources", { inboundRules: [{ protocol: "tcp", portRange: "22" }] }, "422 .*source"],
        ["a droplet nobody has", { dropletIds: [1] }, "422 .*droplet 1 not found"],
        ["a bad name", { name: "my fw" }, "422 .*name"],
        ["six tags", { tags: ["a", "b", "c", "d", "e", "f"] }, "422 .*no more than 5 tags"],
        [
            "eleven droplets",
            { dropletIds: Array.from({ length: 11 }, (_, n) => n) },
            "422 .*must have no more than 10 droplets",
        ],
    ])("refused: %s", async (_, change, reason) => {
        await expect(create("Firewall", { ...firewall, ...change })).rejects.toThrow(new RegExp(reason));
    });

    test("refused: a name that is taken", async () => {
        await create("Firewall", firewall);
        await expect(create("Firewall", firewall)).rejects.toThrow(/409 .*duplicate name/);
    });
});

describe("reserved addresses", () => {
    test("refused: a droplet of another region, a droplet that has one, an address nobody has", async () => {
        const there = await create("Droplet", { ...droplet, region: "nyc3" });
        const here = await create("Droplet", droplet);
        const first = await create("ReservedIp", { region: "ams3" });
        const second = await create("ReservedIp", { region: "ams3" });
        const assign = (ipAddress: unknown, made: { id: string }): Promise<unknown> =>
            create("ReservedIpAssignment", { ipAddress, dropletId: Number(made.id) });
        await expect(assign(first.id, there)).rejects.toThrow(/422 .*same region/);
        await assign(first.id, here);
        await expect(assign(second.id, here)).rejects.toThrow(/422 .*already has a reserved IP/);
        await expect(assign("198.19.0.99", here)).rejects.toThrow(/404/);
    });

    test("an assignment that has moved on is not taken back by the end of the old one", async () => {
        const [one, other] = [await create("Droplet", droplet), await create("Droplet", droplet)];
        const address = await create("ReservedIp", { region: "ams3" });
        const inputs = (made: { id: string }): Properties => ({
            ipAddress: address.id,
            dropletId: Number(made.id),
        });
        const old = await create("ReservedIpAssignment", inputs(one));
        await create("ReservedIpAssignment", inputs(other));
        await kind("ReservedIpAssignment").delete({ id: old.id, inputs: inputs(one), outputs: {} }, context);
        const state = await kind("ReservedIpAssignment").read(
            { id: "any", inputs: inputs(other), outputs: {} },
            context,
        );
        expect(state).toBeDefined();
    });
});

describe("accounts", () => {
    test("refused: the same key twice, and a text that is not a key", async () => {
        await create("SshKey", { name: "one", publicKey: key });
        await expect(create("SshKey", { name: "two", publicKey: `${key} me` })).rejects.toThrow(
            /422 .*already in use/,
        );
        await expect(create("SshKey", { name: "bad", publicKey: "ssh-ed25519 AAAA" })).rejects.toThrow(
            /422 .*invalid/,
        );
    });

    test.each<[string, string, Properties, string]>([
        ["a tag with a space", "Tag", { name: "my tag" }, "tags may contain lowercase letters"],
        ["a droplet's tag with a dot", "Droplet", { ...droplet, tags: ["a.b"] }, "tags may contain"],
        [
            "an unknown protocol",
            "Firewall",
            { name: "f", inboundRules: [{ ...anywhere, protocol: "gre" }] },
            "tcp, udp, icmp",
        ],
        ["tcp without ports", "Firewall", { name: "f", inboundRules: [{ protocol: "tcp" }] }, "port_range"],
        ["a missing size", "Droplet", { name: "x", image: "debian-13-x64" }, "required"],
        ["an unknown property", "Droplet", { ...droplet, teleport: true }, "does not know"],
        [
            "an unknown property inside",
            "Firewall",
            { name: "f", inboundRules: [{ ...anywhere, via: 1 }] },
            "does not know",
        ],
        ["an address that is none", "ReservedIpAssignment", { ipAddress: "here", dropletId: 1 }, "IPv4"],
    ])("refused before anything is made: %s", (_, name, inputs, reason) => {
        const problems = problemsWith(kind(name), inputs);
        expect(problems.map((problem) => problem.reason).join("\n")).toContain(reason);
    });

    test("a preview does not refuse a value that is not known yet", () => {
        const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
        expect(
            problemsWith(kind("ReservedIpAssignment"), { ipAddress: unknown, dropletId: unknown }),
        ).toEqual([]);
    });
});
