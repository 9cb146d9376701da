import { z } from "zod";

import { providerFunction } from "../cloud/kind";
import { backend } from "./backend";
import { sizeFacts } from "./facts";
import { text } from "./inputs";
import { droplets, reservedIps, type DropletRecord } from "./records";

/** As the API tells it: a droplet whose machine was switched off, from outside or by itself, is `off`. */
export function statusOf(droplet: DropletRecord): "new" | "active" | "off" {
    if (droplet.status === "new") {
        return "new";
    }
    return backend().isOn(droplet.id) ? "active" : "off";
}

/** A reserved address stands among a droplet's networks; see `read` of a droplet. */
function addressOf({ id, address }: DropletRecord): string {
    return reservedIps.all().find(({ dropletId }) => dropletId === id)?.ip ?? address;
}

function described(droplet: DropletRecord) {
    const { id, name, region, size, image, tags, vpcUuid, createdAt } = droplet;
    const facts = sizeFacts[size];
    return {
        ...{ id, name, region, size, image, tags, vpcUuid, createdAt },
        status: statusOf(droplet),
        ipv4Address: addressOf(droplet),
        ipv4AddressPrivate: droplet.privateAddress,
        urn: `do:droplet:${id}`,
        vcpus: facts?.vcpus,
        memory: facts?.memoryMiB,
        disk: facts?.diskGiB,
        priceMonthly: facts?.monthlyUsd,
    };
}

/**
 * The account's droplets. The provider asks for all of them and filters by itself; the lab takes the filter by tags alone
 * (digitalocean/internal/datalist/filter.go, version 2.99.1: one of the values, in a list any element).
 */
export const getDroplets = providerFunction({
    token: "digitalocean:index/getDroplets:getDroplets",
    inputs: z.strictObject({
        filters: z.array(z.strictObject({ key: z.literal("tags"), values: z.array(text).min(1) })).optional(),
    }),

    answer: async ({ filters = [] }) => ({
        id: "droplets",
        filters,
        droplets: droplets
            .all()
            .filter(({ tags }) => filters.every(({ values }) => values.some((value) => tags.includes(value))))
            .map(described),
    }),
});
