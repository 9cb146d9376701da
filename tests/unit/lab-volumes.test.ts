import "./ownRecordLab";

import { rmSync } from "node:fs";

import { labFolder } from "../../lab/paths";
import { digitalocean } from "../../lab/digitalocean";
import { droplets, volumes } from "../../lab/digitalocean/records";
import type { ResourceKind } from "../../lab/cloud/kind";
import { sweep } from "../../lab/engine/sweep";

/* Volumes of the lab's DigitalOcean, in record mode: what is refused, and that they outlive droplets. */

afterAll(() => rmSync(labFolder, { recursive: true, force: true }));
afterEach(() => sweep(new Set()));

const context = { urn: "urn:test", name: "test", log: () => undefined };

type Given = Record<string, unknown>;

function kind(name: string): ResourceKind {
    const found = digitalocean.kinds.find(({ type }) => type.endsWith(`:${name}`));
    if (!found) {
        throw new Error(`there is no ${name}`);
    }
    return found;
}

const volumeOf = (changes: Given = {}) => ({
    name: "shows-1",
    region: "ams3",
    size: 100,
    initialFilesystemType: "ext4",
    ...changes,
});
const dropletOf = (changes: Given = {}) => ({
    name: "airtime",
    image: "debian-13-x64",
    size: "s-1vcpu-1gb",
    region: "ams3",
    ...changes,
});

const createVolume = (changes: Given = {}) => kind("Volume").create(volumeOf(changes), context);
const createDroplet = (changes: Given = {}) => kind("Droplet").create(dropletOf(changes), context);

describe("a volume", () => {
    test.each([
        ["an unknown region", { region: "atlantis1" }, /422 .*region is invalid/],
        ["a closed region", { region: "sfo1" }, /422 .*region is invalid/],
        ["a name with capitals", { name: "Shows" }, /422 .*name must be lowercase/],
        ["a name that starts with a digit", { name: "1shows" }, /422 .*must begin with a letter/],
        ["a name of 65 characters", { name: "a".repeat(65) }, /422 .*up to a limit of 64/],
        ["no room", { size: 0 }, /422 .*between 1 and 16384/],
        ["more than 16 TiB", { size: 16_385 }, /422 .*between 1 and 16384/],
        ["a label too long", { initialFilesystemLabel: "a".repeat(17) }, /422 .*label/],
    ])("is refused with %s", async (_, change, reason) => {
        await expect(createVolume(change)).rejects.toThrow(reason);
        expect(volumes.all()).toEqual([]);
    });

    it("is refused by a name that the region has already", async () => {
        await createVolume();
        await expect(createVolume()).rejects.toThrow(/409 .*already exists/);
        await expect(createVolume({ region: "fra1" })).resolves.toMatchObject({});
    });

    it("grows in place, and never shrinks", async () => {
        const { id, outputs } = await createVolume();
        const existing = { id, inputs: volumeOf(), outputs };
        const grown = await kind("Volume").update(existing, volumeOf({ size: 200 }), context);
        expect(grown).toMatchObject({ size: 200, volumeUrn: `do:volume:${id}` });
        await expect(kind("Volume").update(existing, volumeOf({ size: 50 }), context)).rejects.toThrow(
            /expanded and not shrunk/,
        );
    });
});

describe("a droplet with a volume", () => {
    it("has it alone, and gives it back when it goes", async () => {
        const { id } = await createVolume();
        const first = await createDroplet({ volumeIds: [id] });
        expect(first.outputs.volumeIds).toEqual([id]);
        expect(volumes.get(id)?.dropletId).toBe(Number(first.id));
        await expect(createDroplet({ name: "second", volumeIds: [id] })).rejects.toThrow(
            /422 .*Invalid volume allocations/,
        );
        expect(droplets.all()).toHaveLength(1);
        await kind("Droplet").delete({ id: first.id, inputs: dropletOf(), outputs: {} }, context);
        expect(volumes.get(id)?.dropletId).toBeUndefined();
        await expect(createDroplet({ volumeIds: [id] })).resolves.toMatchObject({});
    });

    it("is refused with one of another region, or that nobody has", async () => {
        const { id } = await createVolume({ region: "fra1" });
        for (const wrong of [id, "00000000-0000-4000-8000-000000000000"]) {
            await expect(createDroplet({ volumeIds: [wrong] })).rejects.toThrow(/Invalid volume allocations/);
        }
    });

    it("keeps the volume from being deleted", async () => {
        const { id, outputs } = await createVolume();
        const droplet = await createDroplet({ volumeIds: [id] });
        const existing = { id, inputs: volumeOf(), outputs };
        await expect(kind("Volume").delete(existing, context)).rejects.toThrow(
            /409 .*A volume that's attached to a Droplet cannot be deleted/,
        );
        await kind("Droplet").delete({ id: droplet.id, inputs: dropletOf(), outputs: {} }, context);
        await kind("Volume").delete(existing, context);
        expect(volumes.all()).toEqual([]);
    });

    it("takes and gives back volumes in place, and is not replaced for them", async () => {
        const { id } = await createVolume();
        const { id: other } = await createVolume({ name: "shows-2" });
        const droplet = await createDroplet({ volumeIds: [id] });
        const existing = { id: droplet.id, inputs: dropletOf({ volumeIds: [id] }), outputs: droplet.outputs };
        const changed = await kind("Droplet").update(existing, dropletOf({ volumeIds: [other] }), context);
        expect(changed.volumeIds).toEqual([other]);
        expect(volumes.get(id)?.dropletId).toBeUndefined();
        const second = await createDroplet({ name: "second", volumeIds: [id] });
        await expect(
            kind("Droplet").update(existing, dropletOf({ volumeIds: [other, id] }), context),
        ).rejects.toThrow(/already attached to another Droplet/);
        expect(second.outputs.volumeIds).toEqual([id]);
        expect(kind("Droplet").behaviour.replaceOn).not.toContain("volumeIds");
    });

    it("of an interrupted run goes before its volume when the lab tidies up", async () => {
        const { id } = await createVolume();
        const kept = await createVolume({ name: "kept" });
        await createDroplet({ volumeIds: [id] });
        await sweep(new Set([`digitalocean:index/volume:Volume ${kept.id}`]));
        expect(droplets.all()).toEqual([]);
        expect(volumes.all().map((volume) => volume.name)).toEqual(["kept"]);
    });
});
