import { createHash } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";

import { DropletMachine } from "../../components/dropletMachine/index";
import { createFirewall } from "../../components/dropletMachine/firewall";
import type { Fingerprint } from "../../components/machine/fingerprint";
import type { MachineSecrets } from "../../components/machine/givenSecrets";
import type { MachineRole } from "../../components/machine/role";
import { StationNetwork } from "../../components/stationNetwork";
import { isSecret, record, reveal, type Recorded, publicKey } from "../support/mocks";
import { readDelivery } from "../support/readDelivery";

const role: MachineRole = {
    packages: ["icecast2"],
    files: [{ path: "/etc/aerial/role", content: "grüße\n", mode: "0640", owner: "root:root" }],
    units: ["aerial-role.service"],
    services: [{ unit: "aerial-role.service", reads: ["/etc/aerial/role"], onChange: "reload" }],
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

const given: MachineSecrets = { values: { "relay.link": "hunter2" }, files: { "ca.pem": "CA" } };

function createHost(reservedIp?: string, secrets = given): Promise<Recorded[]> {
    return record(() => {
        new DropletMachine("relay-1", {
            network: createNetwork(),
            region: "ams3",
            size: "s-1vcpu-1gb",
            replacementWaits: false,
            role: () => role,
            secretNames: { values: ["relay.link"], files: ["ca.pem"] },
            secrets,
            tags: ["aerial-test-relay"],
            reservedIp,
        });
    });
}

/** As a machine with listeners is made. */
function createEnding(): Promise<Recorded[]> {
    return record(() => {
        const network = createNetwork();
        new DropletMachine("relay-1", {
            ...{ network, region: "ams3", size: "s-1vcpu-1gb", tags: [], replacementWaits: false },
            role: () => role,
            secretNames: { values: ["relay.link"], files: ["ca.pem"] },
            secrets: given,
            ending: {
                drainLimitSeconds: 600,
                waitLimitSeconds: 60,
                answerSeconds: 45,
                closePerSecond: 7,
                drainingTag: network.drainingTag,
                leftBehind: network,
            },
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

/** What the machine is delivered. */
function deliveryOf(resources: Recorded[]): ReturnType<typeof readDelivery> {
    return readDelivery(String(reveal(only(resources, commandType, "relay-1-delivery").stdin)));
}

describe("a droplet machine", () => {
    it("is refused before anything exists when a secret is missing, or nobody needs it", async () => {
        await expect(createHost(undefined, { ...given, files: {} })).rejects.toThrow(
            "its files need ca.pem, which is not given",
        );
        await expect(
            createHost(undefined, { ...given, values: { ...given.values, "source.main.studio": "x" } }),
        ).rejects.toThrow("no file needs source.main.studio");
    });

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

    it("lets engineers in by its delivery, so that another one of them makes no new machine", async () => {
        const resources = await createHost();
        const userData = String(reveal(only(resources, dropletType, "relay-1").userData));
        expect(userData).toContain(publicKey("network-deploy-key"));
        expect(userData).not.toContain("ssh-ed25519 engineer");
        expect(deliveryOf(resources).files).toContainEqual({
            path: "/home/aerial/.ssh/authorized_keys",
            mode: "0600",
            owner: "aerial:aerial",
            content: `${publicKey("network-deploy-key")}\nssh-ed25519 engineer\n`,
            format: null,
        });
    });

    it("is delivered its role, with what a machine has that people log in to", async () => {
        const { packages, masked, units, services, files } = deliveryOf(await createHost());
        expect(packages).toEqual(["icecast2", "openssh-server", "sudo"]);
        expect(masked).toEqual(["icecast2.service"]);
        expect(units).toEqual(["aerial-role.service"]);
        expect(services).toEqual([
            expect.objectContaining({ unit: "aerial-role.service", on_change: "reload" }),
            expect.objectContaining({ unit: "ssh.service", on_change: "reload" }),
        ]);
        expect(files[0]).toEqual({
            path: "/etc/aerial/role",
            mode: "0640",
            owner: "root:root",
            content: "grüße\n",
            format: null,
        });
    });

    it("is changed by what made it: the same command, with all that the machine is to be", async () => {
        const { create, update } = only(await createHost(), commandType, "relay-1-delivery");
        expect(create).toMatch(/aerial-receive$/);
        expect(update).toBe(create);
    });

    it("gets its host key and its delivery anew when the droplet is another one", async () => {
        const resources = await createHost();
        for (const name of ["relay-1-enrol", "relay-1-delivery"]) {
            expect(only(resources, commandType, name).triggers).toEqual([
                expect.stringMatching(/^\d+$/) as string,
            ]);
        }
    });

    it("is reached by pinned host keys only: the first contact's, then its own", async () => {
        const resources = await createHost();
        const connections = resources
            .filter((resource) => resource.type === commandType)
            .map(({ name, inputs }) => {
                const connection = reveal(inputs.connection) as Record<string, unknown>;
                return [name, connection.port, reveal(connection.hostKey)];
            });
        expect(connections).toEqual([
            ["relay-1-enrol", 2222, publicKey("relay-1-enrol-key")],
            ["relay-1-delivery", 22, publicKey("relay-1-host-key")],
        ]);
    });

    it("gets secrets on standard input alone, marked secret", async () => {
        const resources = await createHost();
        const enrol = only(resources, commandType, "relay-1-enrol");
        const delivery = only(resources, commandType, "relay-1-delivery");
        expect(isSecret(enrol.stdin)).toBe(true);
        expect(reveal(enrol.stdin)).toBe("private key of relay-1-host-key\n");
        expect(isSecret(delivery.stdin)).toBe(true);
        expect(deliveryOf(resources).secrets).toEqual({
            values: { "relay.link": "hunter2" },
            files: { "ca.pem": "CA" },
        });
        expect(delivery.create).not.toContain("hunter2");
        expect(delivery.environment).toBeUndefined();
    });

    it("takes over its lasting address only when it is healthy", async () => {
        const order = (await createHost("198.51.100.7")).map((resource) => resource.name);
        expect(order.indexOf("relay-1-address")).toBeGreaterThan(order.indexOf("relay-1-delivery"));
        expect(order.indexOf("relay-1-delivery")).toBeGreaterThan(order.indexOf("relay-1-enrol"));
    });

    it("has no end of its own unless it is given one: Pulumi deletes it then", async () => {
        const types = (await createHost()).map(({ type }) => type);
        expect(types).not.toContain("command:local:Command");
    });

    it("is ended by a program that knows the droplet, and gets the key where nobody sees it", async () => {
        const resources = await createEnding();
        const { stdin, environment, triggers, ...commands } = only(
            resources,
            "command:local:Command",
            "relay-1-end",
        );
        expect(commands).toMatchObject({ delete: "node components/dropletMachine/end-droplet.mjs" });
        expect(commands).not.toHaveProperty("create");
        expect(isSecret(stdin)).toBe(true);
        expect(reveal(stdin)).toBe("private key of network-deploy-key\n");
        const [id] = triggers as string[];
        expect(environment).toEqual({
            AERIAL_MACHINE: "relay-1",
            AERIAL_DROPLET: id,
            AERIAL_ADDRESS: expect.stringMatching(/^198\.18\./) as string,
            AERIAL_HOST_KEY: publicKey("relay-1-host-key"),
            AERIAL_USER: "aerial",
            AERIAL_DRAINING_TAG: "aerial-test-draining",
            AERIAL_DRAIN_LIMIT_SECONDS: "600",
            AERIAL_WAIT_LIMIT_SECONDS: "60",
            AERIAL_ANSWER_SECONDS: "45",
            AERIAL_CLOSE_PER_SECOND: "7",
        });
    });

    it("takes an end back that has begun, by a resource that goes before the end", async () => {
        const resources = await createEnding();
        const { create, update, triggers, ...more } = only(resources, commandType, "relay-1-wanted");
        expect(create).toBe("sudo /usr/local/sbin/aerial-drain stop");
        expect(update).toBe("true");
        expect(more).not.toHaveProperty("delete");
        expect(triggers).toEqual(only(resources, "command:local:Command", "relay-1-end").triggers);
        const { hostKey, port } = reveal(more.connection) as Record<string, unknown>;
        expect([port, reveal(hostKey)]).toEqual([22, publicKey("relay-1-host-key")]);
        // What depends on the end is deleted before it; and only what was delivered has the command.
        const at = (wanted: string) => resources.find(({ name }) => name === wanted);
        for (const earlier of ["relay-1-end", "relay-1-delivery"]) {
            expect(at("relay-1-wanted")?.askedAt).toBeGreaterThan(at(earlier)?.madeAt ?? Infinity);
        }
        expect((await createHost()).map(({ name }) => name)).not.toContain("relay-1-wanted");
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

describe("a droplet machine whose replacement waits", () => {
    /** A machine that is wanted with 2 GB; what its droplet keeps in the state. */
    async function create(replacementWaits: boolean, kept: Record<string, unknown> = {}) {
        const made: { ignored?: string[]; fingerprint?: Fingerprint; sizes: string[] } = { sizes: [] };
        const resources = await record(
            () =>
                pulumi.runtime.runInPulumiStack(async () => {
                    pulumi.runtime.registerStackTransformation(({ type, opts }) => {
                        if (type === dropletType) {
                            made.ignored = opts.ignoreChanges;
                        }
                        return undefined;
                    });
                    const machine = new DropletMachine("relay-1", {
                        ...{ network: createNetwork(), region: "ams3", size: "s-1vcpu-2gb", tags: [] },
                        replacementWaits,
                        role: (size) =>
                            size.apply((present) => {
                                made.sizes.push(present);
                                return { ...role, packages: [present] };
                            }),
                        secretNames: { values: ["relay.link"], files: ["ca.pem"] },
                        secrets: given,
                    });
                    machine.fingerprint.apply((fingerprint) => (made.fingerprint = fingerprint));
                    return {};
                }),
            "test",
            [],
            { "relay-1": kept },
        );
        return { ...made, resources };
    }

    it("leaves to the engine what only a new droplet has, and no more", async () => {
        expect((await create(true)).ignored).toEqual(["size", "image", "userData"]);
        expect((await create(false)).ignored).toEqual([]);
    });

    it("has the role of the droplet that is there, and says what waits", async () => {
        const { fingerprint, resources, sizes } = await create(true, {
            size: "s-1vcpu-1gb",
            image: "debian-12-x64",
        });
        expect(sizes).toEqual(["s-1vcpu-1gb"]);
        expect(deliveryOf(resources).packages).toContain("s-1vcpu-1gb");
        expect(fingerprint).toMatchObject({
            droplet: { size: "s-1vcpu-1gb", image: "debian-12-x64", userData: expect.any(String) as string },
            waits: { size: "s-1vcpu-2gb", image: "debian-13-x64" },
        });
        expect(Object.keys(fingerprint?.waits ?? {})).toHaveLength(2);
    });

    it("knows its user data by the hash that a state has of it", async () => {
        const { resources, fingerprint } = await create(true);
        expect(fingerprint?.waits).toEqual({});
        const text = String(reveal(only(resources, dropletType, "relay-1").userData));
        const hash = (of: string) => createHash("sha1").update(of).digest("hex");
        expect((await create(true, { userData: hash(text) })).fingerprint).toEqual(fingerprint);

        const other = (await create(true, { userData: hash(`${text} `) })).fingerprint;
        expect(other?.droplet).not.toHaveProperty("userData");
        expect(other?.waits).toEqual({ userData: fingerprint?.droplet.userData });
    });

    it("waits for nothing when it is new", async () => {
        const { fingerprint, sizes } = await create(true);
        expect(sizes).toEqual(["s-1vcpu-2gb"]);
        expect(fingerprint?.waits).toEqual({});
    });
});
