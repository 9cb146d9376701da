import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import { decideReplacementOrder, replacementOrder } from "../../components/replacementOrder";
import { record } from "../support/mocks";

const droplet = "digitalocean:index/droplet:Droplet";

describe("the order of replacement", () => {
    it("creates a new droplet before the old one goes, unless they share a volume", () => {
        expect(replacementOrder(droplet, { name: "relay-1" })).toBe("create first");
        expect(replacementOrder(droplet, { name: "airtime", volumeIds: ["1"] })).toBe("delete first");
    });

    it("deletes the old setting of a bucket first, because deleting it later would delete the new one", () => {
        expect(replacementOrder("aws:s3/bucketPolicy:BucketPolicy", {})).toBe("delete first");
        expect(replacementOrder("aws:s3/bucket:Bucket", {})).toBe("create first");
    });

    it("is an error for a kind that is not in the table", () => {
        expect(replacementOrder("aws:rds/instance:Instance", {})).toBeUndefined();
    });
});

describe("a program with the decisions applied", () => {
    /** Options with which the engine is asked for each resource, by name. */
    async function optionsOf(build: () => void): Promise<Record<string, boolean | undefined>> {
        const seen: Record<string, boolean | undefined> = {};
        await record(() =>
            pulumi.runtime.runInPulumiStack(async () => {
                decideReplacementOrder();
                pulumi.runtime.registerStackTransformation(({ name, opts }) => {
                    seen[name] = (opts as pulumi.CustomResourceOptions).deleteBeforeReplace;
                    return undefined;
                });
                build();
                return {};
            }),
        );
        return seen;
    }

    it("tells the engine the order of every resource, and leaves nothing to a provider", async () => {
        const common = { image: "debian-13-x64", size: "s-1vcpu-1gb" };
        const order = await optionsOf(() => {
            new digitalocean.Droplet("relay", { ...common, name: "relay" });
            new digitalocean.Droplet("airtime", { ...common, name: "airtime", volumeIds: ["1"] });
            new random.RandomPassword("password", { length: 8 });
        });
        expect(order).toEqual({ relay: false, airtime: true, password: false });
    });

    it("refuses a resource whose kind has no order, and names the file to add it to", async () => {
        await optionsOf(() => {
            expect(() => new digitalocean.SpacesBucket("surprise", { region: "ams3" })).toThrow(
                /surprise is of the kind digitalocean.*components\/replacementOrder\.ts/,
            );
        });
        expect.assertions(1);
    });
});
