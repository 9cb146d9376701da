import { z } from "zod";

import { refuse } from "../errors";
import { architectureOf, images, maxUserDataBytes } from "../facts";
import { between, decoded, oneOf, region, tags, text } from "../inputs";
import { amazonKind } from "../kind";
import { ec2Arn, nameFrom, newId } from "../names";
import { groups, instanceProfiles, securityGroups, templates, type TemplateVersion } from "../records";

const userData = z
    .string()
    .refine((value) => decoded(value) !== undefined, {
        error: "Invalid BASE64 encoding of user data: user_data is given in base64 here",
    })
    .refine((value) => (decoded(value)?.length ?? 0) <= maxUserDataBytes, {
        error: (issue) =>
            `User data is limited to ${maxUserDataBytes} bytes before base64; these are ` +
            `${decoded(String(issue.input))?.length}`,
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
        })
        .optional(),
    blockDeviceMappings: z.array(disk).optional(),
    monitoring: z.strictObject({ enabled: z.boolean().optional() }).optional(),
    tagSpecifications: z
        .array(z.strictObject({ resourceType: oneOf(["instance", "volume", "network-interface"]), tags }))
        .optional(),
    tags: tags.optional(),
    updateDefaultVersion: z.boolean().optional(),
});
type Inputs = z.output<typeof inputs>;

/** Refuses what a launch would be refused for; Amazon says it at the first launch, or here. */
function versionFrom(given: Inputs, number: number, action: string): TemplateVersion {
    const operation = `EC2: ${action}`;
    const { imageId, instanceType } = given;
    const wanted = images[imageId];
    if (!wanted) {
        refuse(operation, "InvalidAMIID.NotFound", `The image id '[${imageId}]' does not exist`);
    }
    const architecture = architectureOf(instanceType);
    if (architecture === undefined) {
        const said = `Invalid value '${instanceType}' for InstanceType.`;
        refuse(operation, "InvalidParameterValue", said);
    }
    if (architecture !== wanted) {
        const said =
            `The architecture '${architecture}' of the specified instance type does not match the architecture ` +
            `'${wanted}' of the specified AMI. Specify an instance type and an AMI that have ` +
            "matching architectures, and try again.";
        refuse(operation, "InvalidParameterValue", said);
    }
    const missing = given.vpcSecurityGroupIds.find((id) => !securityGroups.get(id));
    if (missing !== undefined) {
        refuse(operation, "InvalidGroup.NotFound", `The security group '${missing}' does not exist`);
    }
    const instanceTags = given.tagSpecifications?.find(({ resourceType }) => resourceType === "instance");
    return {
        ...{ number, imageId, instanceType, userData: given.userData ?? "" },
        securityGroupIds: given.vpcSecurityGroupIds,
        profile: profileOf(given, operation),
        metadataHops: given.metadataOptions?.httpPutResponseHopLimit ?? 1,
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
        const said = `Value (${given}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`;
        refuse(operation, "InvalidParameterValue", said);
    }
    return found.name;
}

/** What makes a new version when it changes: all but names, the template's own tags, and which version is default. */
function contentOf(given: Inputs): string {
    const { name: _, namePrefix: __, tags: ___, updateDefaultVersion: ____, ...content } = given;
    return JSON.stringify(content);
}

export const launchTemplate = amazonKind({
    type: "aws:ec2/launchTemplate:LaunchTemplate",
    title: "EC2 Launch Template",
    inputs,
    sets: ["vpcSecurityGroupIds"],
    records: templates,
    idOf: ({ id }) => id,

    make(given, { urn }) {
        const name = given.name ?? nameFrom(given.namePrefix);
        const action = "CreateLaunchTemplate";
        if (templates.all().some((other) => other.name === name)) {
            const code = "InvalidLaunchTemplateName.AlreadyExistsException";
            refuse(`EC2: ${action}`, code, "Launch template name already in use.");
        }
        const versions = [versionFrom(given, 1, action)];
        return { urn, region: given.region, id: newId("lt"), name, defaultVersion: 1, versions };
    },

    change(record, given, { before }) {
        if (contentOf(before) === contentOf(given)) {
            return record;
        }
        const next = (record.versions.at(-1)?.number ?? 0) + 1;
        return {
            ...record,
            versions: [...record.versions, versionFrom(given, next, "CreateLaunchTemplateVersion")],
            defaultVersion: given.updateDefaultVersion ? next : record.defaultVersion,
        };
    },

    outputs: ({ id, region, name, versions, defaultVersion }, _, account) => ({
        ...{ name, arn: ec2Arn("launch-template", region, account, id) },
        ...{ latestVersion: versions.at(-1)?.number, defaultVersion },
    }),

    checkDelete(id) {
        const user = groups.all().find(({ templateId }) => templateId === id);
        if (user) {
            // Amazon lets it go, and the group fails at its next launch.
            throw new Error(`launch template ${id} is still used by the group ${user.name}`);
        }
    },
});
