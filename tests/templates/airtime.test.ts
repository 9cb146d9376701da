import { rmSync } from "node:fs";
import { join } from "node:path";

import type { AirtimePlan } from "../../components/airtime/plan";
import { renderAirtime } from "../../components/airtime/render";
import { ensureImage, inImage } from "../../lab/machines/image";
import { airtimePlan, libretimePlan } from "../support/airtimePlan";
import { delivered } from "../support/delivered";

/* What Airtime's machine gets, run by the programs of the base image: PostgreSQL, Liquidsoap, Icecast, systemd. */

/** Every character that some format could trip over, and that none refuses. */
const awkward = String.raw`Rock "n" Roll #{1+1} \ 100% <b>&amp; 'it''s' ; } ]]> é`;

const script = join(__dirname, "airtime-in-image.sh");

/** A folder that holds what a delivery puts on the machine. */
async function installed(plan: AirtimePlan): Promise<string> {
    const values = Object.fromEntries(
        plan.channels.map(({ id }) => [`source.${id}.${plan.sourceName}`, "secret"]),
    );
    return delivered(renderAirtime(plan), { values, files: {} });
}

/** Runs a part of the script on a machine that has these files, with a network of its own. */
async function onMachine(root: string, part: string, limitSeconds = 100): Promise<string> {
    const argv = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const { stdout } = await inImage([...argv, "bash", "-eu", "/airtime-in-image.sh", part], {
        binds: [
            { source: root, target: "/installed" },
            { source: script, target: "/airtime-in-image.sh" },
        ],
        timeoutSeconds: limitSeconds,
    });
    return stdout;
}

let root: string;

beforeAll(async () => {
    await ensureImage();
    const plan = airtimePlan({
        stationName: awkward,
        timeZone: "UTC",
        masters: [
            { id: "a", host: "127.0.0.1", port: 8000 },
            // Takes connections, and never answers: a machine that is frozen.
            { id: "b", host: "127.0.0.1", port: 8001 },
        ],
    });
    root = await installed({
        ...plan,
        channels: plan.channels.map((channel) => ({ ...channel, title: awkward })),
    });
}, 600_000);

afterAll(() => rmSync(root, { recursive: true }));

describe("Airtime's files", () => {
    it.each(["main", "jazz"])("hold a script of channel %s that Liquidsoap accepts", async (channel) => {
        await onMachine(root, `check-${channel}`);
    });

    it("hold units that systemd accepts, of either software", async () => {
        await onMachine(root, "units");
        const libretime = await installed(libretimePlan());
        await onMachine(libretime, "units");
        rmSync(libretime, { recursive: true });
    });
});

describe("Airtime's database", () => {
    it("is made on a fresh volume, also after a first start that was cut short, and taken over from another machine", async () => {
        expect(await onMachine(root, "database")).toContain("DATABASE TAKEN OVER WITH 1 SHOW");
    });

    it("follows the library, knows what audio is, and records what was played", async () => {
        const lines = (await onMachine(root, "catalogue")).trim().split("\n");
        expect(lines).toEqual([
            `main/bad.mp3|2|f|t|0`,
            `main/grüße & 'q'.mp3|0|t|t|3`,
            `main/morning/tagged.flac|0|t|t|4`,
            "A Title|An Artist",
            "GONE main/morning/tagged.flac|f",
            "PLAYED main/grüße & 'q'.mp3|2.00",
            "PLAYED main/morning/tagged.flac|4.00",
            "SHOW mon 06:00 morning/|main|main/morning/tagged.flac",
        ]);
    });
});

describe("Airtime's playout", () => {
    it("is absent without shows, picks up new ones, passes over bad ones, begins an entry on time, and no dead Master holds it up", async () => {
        const told = await onMachine(root, "playout", 240);
        const facts = Object.fromEntries(
            told
                .trim()
                .split("\n")
                .map((line) => line.split("=", 2) as [string, string]),
        );
        expect(facts).toMatchObject({
            check_while_empty: "well",
            connected_while_empty: "no",
            connected_with_shows: "yes",
            connected_to_dead: "no",
            check_with_dead: "well",
            bad_show_played: "no",
            title_after_rotation: "yes",
            listener_disconnected: "no",
            silences_in_stream: "0",
        });
        // From the library's first show to the Master's mount.
        expect(Number(facts.seconds_to_first_show)).toBeLessThan(12);
        expect(Math.abs(Number(facts.seconds_late))).toBeLessThan(2);
    }, 300_000);
});
