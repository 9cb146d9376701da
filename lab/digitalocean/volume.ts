import { randomUUID } from "node:crypto";

import { z } from "zod";

import { resourceKind } from "../cloud/kind";
import { exclusively } from "../cloud/records";
import { ApiError, changing, doing, notFound } from "./api";
import { backend } from "./backend";
import { checkRegion, maxDropletVolumes, volumeSizeGiB } from "./facts";
import { oneOf, tags, text } from "./inputs";
import { droplets, volumes, type DropletRecord, type VolumeRecord } from "./records";

/* Block storage: a disk that outlives the droplets it is attached to, one at a time. */

const inputs = z.strictObject({
    name: text,
    region: text,
    /** In GiB. */
    size: z.int("expected a whole number of GiB"),
    description: text.optional(),
    initialFilesystemType: oneOf(["ext4", "xfs"]).optional(),
    initialFilesystemLabel: text.optional(),
    tags: tags.optional(),
});

type Inputs = z.output<typeof inputs>;

const create = "POST /v2/volumes";

function admit(given: Inputs): void {
    checkRegion(given.region, create);
    if (!/^[a-z][a-z0-9-]{0,63}$/.test(given.name)) {
        throw new ApiError(
            422,
            create,
            "name must be lowercase and be composed only of numbers, letters and '-', up to a limit of 64 " +
                "characters. The name must begin with a letter",
        );
    }
    checkSize(given.size, create);
    // The limits of the two file systems' labels, in bytes.
    const label = given.initialFilesystemType === "xfs" ? 12 : 16;
    if ((given.initialFilesystemLabel ?? "").length > label) {
        throw new ApiError(422, create, `filesystem label may have ${label} characters at most`);
    }
    if (volumes.all().some(({ name, region }) => name === given.name && region === given.region)) {
        throw new ApiError(409, create, "already exists");
    }
}

function checkSize(sizeGiB: number, request: string): void {
    const { minimum, maximum } = volumeSizeGiB;
    if (sizeGiB < minimum || sizeGiB > maximum) {
        throw new ApiError(422, request, `size_gigabytes must be between ${minimum} and ${maximum}`);
    }
}

function outputsOf(volume: VolumeRecord) {
    return {
        size: volume.sizeGiB,
        tags: volume.tags,
        volumeUrn: `do:volume:${volume.id}`,
        dropletIds: volume.dropletId === undefined ? [] : [volume.dropletId],
        filesystemType: volume.filesystem,
        filesystemLabel: volume.label,
    };
}

/**
 * The volumes that a new droplet is to have; each must be free and in its region. Nothing is attached yet. Call it
 * within `exclusively`.
 */
export function freeVolumes(ids: readonly string[], region: string, request: string): VolumeRecord[] {
    const found = ids.map((id) => volumes.get(id));
    const usable = found.filter(
        (volume) => volume !== undefined && volume.region === region && volume.dropletId === undefined,
    );
    if (usable.length < ids.length || ids.length > maxDropletVolumes) {
        // One message for all of it, as there.
        throw new ApiError(422, request, "Invalid volume allocations");
    }
    return found.filter((volume) => volume !== undefined);
}

/** Volumes that are attached to a droplet, by name. */
export function volumesOf(dropletId: number): VolumeRecord[] {
    return volumes
        .all()
        .filter((volume) => volume.dropletId === dropletId)
        .sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * Records that a droplet has these volumes and no others. Call it within `exclusively`.
 *
 * @param unmounted whether the droplet has let go of those that it loses, because it was shut down.
 */
export function recordVolumes(dropletId: number, ids: readonly string[], unmounted = false): void {
    for (const volume of volumes.all()) {
        const wanted = ids.includes(volume.id);
        if (wanted && volume.dropletId !== dropletId) {
            volumes.put(volume.id, { ...volume, dropletId });
        } else if (!wanted && volume.dropletId === dropletId) {
            volumes.put(volume.id, { ...volume, dropletId: undefined, clean: unmounted });
        }
    }
}

/** Attaches and detaches volumes of a droplet that runs. Call it within `exclusively`. */
export async function changeVolumes(droplet: DropletRecord, ids: readonly string[]): Promise<void> {
    const present = volumesOf(droplet.id).map((volume) => volume.id);
    const added = ids.filter((id) => !present.includes(id));
    if (added.length === 0 && present.every((id) => ids.includes(id))) {
        return;
    }
    for (const id of added) {
        const request = `POST /v2/volumes/${id}/actions`;
        const volume = volumes.get(id);
        if (!volume) {
            throw notFound(request);
        }
        if (volume.dropletId !== undefined) {
            throw new ApiError(422, request, "This volume is already attached to another Droplet");
        }
        if (volume.region !== droplet.region) {
            throw new ApiError(422, request, "Droplet and volume must be in the same region");
        }
    }
    await backend().changeVolumes(droplet);
    recordVolumes(droplet.id, ids);
}

/** Takes a volume away with what is on it. */
export async function removeVolume(id: string): Promise<void> {
    await exclusively(async () => {
        const volume = volumes.get(id);
        if (volume?.dropletId !== undefined && droplets.get(String(volume.dropletId))) {
            throw new ApiError(
                409,
                `DELETE /v2/volumes/${id}`,
                "A volume that's attached to a Droplet cannot be deleted. Please detach it first before deleting.",
            );
        }
        await backend().destroyVolume(id);
        volumes.remove(id);
    });
}

export const volume = resourceKind({
    type: "digitalocean:index/volume:Volume",
    inputs,
    sets: ["tags"],

    create: (given, { urn }) =>
        changing("creating Volume", async () => {
            admit(given);
            const record: VolumeRecord = {
                urn,
                id: randomUUID(),
                name: given.name,
                region: given.region,
                sizeGiB: given.size,
                filesystem: given.initialFilesystemType ?? "",
                label: given.initialFilesystemLabel ?? "",
                tags: given.tags ?? [],
                clean: true,
            };
            await backend().createVolume(record);
            volumes.put(record.id, record);
            return { id: record.id, outputs: outputsOf(record) };
        }),

    read: async ({ id }) => {
        const record = volumes.get(id);
        return record && outputsOf(record);
    },

    update: ({ id }, given) =>
        changing("updating Volume", async () => {
            const request = `POST /v2/volumes/${id}/actions`;
            const record = volumes.get(id);
            if (!record) {
                throw notFound(request);
            }
            if (given.size < record.sizeGiB) {
                throw new Error("volumes `size` can only be expanded and not shrunk");
            }
            checkSize(given.size, request);
            const changed = { ...record, sizeGiB: given.size, tags: given.tags ?? [] };
            volumes.put(id, changed);
            return outputsOf(changed);
        }),

    delete: ({ id }) => doing("deleting Volume", () => removeVolume(id)),
});
