import { describeChanges, previousOf, type PreviousMachines } from "../../components/changes";
import { baseRole } from "../../components/machine/base";
import { describeChange, fingerprintOf, type Fingerprint } from "../../components/machine/fingerprint";
import type { MachineRole } from "../../components/machine/role";
import type { SecretGenerations } from "../../components/machine/secrets";
import { renderMaster } from "../../components/master/render";
import { renderRelay } from "../../components/relayPool/render";
import { masterPlan } from "../support/masterPlan";
import { relayPlan } from "../support/relayPlan";

const droplet = { size: "s-1vcpu-1gb", image: "debian-13-x64", userData: "0123456789ab" };
const fingerprint = (role: MachineRole, facts = {}, generations: SecretGenerations = {}) =>
    fingerprintOf({ ...droplet, ...facts }, role, generations);

/** A role in which a file has other text. */
function edited(role: MachineRole, path: string, from: string, to: string): MachineRole {
    const files = role.files.map((file) =>
        file.path === path ? { ...file, content: file.content.replace(from, to) } : file,
    );
    expect(files).not.toEqual(role.files);
    return { ...role, files };
}

const relay = renderRelay(relayPlan());
const one = { channels: masterPlan().channels.slice(0, 1) };
const master = renderMaster(masterPlan(one));
const [channel] = relayPlan().channels;
const more = {
    ...channel!,
    id: "more",
    formats: channel!.formats.map((format) => ({ ...format, mount: `/more.${format.codec}` })),
};

describe("what a change does to a machine", () => {
    const changes: [string, MachineRole, MachineRole, string][] = [
        [
            "an edge limit",
            relay,
            renderRelay(relayPlan({ connectionsPerAddress: 7 })),
            "in place: reloads aerial-nginx",
        ],
        [
            "Icecast's burst",
            relay,
            edited(relay, "/etc/aerial/icecast/a.xml", "<burst-size>", "<burst-size>1"),
            "in place: reloads aerial-icecast",
        ],
        [
            "another format",
            renderRelay(relayPlan({ channels: [{ ...channel!, formats: channel!.formats.slice(0, 1) }] })),
            relay,
            "in place: reloads aerial-icecast, aerial-nginx, restarts aerial-standby-audio, aerial-feed",
        ],
        [
            "another channel",
            relay,
            renderRelay(relayPlan({ channels: [channel!, more] })),
            "in place: reloads aerial-icecast, aerial-nginx, restarts aerial-feed",
        ],
        [
            "a threshold of silence",
            master,
            renderMaster(
                masterPlan({
                    ...one,
                    silence: { ...masterPlan().silence, afterSeconds: masterPlan().silence.afterSeconds + 1 },
                }),
            ),
            "in place: restarts aerial-announcement@main, aerial-radio@main",
        ],
        [
            "the hardening of a unit that runs in slots",
            relay,
            edited(relay, "/etc/systemd/system/aerial-icecast@.service", "PrivateTmp=yes", "PrivateTmp=no"),
            "in place: starts aerial-icecast, aerial-nginx beside the present ones",
        ],
        [
            "the same, with an edge limit",
            relay,
            edited(
                renderRelay(relayPlan({ connectionsPerAddress: 7 })),
                "/etc/systemd/system/aerial-icecast@.service",
                ...(["PrivateTmp=yes", "PrivateTmp=no"] as const),
            ),
            "in place: starts aerial-icecast, aerial-nginx beside the present ones",
        ],
        [
            "the hardening of another unit",
            relay,
            edited(relay, "/etc/systemd/system/aerial-feed.service", "PrivateTmp=yes", "PrivateTmp=no"),
            "in place: restarts aerial-feed",
        ],
        [
            "a timer",
            relay,
            edited(relay, "/etc/systemd/system/aerial-certificate.timer", "[Timer]", "[Timer]\n"),
            "in place: restarts aerial-certificate.timer",
        ],
        [
            "a template of units",
            master,
            edited(master, "/etc/systemd/system/aerial-radio@.service", "PrivateTmp=yes", "PrivateTmp=no"),
            "in place: restarts aerial-radio@main",
        ],
        [
            "a program of ours",
            relay,
            edited(relay, "/usr/local/lib/aerial/feed/run.py", "import", "import "),
            "in place: restarts aerial-feed",
        ],
        [
            "a file that no unit reads",
            relay,
            edited(relay, "/usr/local/sbin/aerial-drain", "set -eu", "set -u"),
            "in place: nothing is reloaded",
        ],
        [
            "a package",
            relay,
            { ...relay, packages: [...relay.packages, "tcpdump"] },
            "in place: installs packages",
        ],
    ];
    it.each(changes)("is told: %s", (_what, before, after, words) => {
        expect(describeChange(fingerprint(before), fingerprint(after))).toEqual({
            ...{ kind: "in place", waits: false, words },
        });
    });

    const rotated = (linkPassword: number, authority: number[]): SecretGenerations => ({
        ...{ "relay.link": [linkPassword], "file.ca.pem": authority },
        ...{ "file.tls.pem": authority.slice(-2, -1), "file.tls.key": authority.slice(-2, -1) },
        // What a role does not ask for is nothing to it.
        "source.other.studio": [linkPassword],
    });
    const rotations: [string, MachineRole, SecretGenerations, string][] = [
        [
            "the link password, to a Relay",
            relay,
            rotated(2, [1, 2]),
            "new link password, reloads aerial-links",
        ],
        [
            "the link password, to a Master",
            master,
            rotated(2, [1, 2]),
            "new link password, reloads aerial-nginx",
        ],
        [
            "the CA, to a Relay",
            relay,
            rotated(1, [1, 2, 3]),
            "new trusted CAs, reloads aerial-nginx, aerial-links",
        ],
        [
            "the CA, to a Master",
            master,
            rotated(1, [1, 2, 3]),
            "new trusted CAs, certificate of links, reloads aerial-nginx",
        ],
    ];
    it.each(rotations)("is told though no file has changed: %s", (_what, role, generations, words) => {
        const was = fingerprint(role, {}, rotated(1, [1, 2]));
        expect(describeChange(was, fingerprint(role, {}, generations))).toEqual({
            ...{ kind: "in place", waits: false, words: `in place: ${words}` },
        });
        expect(describeChange(was, fingerprint(role, {}, rotated(1, [1, 2]))).kind).toBe("none");
    });

    it("is nothing where nothing changed, whatever the order of files", () => {
        const turned = { ...relay, files: [...relay.files].reverse() };
        expect(describeChange(fingerprint(relay), fingerprint(turned))).toEqual({
            ...{ kind: "none", waits: false, words: "stays as it is" },
        });
    });

    it("is a new machine for what no machine can change in itself", () => {
        expect(describeChange(fingerprint(relay), fingerprint(master, { size: "s-2vcpu-2gb" }))).toEqual({
            ...{ kind: "replaced", waits: false },
            words: "replaced by a new machine: its size s-1vcpu-1gb becomes s-2vcpu-2gb",
        });
        expect(
            describeChange(fingerprint(relay), fingerprint(relay, { userData: "ba9876543210" })).words,
        ).toBe("replaced by a new machine: its first boot is another");
    });
});

describe("what waits for the quiet hour", () => {
    const waitFor = "05:00 Europe/Berlin";
    const waiting = (waits: Record<string, string>, role = relay, facts: Record<string, string> = droplet) =>
        fingerprintOf(facts, role, {}, waits);
    const { userData: _userData, ...withoutBoot } = droplet;

    it.each([
        [{ size: "s-1vcpu-2gb" }, "size s-1vcpu-2gb waits for 05:00 Europe/Berlin"],
        [{ userData: "ba9876543210" }, "another first boot waits for 05:00 Europe/Berlin"],
        [
            { size: "s-1vcpu-2gb", image: "debian-14-x64" },
            "size s-1vcpu-2gb and image debian-14-x64 wait for 05:00 Europe/Berlin",
        ],
    ])("is told, and until when: %j", (waits, words) => {
        const expected = { kind: "none", waits: true, words };
        expect(describeChange(fingerprint(relay), waiting(waits), waitFor)).toEqual(expected);
    });

    it("does not keep from what is done in place", () => {
        const after = waiting({ size: "s-1vcpu-2gb" }, renderRelay(relayPlan({ connectionsPerAddress: 7 })));
        expect(describeChange(fingerprint(relay), after, waitFor)).toEqual({
            ...{ kind: "in place", waits: true },
            words: "in place: reloads aerial-nginx; size s-1vcpu-2gb waits for 05:00 Europe/Berlin",
        });
    });

    it("is a new machine when the hour has come", () => {
        const larger = { ...droplet, size: "s-1vcpu-2gb" };
        const waited = waiting({ size: "s-1vcpu-2gb" });
        expect(describeChange(waited, waiting({}, relay, larger)).words).toBe(
            "replaced by a new machine: its size s-1vcpu-1gb becomes s-1vcpu-2gb",
        );
        const boot = waiting({ userData: "ba9876543210" }, relay, withoutBoot);
        const booted = waiting({}, relay, { ...droplet, userData: "ba9876543210" });
        expect(describeChange(boot, booted).words).toBe(
            "replaced by a new machine: its first boot is another",
        );
    });

    it("is nothing any more when it is taken back, or an up that failed has already made the machine", () => {
        const nothing = { kind: "none", waits: false, words: "stays as it is" };
        const boot = waiting({ userData: "ba9876543210" }, relay, withoutBoot);
        expect(describeChange(boot, waiting({}), waitFor)).toEqual(nothing);
        const made = waiting({}, relay, { ...droplet, size: "s-1vcpu-2gb" });
        expect(describeChange(fingerprint(relay), made, waitFor)).toEqual(nothing);
    });

    it("has a line for each machine in a preview, and a part of the summary", async () => {
        const was = fingerprint(relay);
        const before: PreviousMachines = { fingerprints: { "relay-1": was, "relay-2": was }, machines: {} };
        const wanted = { "relay-1": waiting({ size: "s-1vcpu-2gb" }), "relay-2": was };
        expect(await describeChanges(before, wanted, { drainLimitSeconds: 7200, waitFor })).toEqual([
            "relay-1: size s-1vcpu-2gb waits for 05:00 Europe/Berlin",
            "machines: 2 as they are; 1 of them to be replaced at 05:00 Europe/Berlin",
        ]);
    });
});

it("a fingerprint holds no text of a file", () => {
    const role = {
        ...baseRole(),
        files: [{ path: "/etc/secret", mode: "0600", content: "correct horse battery staple" }],
    };
    expect(JSON.stringify(fingerprint(role))).not.toMatch(/horse|secret/);
});

describe("a preview", () => {
    const was = fingerprint(relay);
    const changed = fingerprint(renderRelay(relayPlan({ connectionsPerAddress: 7 })));
    const larger = fingerprint(relay, { size: "s-2vcpu-2gb" });
    const previous: PreviousMachines = {
        fingerprints: { "relay-1": was, "relay-2": was, "relay-3": was, "relay-4": was, "master-a": was },
        machines: {
            "relay-1": { role: "relay", address: "192.0.2.1" },
            "relay-2": { role: "relay", address: "192.0.2.2" },
            "relay-3": { role: "relay", address: "192.0.2.3" },
            "relay-4": { role: "relay", address: "192.0.2.4" },
            "master-a": { role: "master", address: "192.0.2.5" },
        },
    };
    const listeners: Record<string, number> = { "192.0.2.2": 213, "192.0.2.4": 0 };
    const told = (wanted: Record<string, Fingerprint | undefined>) =>
        describeChanges(previous, wanted, { drainLimitSeconds: 7200 }, (address) =>
            Promise.resolve(listeners[address]),
        );

    it.each([
        [0, "who are closed"],
        [40, "who may stay for 40 s"],
        [1800, "who may stay for 30 min"],
        [5400, "who may stay for 90 min"],
        [7200, "who may stay for 2 h"],
    ])("says how long listeners may stay: %i s", async (limit, words) => {
        const before = { ...previous, fingerprints: { "relay-4": was } };
        const plan = { drainLimitSeconds: limit };
        expect(await describeChanges(before, {}, plan, () => Promise.resolve(3))).toEqual([
            `relay-4: removed; 3 listeners now, ${words}`,
            "machines: 1 removed",
        ]);
    });

    it("has a line for each machine that changes, and a summary", async () => {
        const wanted = {
            ...{
                "relay-1": changed,
                "relay-2": larger,
                "relay-3": larger,
                "relay-5": was,
                "master-a": undefined,
            },
        };
        expect(await told(wanted)).toEqual([
            "relay-1: in place: reloads aerial-nginx",
            "relay-2: replaced by a new machine: its size s-1vcpu-1gb becomes s-2vcpu-2gb; 213 listeners now, who may stay for 2 h",
            "relay-3: replaced by a new machine: its size s-1vcpu-1gb becomes s-2vcpu-2gb; it does not say how many listen, who may stay for 2 h",
            "relay-5: new",
            "master-a: not known before the change",
            "relay-4: removed; 0 listeners now, who may stay for 2 h",
            "machines: 1 new, 1 changed in place, 2 replaced, 1 removed, 1 not known",
        ]);
    });

    it("says in one line that nothing changes", async () => {
        expect(await told(previous.fingerprints)).toEqual(["machines: 5 as they are"]);
    });

    it("reads what a program said that knew no generations", async () => {
        const { generations, ...rest } = fingerprint(relay, {}, { "relay.link": [1] });
        expect(generations).not.toEqual({});
        const before = previousOf({ fingerprints: { "relay-1": rest } });
        expect(await describeChanges(before, { "relay-1": was }, { drainLimitSeconds: 7200 })).toEqual([
            "relay-1: in place: reloads aerial-links",
            "machines: 1 changed in place",
        ]);
    });

    it("of a new station knows only that all is new", async () => {
        const none = { fingerprints: {}, machines: {} };
        const wanted = { "relay-1": undefined, "master-a": was };
        const lines = await describeChanges(none, wanted, { drainLimitSeconds: 7200 });
        expect(lines).toEqual(["relay-1: new", "master-a: new", "machines: 2 new"]);
    });
});
