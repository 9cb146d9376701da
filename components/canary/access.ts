import * as iam from "@pulumi/aws/iam";
import type * as pulumi from "@pulumi/pulumi";

import { bucketName } from "../../model/bucketNames";
import { bucketArn } from "../privateBucket/policies";

/** Names of all that an instance may use. They are known before any resource exists. */
export interface CanaryNames {
    region: string;
    accountId: string;
    /** Start of the Auto Scaling group's name, and the name of the resources that belong to it. */
    group: string;
    /** Parameter with the secrets. */
    secrets: string;
    /** Bucket of artefacts. */
    bucket: string;
    /** How the keys of deliveries in it begin. */
    deliveries: string;
    /** Parameter in which an instance says why it did not become healthy. */
    report: string;
    /** Namespace of its metrics in CloudWatch. */
    namespace: string;
}

/** The hook by which the group waits until an instance is healthy. */
export const joinHook = "join";

/** The names that belong to a station's group. @throws when S3 would not take the bucket's. */
export function canaryNames(args: {
    prefix: string;
    bucketPrefix: string;
    region: string;
    accountId: string;
}): CanaryNames {
    const { prefix, bucketPrefix, region, accountId } = args;
    return {
        ...{ region, accountId },
        group: `${prefix}-canary`,
        secrets: `/${prefix}/relay/secrets`,
        report: `/${prefix}/relay/report`,
        bucket: bucketName(bucketPrefix, "artefacts"),
        deliveries: "relay/",
        namespace: prefix,
    };
}

/**
 * All that an instance may do: read the secrets and its delivery, report why it is unhealthy, publish metrics in the station's
 * namespace, and answer its group's hook.
 *
 * Amazon has no condition that would allow an instance to answer only for itself. The account's own key for parameters
 * decrypts a SecureString, and the policy of that key allows everyone who may read the parameter.
 */
function instancePolicy(names: CanaryNames): iam.PolicyDocument {
    const parameter = (name: string): string =>
        `arn:aws:ssm:${names.region}:${names.accountId}:parameter${name}`;
    return {
        Version: "2012-10-17",
        Statement: [
            {
                Sid: "ReadOwnSecrets",
                Effect: "Allow",
                Action: ["ssm:GetParameter"],
                Resource: [parameter(names.secrets)],
            },
            {
                Sid: "ReadOwnDelivery",
                Effect: "Allow",
                Action: ["s3:GetObject"],
                // Of the launch template before, too: its instances go when new ones are in service.
                Resource: [`${bucketArn(names.bucket)}/${names.deliveries}*`],
            },
            {
                Sid: "SayWhyNotWell",
                Effect: "Allow",
                Action: ["ssm:PutParameter"],
                Resource: [parameter(names.report)],
            },
            {
                Sid: "PublishOwnMetrics",
                Effect: "Allow",
                Action: ["cloudwatch:PutMetricData"],
                // The action knows no resources, only namespaces.
                Resource: ["*"],
                Condition: { StringEquals: { "cloudwatch:namespace": names.namespace } },
            },
            {
                Sid: "AnswerToOwnGroup",
                Effect: "Allow",
                Action: ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"],
                Resource: [
                    `arn:aws:autoscaling:${names.region}:${names.accountId}:autoScalingGroup:*:` +
                        `autoScalingGroupName/${names.group}-*`,
                ],
            },
        ],
    };
}

/** The role of the group's instances. */
export function createAccess(
    name: string,
    names: CanaryNames,
    parent: pulumi.Resource,
): { profileArn: pulumi.Output<string>; policy: iam.RolePolicy } {
    const role = new iam.Role(
        `${name}-role`,
        {
            name: names.group,
            description: `Instances of ${names.group}: their own delivery, parameters, metrics and group`,
            assumeRolePolicy: {
                Version: "2012-10-17",
                Statement: [
                    {
                        Effect: "Allow",
                        Action: ["sts:AssumeRole"],
                        Principal: { Service: "ec2.amazonaws.com" },
                    },
                ],
            },
        },
        { parent },
    );
    const policy = new iam.RolePolicy(
        `${name}-policy`,
        { role: role.name, policy: instancePolicy(names) },
        { parent },
    );
    const profile = new iam.InstanceProfile(
        `${name}-profile`,
        { name: names.group, role: role.name },
        { parent },
    );
    return { profileArn: profile.arn, policy };
}
