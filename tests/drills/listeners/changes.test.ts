import { upstreamPort } from "../../../components/relayPool/ports";
import type { OperationResult } from "../../../lab/engine/operate";
import { rememberStackFile, stackFile } from "../../../lab/engine/stackFile";
import { findMachine } from "../../../lab/machines/machines";
import type { Listener } from "../../../lab/radio/listener";
import { closeBook, note } from "../support/book";
import { listenOnEveryRelay } from "../support/byName";
import { killedPulumiUp, pulumiUp, type Edit } from "../support/checkout";
import { each, happening, type Case } from "../support/each";
import { limits } from "../support/limits";
import { changedSettings, type Settings } from "../support/settings";
import { World } from "../support/world";

/*
 * Changes of Relays and Masters in place, while people listen on every Relay over TLS, by the station's name. With
 * AERIAL_EACH=1, each change and each refusal has an `up` of its own, in its time, and `up` is killed at ten moments;
 * otherwise there are two changes, one refusal, one moment, and no limit of time: other tests run beside them.
 */

let world: World;
let before: string;

/** What the drills so far have made of the program. */
const edits: Edit[] = [];

beforeAll(async () => {
    world = await World.open();
    before = stackFile();
    await world.mend();
    await world.arrange({ studio: {} });
}, 1_200_000);

const listeners: Listener[] = [];

afterEach(async () => {
    await Promise.allSettled(listeners.splice(0).map((listener) => listener.stop()));
});

// For the drills of other files.
afterAll(async () => {
    closeBook("changes");
    rememberStackFile(before);
    expect(await pulumiUp()).toMatchObject({ ok: true, errors: [] });
    await world.arrange({});
}, 600_000);

/** The next `up` has other settings. */
function change(settings: (settings: Settings) => unknown): void {
    rememberStackFile(changedSettings("changes", settings));
}

const machines = (): string[] => [...world.masters, ...world.relays.map(({ name }) => name)];

const droplets = (): string[] => machines().map((name) => findMachine(name).id);

/** Ends the listeners' play and judges it: they noticed nothing. */
async function expectNothingNoticed(drill: string): Promise<void> {
    for (const listener of listeners.splice(0)) {
        const { disconnects, gapSeconds, buffer } = await listener.stop();
        note(drill, "disconnects of a listener", disconnects, 0);
        note(drill, "gap of a listener (s)", gapSeconds, 0);
        const used = (buffer.filledSeconds ?? 0) - (buffer.lowestSeconds ?? 0);
        note(drill, "buffer used (s)", Math.round(used * 10) / 10, limits.bufferUsedSeconds);
        expect({ disconnects, gapSeconds }).toEqual({ disconnects: 0, gapSeconds: 0 });
        expect(used).toBeLessThanOrEqual(limits.bufferUsedSeconds);
    }
}

/** An `up` that changes deliveries and no droplet. */
function expectInPlace(drill: string, result: OperationResult): void {
    expect(result).toMatchObject({ ok: true, errors: [] });
    note(drill, "up (s)", result.seconds, limits.changed / 1000);
    if (each) {
        expect(result.seconds).toBeLessThan(limits.changed / 1000);
    }
    const updated = result.steps.filter(({ op }) => op === "update").map(({ urn }) => nameOf(urn));
    expect(updated.length).toBeGreaterThan(0);
    expect(updated.filter((name) => !name.endsWith("-delivery"))).toEqual([]);
    expect(result.steps.filter(({ op }) => op.includes("replace"))).toEqual([]);
}

function nameOf(urn: string): string {
    return urn.split("::").at(-1) ?? "";
}

/** Connections from elsewhere to the Masters' port for encoders. */
async function encoderConnections(): Promise<string[][]> {
    return Promise.all(
        world.masters.map(async (master) => {
            const established = await world.at(master, [
                ...["ss", "-Htn", "state", "established", "sport = :8000"],
            ]);
            const peers = established.split("\n").map((line) => line.trim().split(/\s+/).at(-1) ?? "");
            return peers.filter((peer) => peer !== "" && !peer.includes("127.0.0.1")).sort();
        }),
    );
}

/** Whoever pulls a mount from a Master now, with what its Relay logs in with, gets it. */
async function expectLinksLetIn(): Promise<void> {
    const mount = new URL(world.outputs.channels[world.channel]?.formats[0]?.url ?? "").pathname;
    for (const { name } of world.relays) {
        for (const index of world.masters.keys()) {
            const url = `http://127.0.0.1:${upstreamPort(index)}${mount}`;
            const argv = ["sh", "-c", `curl -s -o /dev/null -m 3 -w '%{http_code}' ${url} || true`];
            expect([name, index, await world.at(name, argv)]).toEqual([name, index, "200"]);
        }
    }
}

const moments = each ? 10 : 1;

it(
    `goes on where it was killed during a change (${moments} times), and nobody notices`,
    async () => {
        const ids = droplets();
        const retitle = (title: string): void =>
            change(({ channels }) => channels.forEach((channel) => (channel.title = title)));
        await listenOnEveryRelay(world, listeners);
        // The others begin here, with a format that can be added.
        change(({ channels: [channel] }) => (channel!.formats = [{ codec: "mp3", bitrateKbps: 192 }]));
        if (each) {
            expectInPlace("a format less", await pulumiUp());
        }
        retitle("Not killed");
        const whole = await pulumiUp();
        expectInPlace("up killed", whole);

        let killed = 0;
        for (let moment = 0; moment < moments; moment++) {
            retitle(`Killed at moment ${moment + 1}`);
            // The first quarter belongs to the program, which changes nothing yet; an `up` may be quicker than the first.
            const part = 0.25 + ((each ? 0.7 : 0.45) * (moment + 0.5)) / moments;
            killed += Number(await killedPulumiUp(part * whole.seconds));
            const next = await pulumiUp();
            note(
                "up killed",
                `the next up, after ${Math.round(part * 100)} % (s)`,
                next.seconds,
                limits.changed / 1000,
            );
            expect(next).toMatchObject({ ok: true, errors: [] });
            expect(droplets()).toEqual(ids);
        }
        note("up killed", "killed while under way", killed, moments);
        // An `up` may be quicker than the one before it; not each time.
        expect(killed).toBeGreaterThanOrEqual(moments / 2);
        await expectNothingNoticed("up killed");
        if (each) {
            expect(await pulumiUp()).toMatchObject({ ok: true, steps: [] });
        }
    },
    (2 * moments + 3) * limits.changed + 600_000,
);

/** A file that the program on a machine refuses. The machine is the first one that gets a change of its kind. */
interface Refusal extends Case {
    edit: Edit;
    machine: () => string;
    unit: string;
    file: string;
    words: RegExp;
}

const refused: Refusal[] = [
    {
        edit: {
            file: "config-templates/master/radio/radio.liq.eta",
            text: "held_seconds = (",
            instead: "held_seconds = ((",
        },
        machine: () => world.masters.at(-1) ?? "",
        unit: "aerial-radio@main.service",
        file: "/etc/aerial/radio/main.liq",
        words: /refuses it:\n[^]*error/i,
    },
    {
        edit: {
            file: "config-templates/relay/nginx/edge.conf.eta",
            text: "client_header_timeout",
            instead: "client_headers_timeout",
        },
        machine: () => world.relays[0]?.name ?? "",
        unit: "aerial-nginx@.service",
        file: "/etc/aerial/nginx/edge.conf",
        words: /nginx refuses it:\n[^]*unknown directive "client_headers_timeout"/,
        // Liquidsoap's, on a Master, stands for it.
        rarely: true,
    },
    {
        edit: {
            file: "config-templates/relay/icecast/icecast.xml.eta",
            text: "<location>",
            instead: "<locaton>",
        },
        machine: () => world.relays[0]?.name ?? "",
        unit: "aerial-icecast@.service",
        file: "/etc/aerial/icecast/a.xml",
        words: /icecast-check refuses it:\n[^]*locat/,
        rarely: true,
    },
];

it.each(happening(refused))(
    "refuses $file on the first machine that gets it, if $unit cannot work with it, and nothing else happens",
    async ({ edit, machine, unit, file, words }) => {
        const drill = `${file} cannot work`;
        const programs = await world.processes(machines());
        await listenOnEveryRelay(world, listeners);
        const { ok, errors, steps, seconds } = await pulumiUp([edit]);
        note(drill, "until `up` gives up (s)", seconds, limits.changed / 1000);
        expect(ok).toBe(false);
        const told = errors.join("\n");
        for (const part of [`${machine()}-delivery`, unit, file]) {
            expect(told).toContain(part);
        }
        expect(told).toMatch(words);
        expect(steps).toEqual([]);
        expect(await world.processes(machines())).toEqual(programs);
        // Otherwise the next drill's `up` repairs it.
        if (each) {
            expect(await pulumiUp()).toMatchObject({ ok: true, errors: [] });
            expect(await world.processes(machines())).toEqual(programs);
        }
        await expectNothingNoticed(drill);
    },
    600_000,
);

/** A change of the station: by its settings, or by an edit of the program. */
interface Change {
    what: string;
    settings?: (settings: Settings) => void;
    edits?: Edit[];
    /** Whether no program may start anew for it. */
    restartsNothing?: boolean;
}

const settings: Change[] = [
    {
        what: "an edge limit",
        settings: (station) => (station.edge = { connectionsPerAddress: 30 }),
    },
    {
        what: "a format more",
        settings: ({ channels: [channel] }) => channel!.formats!.push({ codec: "aac", bitrateKbps: 64 }),
    },
    {
        what: "a channel more",
        settings: ({ channels }) =>
            channels.push({
                ...{ id: "more", title: "More" },
                formats: [{ codec: "mp3", bitrateKbps: 128 }],
            }),
    },
    {
        what: "a threshold of silence",
        settings: ({ silence }) => (silence.afterSeconds += 1),
    },
];

const rotations: Change[] = [
    {
        what: "the link password",
        settings: (station) => (station.rotation = { ...station.rotation, linkPassword: 2 }),
        restartsNothing: true,
    },
    {
        what: "the CA",
        settings: (station) => (station.rotation = { ...station.rotation, authority: 2 }),
        restartsNothing: true,
    },
];

const hardening = { text: "LockPersonality=yes\n", instead: "LockPersonality=yes\nKeyringMode=private\n" };

const templates: Change[] = [
    {
        what: "Icecast's burst",
        edits: [
            {
                file: "config-templates/relay/icecast/icecast.xml.eta",
                text: "mount.burstBytes",
                instead: "mount.burstBytes + 1400",
            },
        ],
    },
    {
        what: "units' hardening",
        edits: [
            "relay/icecast/aerial-icecast@.service.eta",
            "relay/nginx/aerial-nginx@.service",
            "relay/feed/aerial-feed.service",
            "master/radio/aerial-radio@.service",
        ].map((file) => ({ file: `config-templates/${file}`, ...hardening })),
    },
    {
        what: "a program of ours",
        edits: [
            {
                file: "config-templates/relay/feed/aerial-feed.py",
                text: "import asyncio\n",
                instead: "# Another version.\nimport asyncio\n",
            },
        ],
    },
];

function together(changes: Change[]): Change {
    return {
        what: changes.map(({ what }) => what).join(", "),
        settings: (station) => changes.forEach((one) => one.settings?.(station)),
        edits: changes.flatMap((one) => one.edits ?? []),
        restartsNothing: changes.every(({ restartsNothing }) => restartsNothing),
    };
}

// Rotations first: a slot that drains after the others would end while programs are compared.
const kinds = [rotations, [...settings, ...templates]];

it.each(each ? kinds.flat() : kinds.map(together))(
    "changes $what while people listen, and nobody notices",
    async (wanted) => {
        const drill = `changed: ${wanted.what}`;
        const ids = droplets();
        const [programs, encoders] = [await world.relayProcesses(), await encoderConnections()];
        expect(encoders.flat().length).toBeGreaterThan(0);
        await listenOnEveryRelay(world, listeners);

        change((station) => wanted.settings?.(station));
        edits.push(...(wanted.edits ?? []));
        expectInPlace(drill, await pulumiUp(edits));
        expect(droplets()).toEqual(ids);
        await expectNothingNoticed(drill);

        // Sources stay where they are, whatever starts anew.
        expect(await encoderConnections()).toEqual(encoders);
        if (wanted.restartsNothing) {
            expect(await world.relayProcesses()).toEqual(programs);
            await expectLinksLetIn();
        }
    },
    900_000,
);

it("changes nothing the second time", async () => {
    expect(await pulumiUp(edits)).toMatchObject({ ok: true, errors: [], steps: [] });
}, 300_000);

it("takes all of that back while people listen, and nobody notices", async () => {
    const ids = droplets();
    await listenOnEveryRelay(world, listeners);
    rememberStackFile(before);
    edits.splice(0);
    expectInPlace("taken back", await pulumiUp());
    expect(droplets()).toEqual(ids);
    await expectNothingNoticed("taken back");
}, 900_000);
