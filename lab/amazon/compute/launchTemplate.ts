import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { instanceProfiles } from "../iam/cloud";
import { accountFor } from "../settings";
import { AwsError, doing, nameFrom, newId } from "./api";
import { securityGroups, templates, type TemplateRecord, type TemplateVersion } from "./cloud";
import { architectureOf, images, maxUserDataBytes } from "./facts";
import { groups } from "./groups";
import { between, decoded, oneOf, region, tags, text } from "./inputs";

const userData = z
    .string()
    .refine((value) => decoded(value) !== undefined, {
        error: "Invalid BASE64 encoding of user data: user_data is given in base64 here",
    })
    .refine((value) => (decoded(value) ?? Buffer.alloc(0)).length <= maxUserDataBytes, {
        error: (issue) =>
            `User data is limited to ${maxUserDataBytes} bytes before base64; these are ` +
            `${(decoded(String(issue.input)) ?? Buffer.alloc(0)).length}`,
    });

const disk = z.strictObject({
    deviceName: text,
    ebs: z.strictObject({
        deleteOnTermination: oneOf(["true", "false"]).optional(),
        encrypted: oneOf(["true", "false"]).optional(),
        volumeSize: between(1, 16_384).optional(),
        volumeType: oneOf(["gp2", "gp3"]).optional(),
    }),
});

const inputs = z.strictObject({
    region,
    name: z
        .string()
        .regex(/^[a-zA-Z0-9()./_-]{3,128}$/, "can only contain alphanumeric characters and ()./-_")
        .optional(),
    namePrefix: z.string().min(1).max(99).optional(),
    description: z.string().max(255).optional(),
    imageId: z.string().regex(/^ami-[0-9a-z]+$/, "expected an AMI's id, such as ami-0123456789abcdef0"),
    instanceType: text,
    userData: userData.optional(),
    vpcSecurityGroupIds: z.array(text).default([]),
    iamInstanceProfile: z.strictObject({ arn: text.optional(), name: text.optional() }).optional(),
    metadataOptions: z
        .strictObject({
            httpEndpoint: z
                .literal("enabled", { error: "the lab's metadata service is always there" })
                .optional(),
            httpTokens: z
                .literal("required", { error: "the lab's metadata service answers by tokens (IMDSv2) only" })
                .optional(),
            httpPutResponseHopLimit: between(1, 64).optional(),
            httpProtocolIpv6: oneOf(["disabled"]).optional(),
            instanceMetadataTags: oneOf(["enabled", "disabled"]).optional(),
        })
        .optional(),
    blockDeviceMappings: z.array(disk).optional(),
    creditSpecification: z
        .strictObject({ cpuCredits: oneOf(["standard", "unlimited"]).optional() })
        .optional(),
    monitoring: z.strictObject({ enabled: z.boolean().optional() }).optional(),
    ebsOptimized: oneOf(["true", "false"]).optional(),
    instanceInitiatedShutdownBehavior: oneOf(["terminate", "stop"]).optional(),
    tagSpecifications: z
        .array(z.strictObject({ resourceType: oneOf(["instance", "volume", "network-interface"]), tags }))
        .optional(),
    tags: tags.optional(),
    updateDefaultVersion: z.boolean().optional(),
});
type Inputs = z.output<typeof inputs>;

/** Refuses what a launch would be refused for; Amazon says it at the first launch, or here. */
function versionFrom(given: Inputs, number: number, operation: string): TemplateVersion {
    const image = images[given.imageId];
    if (!image) {
        throw new AwsError(
            operation,
            "InvalidAMIID.NotFound",
            `The image id '[${given.imageId}]' does not exist`,
        );
    }
    const architecture = architectureOf(given.instanceType);
    if (architecture === undefined) {
        throw new AwsError(
            operation,
            "InvalidParameterValue",
            `Invalid value '${given.instanceType}' for InstanceType.`,
        );
    }
    if (architecture !== image.architecture) {
        throw new AwsError(
            operation,
            "InvalidParameterValue",
            `The architecture '${architecture}' of the specified instance type does not match the architecture ` +
                `'${image.architecture}' of the specified AMI. Specify an instance type and an AMI that have ` +
                "matching architectures, and try again.",
        );
    }
    for (const id of given.vpcSecurityGroupIds) {
        if (!securityGroups.get(id)) {
            throw new AwsError(
                operation,
                "InvalidGroup.NotFound",
                `The security group '${id}' does not exist`,
            );
        }
    }
    const instanceTags = given.tagSpecifications?.find(({ resourceType }) => resourceType === "instance");
    return {
        number,
        imageId: given.imageId,
        instanceType: given.instanceType,
        userData: given.userData ?? "",
        securityGroupIds: given.vpcSecurityGroupIds,
        profile: profileOf(given, operation),
        metadataHops: given.metadataOptions?.httpPutResponseHopLimit ?? 1,
        metadataTags: given.metadataOptions?.instanceMetadataTags === "enabled",
        tags: instanceTags?.tags ?? {},
    };
}

function profileOf({ iamInstanceProfile: wanted }: Inputs, operation: string): string | undefined {
    if (wanted === undefined) {
        return undefined;
    }
    const given = wanted.name ?? wanted.arn;
    const found = instanceProfiles.all().find(({ name, arn }) => given === name || given === arn);
    if (!found) {
        throw new AwsError(
            operation,
            "InvalidParameterValue",
            `Value (${given}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`,
        );
    }
    return found.name;
}

function outputsOf(template: TemplateRecord, given: Inputs, account: string) {
    return {
        name: template.name,
        arn: `arn:aws:ec2:${template.region}:${account}:launch-template/${template.id}`,
        latestVersion: template.versions.at(-1)?.number,
        defaultVersion: template.defaultVersion,
        tagsAll: given.tags ?? {},
    };
}

export const launchTemplate = resourceKind({
    type: "aws:ec2/launchTemplate:LaunchTemplate",
    inputs,
    fromProvider: ["region"],
    sets: ["vpcSecurityGroupIds"],

    create: (given, context) =>
        doing("creating EC2 Launch Template", () =>
            exclusively(async () => {
                const operation = "EC2: CreateLaunchTemplate";
                const name = given.name ?? nameFrom(given.namePrefix ?? "terraform-");
                if (templates.all().some((other) => other.name === name)) {
                    throw new AwsError(
                        operation,
                        "InvalidLaunchTemplateName.AlreadyExistsException",
                        `Launch template name already in use.`,
                    );
                }
                const id = newId("lt");
                const { urn } = context;
                const versions = [versionFrom(given, 1, operation)];
                const record = { urn, region: given.region, id, name, defaultVersion: 1, versions };
                templates.put(id, record);
                return { id, outputs: outputsOf(record, given, accountFor(context)) };
            }),
        ),

    read: async ({ id, outputs }) => {
        const template = templates.get(id);
        return template && { ...outputs, latestVersion: template.versions.at(-1)?.number };
    },

    update: ({ id, inputs: before }, given, context) =>
        doing(`updating EC2 Launch Template (${id})`, () =>
            exclusively(async () => {
                const record = templates.get(id);
                const operation = "EC2: CreateLaunchTemplateVersion";
                if (!record) {
                    throw new AwsError(
                        operation,
                        "InvalidLaunchTemplateId.NotFound",
                        `The specified launch template, with template ID ${id}, does not exist.`,
                    );
                }
                const changed = { ...record, versions: [...record.versions] };
                const next = (record.versions.at(-1)?.number ?? 0) + 1;
                if (contentOf(before) !== contentOf(given)) {
                    changed.versions.push(versionFrom(given, next, operation));
                    if (given.updateDefaultVersion) {
                        changed.defaultVersion = next;
                    }
                }
                templates.put(id, changed);
                return outputsOf(changed, given, accountFor(context));
            }),
        ),

    delete: ({ id }) =>
        doing(`deleting EC2 Launch Template (${id})`, async () => {
            const user = groups.all().find(({ templateId }) => templateId === id);
            if (user) {
                // Amazon lets it go, and the group fails at its next launch.
                throw new Error(`launch template ${id} is still used by the group ${user.name}`);
            }
            templates.remove(id);
        }),
});

/** What makes a new version when it changes: all but names, the template's own tags, and which version is default. */
function contentOf(given: Inputs): string {
    const { name: _, namePrefix: __, tags: ___, updateDefaultVersion: ____, ...content } = given;
    return JSON.stringify(content);
}
