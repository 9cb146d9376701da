import * as s3 from "@pulumi/aws/s3";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import { createPrivateBucket } from "../privateBucket";
import { cleaningRule } from "../privateBucket/lifecycle";
import type { CanaryNames } from "./access";
import { deliveryKey, placeBytes, sha256 } from "./render";

export interface CanaryArtefactsArgs {
    names: CanaryNames;
    /** What instances are, as `deliveryText` makes it, without secrets. */
    delivery: pulumi.Output<string>;
}

/** How long what was overwritten or deleted stays, and the parts of a broken upload. In days. */
const keeping = { oldVersions: 90, brokenUploads: 7 };

/**
 * The bucket of artefacts, with the delivery as one object. Everything in it is made from the code, so that the bucket
 * may go with all of it.
 */
export function createArtefacts(
    name: string,
    { names, delivery }: CanaryArtefactsArgs,
    parent: pulumi.Resource,
): { key: pulumi.Output<string>; object: pulumi.Resource } {
    const { shared, versioning } = createPrivateBucket(
        `${name}-artefacts`,
        { bucketName: names.bucket, forceDestroy: true, lifecycle: [cleaningRule(keeping)] },
        parent,
    );
    // Another delivery gets another key, so that instances of an older template find theirs until the update has
    // succeeded. A part of the key is random because a delivery can come back after a failed rollout, while Pulumi still
    // has to delete its first object: that would take all versions with the same key.
    const place = new random.RandomId(
        `${name}-delivery`,
        { byteLength: placeBytes, keepers: { sha256: delivery.apply(sha256) } },
        { parent },
    );
    const key = pulumi.all([place.hex, delivery]).apply(([hex, text]) => deliveryKey(names, hex, text));
    const object = new s3.BucketObjectv2(
        `${name}-delivery`,
        { ...shared, key, content: delivery, contentType: "text/plain" },
        { parent, dependsOn: versioning },
    );
    return { key, object };
}
