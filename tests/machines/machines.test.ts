import "./ownLab";

import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { cgroupProcesses } from "../../lab/workstation/cgroups";
import { removeLab } from "../../lab/machines/removeLab";
import { exitCode, run } from "../../lab/workstation/run";
import { startService } from "../../lab/workstation/services";
import { imageCommand } from "../../lab/machines/image";
import {
    bootMachine,
    createMachine,
    cutMachine,
    destroyMachine,
    execInMachine,
    findMachine,
    freezeMachine,
    killMachine,
    listMachines,
    mendMachine,
    thawMachine,
    uncutMachine,
} from "../../lab/machines/machines";
import { closePortForward, openPortForward } from "../../lab/network/portForward";
import { applyFirewall, assignReservedIp, inNamespace } from "../../lab/network/network";
import { labCgroup, labFolder, machineFolder, namespacePrefix } from "../../lab/paths";

const ams = { id: "1001", name: "relay-ams3-1", region: "ams3", publicAddress: "198.18.0.10" };
const nyc = { id: "1002", name: "relay-nyc3-1", region: "nyc3", publicAddress: "198.18.112.10" };
const reserved = "198.19.0.1";
const vpc = { vpcId: "vpc-1", vpcRange: "10.110.0.0/20" };

/** A web server on port 8080, configured as stations are: a package, a file, a unit. */
const userData = `#cloud-config
package_update: true
packages: [python3, jq]
write_files:
  - path: /etc/systemd/system/web.service
    content: |
      [Service]
      ExecStart=/usr/bin/python3 -m http.server 8080 --directory /srv
runcmd:
  - [sh, -c, "hostname >/srv/name"]
  - [systemctl, start, web.service]
`;

/** What a web server says to somebody; undefined when it says nothing within a second. */
async function fetchFrom(place: string, address: string): Promise<string | undefined> {
    const argv = inNamespace(place, ["curl", "-sS", "-m", "1", `http://${address}:8080/name`]);
    const { code, stdout } = await run(argv, { allow: "any" });
    return code === 0 ? stdout.trim() : undefined;
}

async function pings(id: string, address: string): Promise<boolean> {
    const { code } = await execInMachine(id, ["ping", "-c", "1", "-W", "1", address], { allow: "any" });
    return code === 0;
}

async function answers(place: string, address: string): Promise<void> {
    for (let attempt = 0; attempt < 20 && (await fetchFrom(place, address)) === undefined; attempt++) {
        await sleep(200);
    }
}

/** All of this lab that is left on the workstation. */
function traces(): string[] {
    const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
    const namespaces = existsSync("/run/netns") ? readdirSync("/run/netns") : [];
    const processes = readdirSync("/proc").filter(
        (name) => /^\d+$/.test(name) && name !== String(process.pid),
    );
    return [
        ...mounts.filter((line) => line.includes(labFolder) || line.includes(namespacePrefix)),
        ...namespaces.filter((name) => name.startsWith(namespacePrefix)),
        ...processes.filter(
            (pid) => commandLine(pid).includes(labFolder) || commandLine(pid).includes(namespacePrefix),
        ),
        ...[labCgroup(), labFolder].filter((path) => existsSync(path)),
        ...readdirSync("/sys/class/net").filter((name) => /^e[0-9a-f]{10}$/.test(name)),
    ];
}

function commandLine(pid: string): string {
    try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    } catch {
        return "";
    }
}

jest.setTimeout(60_000);

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot("machines of the lab", () => {
    beforeAll(async () => {
        await removeLab();
        await Promise.all([
            createMachine({ ...ams, userData, privateAddress: { address: "10.110.0.2", ...vpc } }),
            createMachine({ ...nyc, userData, privateAddress: { address: "10.110.0.3", ...vpc } }),
        ]);
        for (const { id } of [ams, nyc]) {
            await execInMachine(id, ["cloud-init", "status", "--wait"], { timeoutSeconds: 120 });
        }
    });

    // What a test that failed has left does not fail the next.
    beforeEach(async () => {
        for (const machine of listMachines()) {
            await mendMachine(machine);
        }
    });

    afterAll(async () => {
        await removeLab();
    });

    it("boot their user data, packages and all, without any network", async () => {
        expect(await fetchFrom("client-ams3", ams.publicAddress)).toBe(ams.name);
        expect(await fetchFrom("client-ams3", nyc.publicAddress)).toBe(nyc.name);
        const { stdout } = await execInMachine(ams.id, ["cat", "/etc/machine-id"]);
        expect(stdout).not.toBe((await execInMachine(nyc.id, ["cat", "/etc/machine-id"])).stdout);
    });

    it("run none of Debian's own daemons but sshd, and no unit fails", async () => {
        const { stdout } = await execInMachine(ams.id, ["ss", "-Hlnt"]);
        const ports = stdout.match(/:(\d+)\s/g)?.map((port) => Number(port.slice(1)));
        expect(new Set(ports)).toEqual(new Set([22, 8080]));
        expect(
            (await execInMachine(ams.id, ["systemctl", "list-units", "--failed", "--plain", "-q"])).stdout,
        ).toBe("");
    });

    it("fail to install a package that is not there, as in the cloud", async () => {
        const install = execInMachine(ams.id, ["apt-get", "install", "-y", "no-such-package"]);
        await expect(install).rejects.toThrow("Unable to locate package no-such-package");
    });

    it("keep their user data from other users of the workstation", () => {
        expect(statSync(machineFolder(ams.id)).mode & 0o777).toBe(0o700);
        const seed = join(machineFolder(ams.id), "upper/var/lib/cloud/seed/nocloud/user-data");
        expect(statSync(seed).mode & 0o777).toBe(0o600);
    });

    it("reach each other in public and in private, and nothing outside", async () => {
        expect(await pings(ams.id, nyc.publicAddress)).toBe(true);
        expect(await pings(ams.id, "10.110.0.3")).toBe(true);
        const client = await run(
            inNamespace("client-ams3", ["curl", "-sS", "-m", "1", "http://10.110.0.3:8080/name"]),
            {
                allow: "any",
            },
        );
        expect(client.code).not.toBe(0);
        const outside = await execInMachine(ams.id, ["curl", "-sS", "-m", "5", "http://8.8.8.8/"], {
            allow: "any",
        });
        expect(outside.code).toBe(7);
    });

    it("are guarded by a firewall that really drops", async () => {
        await applyFirewall(nyc.id, {
            inbound: [{ protocol: "tcp", ports: "8080", sources: ["198.18.0.0/20"] }],
            outbound: [],
        });
        expect(await fetchFrom("client-ams3", nyc.publicAddress)).toBe(nyc.name);
        expect(await fetchFrom("client-nyc3", nyc.publicAddress)).toBeUndefined();
        expect(await pings(ams.id, nyc.publicAddress)).toBe(false);
        expect(await pings(nyc.id, ams.publicAddress)).toBe(false);
        await applyFirewall(nyc.id, undefined);
        expect(await pings(ams.id, nyc.publicAddress)).toBe(true);
    });

    it("take a reserved address from each other, running or not", async () => {
        await assignReservedIp(reserved, ams.id);
        expect(await fetchFrom("studio", reserved)).toBe(ams.name);
        await assignReservedIp(reserved, nyc.id);
        expect(await fetchFrom("studio", reserved)).toBe(nyc.name);
        expect(findMachine(nyc.name).reservedAddresses).toEqual([reserved]);
        await assignReservedIp(reserved, undefined);
        expect(await fetchFrom("studio", reserved)).toBeUndefined();
    });

    it("stand still when frozen, and go on", async () => {
        await freezeMachine(ams.id);
        expect(findMachine(ams.name).state).toBe("frozen");
        expect(await fetchFrom("studio", ams.publicAddress)).toBeUndefined();
        await thawMachine(ams.id);
        expect(await fetchFrom("studio", ams.publicAddress)).toBe(ams.name);
    });

    it("are out of reach when cut off the network, and go on inside", async () => {
        await cutMachine(ams.id);
        expect(await fetchFrom("studio", ams.publicAddress)).toBeUndefined();
        expect(
            (await execInMachine(ams.id, ["curl", "-s", "http://127.0.0.1:8080/name"])).stdout.trim(),
        ).toBe(ams.name);
        await uncutMachine(ams.id);
        expect(await fetchFrom("studio", ams.publicAddress)).toBe(ams.name);
    });

    it.each(["sent", "received"] as const)(
        "are out of reach when what they have %s is lost",
        async (direction) => {
            await cutMachine(ams.id, direction);
            expect(await fetchFrom("studio", ams.publicAddress)).toBeUndefined();
            await uncutMachine(ams.id);
            expect(await fetchFrom("studio", ams.publicAddress)).toBe(ams.name);
        },
    );

    it("lose their power without a word to anybody, and boot from the disk they had", async () => {
        const { stdout: machineId } = await execInMachine(ams.id, ["cat", "/etc/machine-id"]);
        await assignReservedIp(reserved, ams.id);
        // A connection that only hears when the other end says good-bye.
        const [program = "", ...args] = imageCommand(["nc", "-d", ams.publicAddress, "8080"], {
            netns: "studio",
        });
        const peer = spawn(program, args, { stdio: "ignore" });
        let heard: number | undefined;
        peer.on("close", (code, signal) => (heard = exitCode(code, signal)));
        await sleep(500);

        await killMachine(ams.id);
        expect(findMachine(ams.name).state).toBe("off");
        await sleep(1000);
        expect(heard).toBeUndefined();
        peer.kill("SIGKILL");
        await expect(async () => execInMachine(ams.id, ["true"])).rejects.toThrow("is off");

        await bootMachine(ams.id);
        await execInMachine(ams.id, ["systemctl", "is-system-running", "--wait"]);
        expect((await execInMachine(ams.id, ["cat", "/etc/machine-id"])).stdout).toBe(machineId);
        await execInMachine(ams.id, ["systemctl", "start", "web.service"]);
        await answers("studio", reserved);
        expect(await fetchFrom("studio", reserved)).toBe(ams.name);
    });

    it("are heard at the workstation through a port forward", async () => {
        const port = 18_800;
        await openPortForward(port, { address: ams.publicAddress, port: 8080 });
        await openPortForward(port, { address: nyc.publicAddress, port: 8080 });
        const { stdout } = await run(["curl", "-sS", "-m", "5", `http://127.0.0.1:${port}/name`]);
        expect(stdout.trim()).toBe(nyc.name);
        await closePortForward(port);
    });

    it("mean the newest of a name, and vanish without a trace of their own", async () => {
        await createMachine({
            ...nyc,
            id: "1003",
            publicAddress: "198.18.112.11",
            userData: "#cloud-config\n",
        });
        expect(findMachine(nyc.name).id).toBe("1003");
        await destroyMachine("1003");
        await destroyMachine("1003");
        expect(listMachines().map(({ id }) => id)).toEqual([ams.id, nyc.id]);
        expect(() => findMachine("relay-x")).toThrow(`there are ${ams.name}, ${nyc.name}`);
    });

    it("leave nothing on the workstation when the lab goes down, whatever state they are in", async () => {
        await freezeMachine(nyc.id);
        await startService("left-over", imageCommand(["sleep", "1000"], { netns: "airtime" }));
        // By hand, outside of the lab's cgroup.
        const stray = spawn("nsenter", inNamespace("studio", ["sleep", "1000"]).slice(1), {
            detached: true,
            stdio: "ignore",
        });
        stray.unref();
        await sleep(100);
        const [supervisor] = cgroupProcesses(labCgroup("machines", ams.id, "supervisor"));
        expect(supervisor).toBeDefined();
        process.kill(supervisor ?? 0, "SIGKILL");
        expect(await removeLab()).toContain(labFolder);
        expect(traces()).toEqual([]);
        expect(await removeLab()).toEqual([]);
    });
});
