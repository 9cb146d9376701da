import { StationAuthority } from "../../components/stationAuthority";
import { checkedSecrets } from "../../components/canary/parameters";
import { ConfigError } from "../../config/errors";
import { parseStation } from "../../config/station";
import { linkUser } from "../../model/links";
import { generationsAround } from "../../model/rotation";
import { isSecret, record, reveal, type Recorded } from "../support/mocks";
import { runProgram } from "../support/program";
import { readDelivery } from "../support/readDelivery";
import { newAuthority } from "../support/stationAuthorities";
import { stationConfig } from "../support/station";

/* What a rotation makes, and what machines accept meanwhile. */

/** A station with a canary and a backup, so that it has every secret that rotates. */
const station = (rotation?: object): Record<string, unknown> => ({
    ...stationConfig(),
    aws: { accountId: "123456789012", region: "eu-central-1" },
    canary: {
        zones: ["eu-central-1a", "eu-central-1b"],
        budget: { monthlyUsd: 200, emails: ["tech@radio.test"] },
    },
    backup: { protect: false },
    ...(rotation && { rotation }),
});

const passwordType = "random:index/randomPassword:RandomPassword";
const keyType = "aws:iam/accessKey:AccessKey";

interface Run {
    resources: Recorded[];
    outputs: Record<string, unknown>;
    /** Names of all resources but the stack's own, with their kind. */
    names: string[];
}

async function run(rotation?: object): Promise<Run> {
    const { resources, outputs } = await runProgram(station(rotation));
    return { resources, outputs, names: resources.map(({ type, name }) => `${type} ${name}`) };
}

function inputsOf({ resources }: Run, name: string): Record<string, unknown> {
    const found = resources.find((one) => one.name === name && !one.type.startsWith("aerial:"));
    if (!found) {
        throw new Error(`the program does not ask for ${name}`);
    }
    return found.inputs;
}

const deliveryTo = (made: Run, machine: string) =>
    readDelivery(String(reveal(inputsOf(made, `${machine}-delivery`).stdin)));

/** Names that the second run asks for and the first does not, without their kind. */
const added = (before: Run, after: Run): string[] =>
    after.names.filter((name) => !before.names.includes(name)).map((name) => name.split(" ")[1] ?? "");

let first: Run;
let second: Run;
let third: Run;
let ended: Run;

beforeAll(async () => {
    const rotated = { linkPassword: 2, authority: 2, sources: { main: { studio: 2 } }, backupKeys: 2 };
    first = await run();
    second = await run(rotated);
    third = await run({ ...rotated, linkPassword: 3, authority: 3 });
    ended = await run({ ...rotated, acceptPrevious: false });
}, 120_000);

describe("the generations around one", () => {
    it.each([
        [1, true, [1, 2]],
        [1, false, [1, 2]],
        [2, true, [1, 2, 3]],
        [2, false, [2, 3]],
        [7, true, [6, 7, 8]],
    ])("%i, with the previous one accepted: %s", (present, acceptPrevious, accepted) => {
        expect(generationsAround(present, acceptPrevious)).toEqual({ present, accepted });
    });
});

describe("raising a number", () => {
    it("from the first adds the next generation of what is accepted, and changes what ends at once", () => {
        expect(added(first, second).sort()).toEqual([
            "authority-certificate-3",
            "authority-key-3",
            "backup-reader-2",
            "backup-shows-reader-2",
            "backup-writer-2",
            "credentials-link-3",
            "credentials-main-studio-2",
            "master-a-link-certificate-2",
            "master-a-link-key-2",
            "master-a-link-request-2",
            "master-b-link-certificate-2",
            "master-b-link-key-2",
            "master-b-link-request-2",
        ]);
        expect(added(second, first).sort()).toEqual([
            "backup-reader-1",
            "backup-shows-reader-1",
            "backup-writer-1",
            "credentials-main-studio-1",
            "master-a-link-certificate-1",
            "master-a-link-key-1",
            "master-a-link-request-1",
            "master-b-link-certificate-1",
            "master-b-link-key-1",
            "master-b-link-request-1",
        ]);
    });

    it("again adds the one after, and removes the one before the previous", () => {
        const shared = (name: string) => /^(credentials-link|authority)/.test(name);
        expect(added(second, third).filter(shared).sort()).toEqual([
            "authority-certificate-4",
            "authority-key-4",
            "credentials-link-4",
        ]);
        expect(added(third, second).filter(shared).sort()).toEqual([
            "authority-certificate-1",
            "authority-key-1",
            "credentials-link-1",
        ]);
    });

    it("replaces nothing: what keeps its name keeps its inputs, deliveries and the canary's secrets apart", () => {
        const changing = /-delivery$|^canary-secrets$/;
        // The mocks count up from 1000 to give ids.
        const written = (given: unknown) => JSON.stringify(given).replace(/\b1\d{3}\b/g, "ID");
        const inputs = ({ resources }: Run) =>
            new Map(
                resources
                    .filter(({ type, name }) => !type.startsWith("aerial:") && !changing.test(name))
                    .map(({ type, name, inputs: given }) => [`${type} ${name}`, written(given)]),
            );
        const [before, after] = [inputs(first), inputs(third)];
        const kept = [...before].filter(([name]) => after.has(name));
        expect(kept.length).toBeGreaterThan(40);
        expect(kept.filter(([name, given]) => after.get(name) !== given).map(([name]) => name)).toEqual([]);
    });
});

describe("after a rotation", () => {
    it("Masters accept the previous, the present and the next link password, and pull with the present one", () => {
        const { secrets } = deliveryTo(second, "master-a");
        expect(secrets.values).toMatchObject({
            "relay.link": "relay-2:password of credentials-link-2",
            "relay.link.1": "password of credentials-link-1",
            "relay.link.2": "password of credentials-link-2",
            "relay.link.3": "password of credentials-link-3",
            "source.main.studio": "password of credentials-main-studio-2",
            "source.main.mobile": "password of credentials-main-mobile-1",
        });
    });

    it("Relays and the canary learn the present link password only", () => {
        const only = { "relay.link": "relay-2:password of credentials-link-2" };
        expect(deliveryTo(second, "relay-nyc3-1").secrets.values).toEqual(only);
        const { value } = inputsOf(second, "canary-secrets");
        expect(isSecret(value)).toBe(true);
        expect(JSON.parse(String(reveal(value)))).toMatchObject({ values: only });
    });

    it("all machines trust the previous, the present and the next CA; the present one has issued what they show", () => {
        const trusted = [1, 2, 3].map((generation) => `certificate authority-certificate-${generation}\n`);
        for (const machine of ["master-a", "master-b", "relay-nyc3-1", "relay-nyc3-2"]) {
            expect(deliveryTo(second, machine).secrets.files["ca.pem"]).toBe(trusted.join(""));
        }
        expect(inputsOf(second, "master-a-link-certificate-2")).toMatchObject({
            caCertPem: "certificate authority-certificate-2",
        });
    });

    it("the delivery of the canary is the same, so that its instances stay", () => {
        const deliveries = ({ resources }: Run) =>
            resources.filter(({ name }) => name === "canary-delivery").map(({ inputs }) => inputs);
        // Its place, and the object.
        expect(deliveries(third)).toHaveLength(2);
        expect(deliveries(third)).toEqual(deliveries(first));
    });

    it("the outputs tell a studio its new password", () => {
        expect(second.outputs.ingestPasswords).toMatchObject({
            main: { studio: "password of credentials-main-studio-2", mobile: expect.any(String) as unknown },
        });
    });

    it("which does not accept the previous ones, these are gone from every machine", () => {
        const names = ended.resources.filter(({ type }) => type === passwordType).map(({ name }) => name);
        expect(names.filter((name) => name.startsWith("credentials-link"))).toEqual([
            "credentials-link-2",
            "credentials-link-3",
        ]);
        const { values, files } = deliveryTo(ended, "master-b").secrets;
        expect(Object.keys(values).filter((name) => name.startsWith("relay."))).toEqual([
            "relay.link",
            "relay.link.2",
            "relay.link.3",
        ]);
        expect(files["ca.pem"]).toBe(
            "certificate authority-certificate-2\ncertificate authority-certificate-3\n",
        );
    });

    it("each user of the backup has one key, of the new generation", () => {
        const keys = second.resources.filter(({ type }) => type === keyType).map(({ name }) => name);
        expect(keys.sort()).toEqual(["backup-reader-2", "backup-shows-reader-2", "backup-writer-2"]);
    });
});

it("no password is in the plain inputs of any resource", () => {
    for (const { name, inputs } of third.resources) {
        const plain = JSON.stringify(inputs, (_key, value: unknown) => (isSecret(value) ? "secret" : value));
        expect([name, plain.includes("password of ")]).toEqual([name, false]);
    }
});

it("three CAs of a station with the longest name fit into the canary's parameter", async () => {
    const resources = await record(
        () =>
            new StationAuthority("authority", {
                stationName: "台".repeat(80),
                generations: generationsAround(9998, true),
            }),
    );
    const subjects = resources.flatMap(({ inputs }) =>
        inputs.isCaCertificate === true
            ? [inputs.subject as { commonName: string; organization: string }]
            : [],
    );
    expect(new Set(subjects.map(({ commonName }) => commonName)).size).toBe(3);
    const trusted = await Promise.all(subjects.map(newAuthority));
    const secrets = {
        values: { "relay.link": `${linkUser(9998)}:${"x".repeat(24)}` },
        files: { "ca.pem": trusted.map(({ certificate }) => certificate).join("") },
    };
    expect(() => checkedSecrets(JSON.stringify(secrets))).not.toThrow();
});

describe("a mistake in the rotation", () => {
    it.each([
        [{ linkPassword: 0 }, ".linkPassword is 0: use 1 or more: 1 at first, and one more at each rotation"],
        [
            { authority: 1.5 },
            ".authority is 1.5: use a whole number: 1 at first, and one more at each rotation",
        ],
        [{ backupKeys: 10_000 }, ".backupKeys is 10000: use at most 9999"],
        [{ acceptPrevious: "no" }, '.acceptPrevious is "no": use true or false'],
        [{ linkPasword: 2 }, ".linkPasword is 2: there is no such setting; check its spelling, or remove it"],
        [
            { sources: { mian: { studio: 2 } } },
            '.sources.mian is {"studio":2}: use a channel of the station: main',
        ],
        [
            { sources: { main: { stuido: 2 } } },
            ".sources.main.stuido is 2: use a source of the station: studio, mobile, airtime",
        ],
        [
            { sources: { main: { studio: "second" } } },
            '.sources.main.studio is "second": use a whole number: 1 at first, and one more at each rotation',
        ],
    ])("%j is told with its key, its value and the remedy", (rotation, expected) => {
        const parse = () => parseStation(station(rotation));
        expect(parse).toThrow(ConfigError);
        expect(parse).toThrow(`  - aerial:station.rotation${expected}`);
    });
});
