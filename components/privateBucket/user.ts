import * as iam from "@pulumi/aws/iam";
import * as pulumi from "@pulumi/pulumi";

import type { PolicyDocument } from "./policies";

/** What a machine speaks to S3 with. */
export interface S3Key {
    /** Public half, `AKIA…`. */
    id: pulumi.Output<string>;
    secret: pulumi.Output<string>;
}

export interface S3UserArgs {
    /** Amazon's name of the user. */
    userName: string;
    /** All that it may do. */
    policy: PolicyDocument;
    /** Generation of its key, 1 or more. Another number makes a new key; the old one goes when machines have that. */
    keyGeneration: number;
}

/** A user with one purpose, and its key. All of it are children of `parent`. */
export function createS3User(name: string, args: S3UserArgs, parent: pulumi.Resource): S3Key {
    const user = new iam.User(name, { name: args.userName }, { parent });
    const rights = new iam.UserPolicy(
        name,
        { user: user.name, policy: JSON.stringify(args.policy) },
        { parent },
    );
    const key = new iam.AccessKey(
        `${name}-${args.keyGeneration}`,
        { user: user.name },
        // A key that is handed out can do its work.
        { parent, dependsOn: rights },
    );
    return { id: key.id, secret: pulumi.secret(key.secret) };
}
