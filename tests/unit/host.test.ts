import { parse } from "yaml";

import { DropletMachine } from "../../components/dropletMachine/index";
import { createFirewall } from "../../components/dropletMachine/firewall";
import type { MachineRole } from "../../components/machine/role";
import { StationNetwork } from "../../components/stationNetwork";
import { filesOf } from "../support/userData";
import { isSecret, record, reveal, type Recorded, publicKey } from "../support/mocks";

const role: MachineRole = {
    packages: ["icecast2"],
    files: [{ path: "/etc/aerial/role", content: "grüße\n", mode: "0640", owner: "root:root" }],
    units: ["aerial-role.service"],
    maskedUnits: ["icecast2.service"],
};

function createNetwork(): StationNetwork {
    return new StationNetwork("network", {
        stack: "test",
        regions: ["ams3"],
        sshAllowedFrom: ["203.0.113.0/24"],
        authorizedKeys: ["ssh-ed25519 engineer"],
    });
}

function createHost(reservedIp?: string): Promise<Recorded[]> {
    return record(() => {
        new DropletMachine("relay-1", {
            network: createNetwork(),
            region: "ams3",
            size: "s-1vcpu-1gb",
            role,
            secrets: { values: { "relay.link": "hunter2" }, files: { "ca.pem": "CA" } },
            tags: ["aerial-test-relay"],
            reservedIp,
        });
    });
}

function only(resources: Recorded[], type: string, name: string): Record<string, unknown> {
    const found = resources.filter((resource) => resource.type === type && resource.name === name);
    expect(found).toHaveLength(1);
    return found[0]?.inputs ?? {};
}

const commandType = "command:remote:Command";
const dropletType = "digitalocean:index/droplet:Droplet";

describe("a droplet as a machine", () => {
    it("is a Debian 13 droplet in the region's network, behind its tags, with user data kept secret", async () => {
        const droplet = only(await createHost(), dropletType, "relay-1");
        const { userData, ...rest } = droplet;
        expect(rest).toEqual({
            name: "relay-1",
            image: "debian-13-x64",
            region: "ams3",
            size: "s-1vcpu-1gb",
            vpcUuid: expect.stringMatching(/^\d+$/) as string,
            sshKeys: ["aa:bb"],
            tags: ["aerial-test-relay"],
            monitoring: true,
        });
        expect(isSecret(userData)).toBe(true);
    });

    it("carries no secret in its user data but the key of the first contact", async () => {
        const userData = String(reveal(only(await createHost(), dropletType, "relay-1").userData));
        expect(userData).toContain("private key of relay-1-enrol-key");
        expect(userData).not.toContain("private key of relay-1-host-key");
        expect(userData).not.toContain("hunter2");
        expect(userData).not.toContain("private key of network-deploy-key");
    });

    it("gets cloud-config with the base, the role, and the keys that may log in", async () => {
        const userData = String(reveal(only(await createHost(), dropletType, "relay-1").userData));
        expect(userData.startsWith("#cloud-config\n")).toBe(true);
        const config = parse(userData) as Record<string, unknown>;
        expect(config).toMatchObject({
            hostname: "relay-1",
            disable_root: true,
            users: [
                {
                    name: "aerial",
                    ssh_authorized_keys: [publicKey("network-deploy-key"), "ssh-ed25519 engineer"],
                },
            ],
            bootcmd: [
                [
                    "cloud-init-per",
                    "once",
                    "aerial-mask",
                    "systemctl",
                    "mask",
                    "ssh.service",
                    "icecast2.service",
                ],
            ],
        });
        expect(config.packages).toEqual(
            expect.arrayContaining(["icecast2", "nftables", "unattended-upgrades"]),
        );
        expect(filesOf(userData)["/etc/aerial/role"]).toBe("grüße\n");
        expect(config.runcmd).toContainEqual([
            "systemctl",
            "enable",
            "--now",
            "aerial-metadata-guard.service",
            "aerial-enrol.service",
            "aerial-role.service",
        ]);
    });

    it("is reached by pinned host keys only: the first contact's, then its own", async () => {
        const resources = await createHost();
        const connections = resources
            .filter((resource) => resource.type === commandType)
            .map(({ name, inputs }) => {
                const connection = reveal(inputs.connection) as Record<string, unknown>;
                return [name, connection.port, reveal(connection.hostKey)];
            });
        expect(connections).toEqual(
            expect.arrayContaining([
                ["relay-1-enrol", 2222, publicKey("relay-1-enrol-key")],
                ["relay-1-secrets", 22, publicKey("relay-1-host-key")],
                ["relay-1-ready", 22, publicKey("relay-1-host-key")],
            ]),
        );
        expect(connections).toHaveLength(3);
    });

    it("gets secrets on standard input alone, marked secret", async () => {
        const resources = await createHost();
        const enrol = only(resources, commandType, "relay-1-enrol");
        const secrets = only(resources, commandType, "relay-1-secrets");
        expect(isSecret(enrol.stdin)).toBe(true);
        expect(reveal(enrol.stdin)).toBe("private key of relay-1-host-key\n");
        expect(isSecret(secrets.stdin)).toBe(true);
        expect(JSON.parse(String(reveal(secrets.stdin)))).toEqual({
            values: { "relay.link": "hunter2" },
            files: { "ca.pem": "CA" },
        });
        expect(secrets.create).not.toContain("hunter2");
        expect(secrets.environment).toBeUndefined();
    });

    it("takes over its lasting address only when it is healthy", async () => {
        const order = (await createHost("198.51.100.7")).map((resource) => resource.name);
        expect(order.indexOf("relay-1-address")).toBeGreaterThan(order.indexOf("relay-1-ready"));
        expect(order.indexOf("relay-1-ready")).toBeGreaterThan(order.indexOf("relay-1-secrets"));
        expect(order.indexOf("relay-1-secrets")).toBeGreaterThan(order.indexOf("relay-1-enrol"));
    });

    it("has no lasting address unless it is given one", async () => {
        const types = (await createHost()).map((resource) => resource.type);
        expect(types).not.toContain("digitalocean:index/reservedIpAssignment:ReservedIpAssignment");
    });
});

describe("a firewall", () => {
    const create = (): Promise<Recorded[]> =>
        record(() => {
            const network = createNetwork();
            createFirewall(
                "relay-firewall",
                {
                    network,
                    tag: "relay-tag",
                    openPorts: [
                        { port: 80, from: "everyone" },
                        { port: 8443, from: { tag: "link-tag" } },
                    ],
                },
                network,
            );
        });

    it("opens SSH to the engineers' ranges, the named ports to whom they are for, and nothing else", async () => {
        const firewall = only(await create(), "digitalocean:index/firewall:Firewall", "relay-firewall");
        expect(firewall.tags).toEqual(["relay-tag"]);
        expect(firewall.inboundRules).toEqual([
            { protocol: "tcp", portRange: "22", sourceAddresses: ["203.0.113.0/24"] },
            { protocol: "tcp", portRange: "2222", sourceAddresses: ["203.0.113.0/24"] },
            { protocol: "tcp", portRange: "80", sourceAddresses: ["0.0.0.0/0", "::/0"] },
            { protocol: "tcp", portRange: "8443", sourceTags: ["link-tag"] },
            { protocol: "icmp", sourceAddresses: ["0.0.0.0/0", "::/0"] },
        ]);
    });
});
