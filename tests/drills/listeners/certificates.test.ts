import { X509Certificate } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { bootMachine, findMachine, killMachine } from "../../../lab/machines/machines";
import { publicRoots } from "../../../lab/radio/station";
import { closeBook, note } from "../support/book";
import { Crowd } from "../support/crowd";
import { limits } from "../support/limits";
import { clientOf, openssl, untilAnswered } from "../support/names";
import { World } from "../support/world";

/*
 * The public certificate as listeners see it: issued, renewed, and shared by the machines themselves.
 */

let world: World;
let place: string;

beforeAll(async () => {
    world = await World.open();
    await world.mend();
    await world.arrange({ studio: { master: "both" } });
    place = await clientOf(world.relays[0]?.region ?? "");
}, 1_200_000);

afterAll(async () => {
    await world.mend();
    await world.arrange({});
    closeBook("certificates");
});

interface Servant {
    machine: string;
    address: string;
    name: string;
}

/** Every machine that shows the certificate to the public, and a name it is known by. */
function servants(): Servant[] {
    const { names, ingest } = world.outputs;
    return [
        ...world.relays.map(({ name, url }) => ({
            machine: name,
            address: new URL(url).hostname,
            name: names.stream,
        })),
        ...ingest.masters.map(({ id, host }) => ({
            machine: `master-${id}`,
            address: host,
            name: names.ingest,
        })),
    ];
}

/** Serial number of the certificate that a machine shows when it verifies; else why not. */
async function shown(servant: Servant): Promise<string> {
    const { code, said } = await openssl(place, servant);
    const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(said);
    if (code !== 0 || !pem) {
        return `no: ${/verify error:.*/.exec(said)?.[0] ?? said.split("\n")[0] ?? ""}`;
    }
    return new X509Certificate(pem[0]).serialNumber;
}

/** Waits until all of them show one certificate that verifies, another one than before. */
async function untilAllShow(those: Servant[], before: string, since: number): Promise<number> {
    for (;;) {
        const serials = new Set(await Promise.all(those.map(shown)));
        const [serial = ""] = serials;
        if (serials.size === 1 && serial !== before && !serial.startsWith("no")) {
            return Date.now() - since;
        }
        if (Date.now() - since > 120_000) {
            throw new Error(`not all show a new certificate: ${[...serials].join(", ")}`);
        }
        await sleep(500);
    }
}

it("is issued from nothing", async () => {
    const home = "/var/lib/aerial/certificate";
    const machines = servants().map(({ machine }) => machine);
    const before = await shown(servants()[0] as Servant);
    // Timers first, so that nobody is given the old one back.
    const units = ["aerial-certificate.timer", "aerial-certificate.service"];
    await Promise.all(machines.map((machine) => world.at(machine, ["systemctl", "stop", ...units])));
    await Promise.all(
        machines.map((machine) =>
            world
                .at(machine, ["find", home, "-mindepth", "1", "-delete"])
                .then(() => world.at(machine, ["systemctl", "restart", "aerial-nginx*.service"])),
        ),
    );
    expect(await shown(servants()[0] as Servant)).toMatch(/^no: /);
    const since = Date.now();
    await Promise.all(
        machines.map((machine) => world.at(machine, ["systemctl", "start", "aerial-certificate.timer"])),
    );
    const took = await untilAllShow(servants(), before, since);
    note("from nothing", "on all machines (ms)", took, limits.certificate);
    expect(took).toBeLessThanOrEqual(limits.certificate);
});

it("is what a strict client wants: P-256, the right chain, TLS 1.2 or 1.3 and nothing older", async () => {
    for (const servant of servants()) {
        for (const version of ["-tls1_2", "-tls1_3"]) {
            expect(await openssl(place, servant, version)).toMatchObject({ code: 0 });
        }
        for (const version of ["-tls1", "-tls1_1"]) {
            // At the client's lowest security level, so that it is the server who refuses.
            const { code, said } = await openssl(place, servant, version, "-cipher", "ALL:@SECLEVEL=0");
            expect({ code, said }).toMatchObject({
                code: 1,
                said: expect.stringMatching(/alert|unsupported/),
            });
        }
        const { said } = await openssl(place, servant, "-showcerts");
        const [leaf = "", ...above] =
            said.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
        const certificate = new X509Certificate(leaf);
        expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
        expect(above.length).toBeGreaterThan(0);
        const { names } = world.outputs;
        for (const name of [names.stream, names.ingest, ...Object.values(names.regions)]) {
            expect(certificate.checkHost(name)).toBe(name);
        }
    }
});

it("is renewed under 500 listeners, and none of them is dropped", async () => {
    const count = 500;
    const before = await shown(servants()[0] as Servant);
    const crowd = await Crowd.come(world.relays[0]?.region ?? "", {
        ...{ count, servers: world.relays.map(({ url }) => new URL(url).hostname), path: "/main.aac" },
        secure: { name: world.outputs.names.stream, ca: publicRoots() },
        ...{ perSecond: 250, playingBytes: 4000 },
    });
    try {
        await crowd.waitFor("all play", 60_000, ({ playing }) => playing === count);
        const since = Date.now();
        await world.at("master-a", ["/usr/local/sbin/aerial-certificate", "renew"]);
        note("renewed under 500", "issued (ms)", Date.now() - since, limits.certificate);
        await world.at("master-b", ["systemctl", "start", "aerial-certificate.service"]);
        await fetchOnRelays();
        const took = await untilAllShow(servants(), before, since);
        note("renewed under 500", "on all machines (ms)", took, limits.certificate);
        await sleep(3000);
        const bytes = crowd.report().bytes;
        const { dropped, failed, playing } = await crowd.waitFor("audio", 5000, (now) => now.bytes > bytes);
        note("renewed under 500", "dropped", dropped, 0);
        expect({ dropped, failed, playing }).toEqual({ dropped: 0, failed: 0, playing: count });
    } finally {
        crowd.leave();
    }
});

function fetchOnRelays(): Promise<string[]> {
    return Promise.all(
        world.relays.map(({ name }) => world.at(name, ["/usr/local/sbin/aerial-certificate", "fetch"])),
    );
}

it("is renewed by Master b while a is gone", async () => {
    const those = servants().filter(({ machine }) => machine !== "master-a");
    const before = await shown(those[0] as Servant);
    await killMachine(findMachine("master-a").id);
    try {
        const [, b] = world.outputs.ingest.masters;
        await untilAnswered("studio", world.outputs.names.ingest, [b?.host ?? ""]);
        const since = Date.now();
        await world.at("master-b", ["/usr/local/sbin/aerial-certificate", "renew"]);
        await fetchOnRelays();
        const took = await untilAllShow(those, before, since);
        note("a gone, b renews", "on all machines (ms)", took, limits.certificate);
        expect(took).toBeLessThanOrEqual(limits.certificate);
    } finally {
        await bootMachine(findMachine("master-a").id);
    }
    const since = Date.now();
    await untilAllShow(servants(), before, since);
    note("a boots", "takes b's certificate over (ms)", Date.now() - since, limits.certificate);
});
