import * as pulumi from "@pulumi/pulumi";

import { Airtime, type AirtimeArgs } from "../../components/airtime";
import { StationCredentials } from "../../components/stationCredentials";
import { StationNetwork } from "../../components/stationNetwork";
import { airtimePlan } from "../support/airtimePlan";
import { isSecret, record, reveal, type Recorded } from "../support/mocks";
import { filesOf, readDelivery } from "../support/readDelivery";

const backup: NonNullable<AirtimeArgs["backup"]> = {
    region: "eu-central-1",
    showsBucket: "radio-test-shows",
    archiveBucket: "radio-test-archive",
    recipient: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Jd0Yk0xkOZmeq3P1hCMxgL3Fk1gBkL0hJ0V1o7u3m",
    writer: { id: "AKIAWRITER", secret: "writer's secret" },
    reader: { id: "AKIAREADER", secret: "reader's secret" },
    keyGeneration: 1,
    privateKey: "private key of dumps",
};

let libraries: Record<string, string> = {};

function create(change: Partial<AirtimeArgs> = {}): Promise<Recorded[]> {
    const { channels, sourceName, stationName, timeZone } = airtimePlan();
    return record(() => {
        const network = new StationNetwork("network", {
            stack: "test",
            regions: ["fra1"],
            sshAllowedFrom: ["203.0.113.0/24"],
            authorizedKeys: [],
        });
        const sources = ["studio", "airtime"].map((name) => ({ name, title: name }));
        const airtime = new Airtime("airtime", {
            region: "fra1",
            size: "s-2vcpu-2gb",
            software: "playlist",
            stationName,
            channels,
            sourceName,
            masters: [{ id: "a", host: pulumi.output("198.19.0.1"), port: 8000 }],
            volumeGiB: 100,
            timeZone,
            protect: true,
            replacementWaits: false,
            network,
            credentials: new StationCredentials("credentials", {
                channels,
                sources,
                linkGenerations: { present: 1, accepted: [1, 2] },
                sourceGenerations: { jazz: { airtime: 3 } },
            }),
            ...change,
        });
        libraries = airtime.libraries;
    });
}

function inputs(resources: Recorded[], name: string): Record<string, unknown> {
    const found = resources.filter(
        (resource) => resource.name === name && !resource.type.startsWith("aerial:"),
    );
    expect(found).toHaveLength(1);
    return found[0]?.inputs ?? {};
}

describe("Airtime", () => {
    it("keeps shows and database on a volume of its own, which its droplet is given", async () => {
        const resources = await create();
        expect(inputs(resources, "airtime-volume")).toEqual({
            name: "aerial-test-airtime",
            region: "fra1",
            size: 100,
            // Nothing that would replace it, and what is on it, when its words change.
            initialFilesystemType: "ext4",
        });
        const droplet = inputs(resources, "airtime");
        expect(droplet.gracefulShutdown).toBe(true);
        expect(droplet.volumeIds).toEqual([expect.stringMatching(/^\d+$/)]);
        expect(libraries).toEqual({
            main: "/mnt/aerial_test_airtime/library/main",
            jazz: "/mnt/aerial_test_airtime/library/jazz",
        });
    });

    it("is open to nobody but engineers", async () => {
        const { inboundRules } = inputs(await create(), "airtime-firewall") as {
            inboundRules: { portRange?: string; sourceAddresses: string[] }[];
        };
        expect(inboundRules.map(({ portRange, sourceAddresses }) => [portRange, sourceAddresses])).toEqual([
            ["22", ["203.0.113.0/24"]],
            ["2222", ["203.0.113.0/24"]],
            [undefined, ["0.0.0.0/0", "::/0"]],
        ]);
    });

    it("gets the passwords of its own source and no other, and the keys of its backup", async () => {
        const { stdin } = inputs(await create({ backup }), "airtime-delivery");
        expect(isSecret(stdin)).toBe(true);
        expect(readDelivery(String(reveal(stdin))).secrets).toEqual({
            values: {
                "source.main.airtime": "password of credentials-main-airtime-1",
                "source.jazz.airtime": "password of credentials-jazz-airtime-3",
                "backup.writer.id": "AKIAWRITER",
                "backup.writer.secret": "writer's secret",
                "backup.reader.id": "AKIAREADER",
                "backup.reader.secret": "reader's secret",
            },
            files: { "backup.key": "private key of dumps" },
        });
    });

    it("is changed in place when its backup changes: the playout goes on, and its volume stays where it is", async () => {
        const made = [];
        for (const access of [backup, { ...backup, showsBucket: "other-shows" }]) {
            const resources = await create({ backup: access });
            const files = filesOf(String(reveal(inputs(resources, "airtime-delivery").stdin)));
            expect(files["/etc/aerial/backup.json"]).toContain(access.showsBucket);
            made.push({ droplet: reveal(inputs(resources, "airtime").userData), files });
        }
        expect(made[0]?.droplet).toBe(made[1]?.droplet);
        expect(made[0]?.files).not.toEqual(made[1]?.files);
        const texts = made.flatMap(({ droplet, files }) => [String(droplet), ...Object.values(files)]);
        expect(texts.filter((text) => /(writer|reader)'s secret|AKIA/.test(text))).toEqual([]);
    });

    it("refuses a source that the station does not have", async () => {
        await expect(create({ sourceName: "automation" })).rejects.toThrow(
            /no source automation of channel main/,
        );
    });
});
