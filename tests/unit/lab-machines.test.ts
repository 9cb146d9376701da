import { machineTable } from "../../lab/cli/status";
import { summarize } from "../../lab/cli/roleStatus";
import { formatTable } from "../../lab/cli/table";
import { inCgroup } from "../../lab/workstation/cgroups";
import { imageCommand, imageFolder } from "../../lab/machines/image";
import { imagePackages } from "../../lab/machines/packages";
import { inNamespace, inNetwork } from "../../lab/network/network";
import { resolvConfFile, resolverFolder } from "../../lab/network/resolver";
import { cgroupMount, labId, namespacePath } from "../../lab/paths";

describe("names of the lab", () => {
    it("find the unified hierarchy on hybrid and on pure workstations", () => {
        const hybrid = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        expect(cgroupMount(hybrid)).toBe("/sys/fs/cgroup/unified");
        expect(cgroupMount("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n")).toBe("/sys/fs/cgroup");
        expect(() => cgroupMount("cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n")).toThrow("no cgroup2");
    });

    it("hold the lab's id, so that two labs run side by side", () => {
        expect(labId).toMatch(/^[0-9a-f]{6}$/);
        expect(namespacePath("studio")).toBe(`/run/netns/al${labId}-studio`);
    });
});

describe("commands of the lab", () => {
    it("run host programs with the network of a place, and with its names", () => {
        const enter = ["nsenter", `--net=${namespacePath("client-ams3")}`, "--"];
        expect(inNetwork("client-ams3", ["curl", "-s", "x y"])).toEqual([...enter, "curl", "-s", "x y"]);
        const argv = inNamespace("client-ams3", ["curl", "-s", "x y"]);
        expect(argv.slice(0, 3)).toEqual(enter);
        expect(argv.slice(-4)).toEqual([resolverFolder(), "curl", "-s", "x y"]);
    });

    it("pass the words of a command through a cgroup as they are", () => {
        expect(inCgroup("/c", ["a b", "$x"]).slice(3)).toEqual(["sh", "/c", "a b", "$x"]);
    });

    it("run programs of the image with binds, user, folder and network", () => {
        const argv = imageCommand(["icecast2", "-c", "/etc/x"], {
            binds: [
                { source: "/tmp/x", target: "/etc/x" },
                { source: "/tmp/log", writable: true },
            ],
            netns: "studio",
            user: "icecast2",
            cwd: "/tmp",
            env: { A: "1" },
        });
        expect(argv.slice(0, 2)).toEqual(["nsenter", `--net=${namespacePath("studio")}`]);
        expect(argv).toContain("A=1");
        expect(argv.slice(argv.indexOf(`${imageFolder()}/rootfs`))).toEqual([
            `${imageFolder()}/rootfs`,
            `${imageFolder()}/scratch`,
            "icecast2",
            "/tmp",
            ...["--bind-ro", "/tmp/x", "/etc/x"],
            ...["--bind", "/tmp/log", "/tmp/log"],
            ...["--bind-ro", resolvConfFile(), "/etc/resolv.conf"],
            "--",
            ...["icecast2", "-c", "/etc/x"],
        ]);
    });

    it("list each package once", () => {
        const names = imagePackages.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
    });
});

describe("status", () => {
    const machine = {
        id: "1",
        name: "relay-ams3-1",
        region: "ams3",
        publicAddress: "198.18.0.10",
        reservedAddresses: [],
    };

    it("tells what a Master plays, and who listens", () => {
        const answer = {
            role: "master",
            channels: {
                main: {
                    playing: "studio",
                    sources: { studio: true },
                    listeners: { "/main.mp3": 3, "/main.aac": 1 },
                },
            },
        };
        expect(summarize(answer)).toMatchObject({
            role: "master",
            health: "ok",
            plays: "main: studio",
            listeners: 4,
        });
        const certified = {
            ...answer,
            certificate: { source: "issued here", notAfter: "2027-02-25T08:00:00Z" },
        };
        expect(summarize(certified).certificate).toBe("2027-02-25");
        expect(summarize({ ...answer, certificate: { source: "self-made" } }).certificate).toBe("self-made");
        const silent = { role: "master", channels: { main: { playing: null, listeners: {} } } };
        expect(summarize(silent)).toMatchObject({ health: "silent", plays: "main: nothing", listeners: 0 });
    });

    it("tells where a Relay's audio comes from, and why it is unhealthy", () => {
        const answer = {
            role: "relay",
            health: 503,
            mounts: { "/main.mp3": { listeners: 2, upstream: "b" } },
        };
        expect(summarize(answer)).toMatchObject({ health: "503", plays: "/main.mp3 from b", listeners: 2 });
    });

    it("tells what Airtime plays, and that its backup is not well", () => {
        const answer = {
            role: "airtime",
            channels: { main: { shows: 2, playing: "main/news.mp3" } },
            database: null,
            backup: true,
        };
        expect(summarize(answer)).toMatchObject({ health: "ok", plays: "main: main/news.mp3" });
        expect(summarize({ ...answer, backup: false })).toMatchObject({ health: "backup not well" });
        expect(summarize({ ...answer, database: "away" })).toMatchObject({ health: "no database" });
        const silent = { ...answer, channels: { main: { shows: 2, playing: null } } };
        expect(summarize(silent)).toMatchObject({ health: "silent", plays: "main: nothing" });
        const empty = { ...answer, channels: { main: { shows: 0, playing: null } } };
        expect(summarize(empty)).toMatchObject({ health: "ok" });
    });

    it("takes anything else for no answer", () => {
        for (const answer of [undefined, null, {}, { role: "relay" }, "master"]) {
            expect(summarize(answer)).toMatchObject({ health: "no answer", listeners: undefined });
        }
    });

    it("leaves out columns that nobody fills", () => {
        const table = machineTable([{ ...machine, state: "off", ...summarize(undefined), health: "" }]);
        expect(table).toBe(
            "MACHINE       REGION  ADDRESS      STATE\nrelay-ams3-1  ams3    198.18.0.10  off",
        );
        const cut = machineTable([{ ...machine, cut: "sent", state: "running", ...summarize(undefined) }]);
        expect(cut).toContain("running, cut sent  no answer");
    });

    it("aligns columns", () => {
        expect(
            formatTable([
                ["A", "B"],
                ["long", "x"],
            ]),
        ).toBe("A     B\nlong  x");
    });
});
