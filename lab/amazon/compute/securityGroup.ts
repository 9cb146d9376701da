import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { accountFor } from "../settings";
import { AwsError, doing, nameFrom, newId } from "./api";
import { securityGroups, securityRules, templates, vpcs, type SecurityRuleRecord } from "./cloud";
import { instances, loadBalancers } from "./groups";
import { cidr, region, tags, text } from "./inputs";

/** How long a group's removal waits for instances that are going, in ms; the real provider waits 15 minutes. */
const unusedWaitMs = 120_000;

const allowedCharacters = /^[0-9A-Za-z_ .:/()#,@[\]+=&;{}!$*-]*$/;

export const securityGroup = resourceKind({
    type: "aws:ec2/securityGroup:SecurityGroup",
    inputs: z.strictObject({
        region,
        name: z
            .string()
            .min(1)
            .max(255)
            .regex(/^(?!sg-)/, "cannot begin with sg-")
            .optional(),
        namePrefix: z.string().min(1).max(229).optional(),
        description: z
            .string()
            .max(255)
            .regex(allowedCharacters, "Invalid characters in the description of a security group")
            .default("Managed by Pulumi"),
        vpcId: text,
        revokeRulesOnDelete: z.boolean().optional(),
        tags: tags.optional(),
    }),
    fromProvider: ["region"],

    create: (given, context) =>
        doing("creating Security Group", () =>
            exclusively(async () => {
                const operation = "EC2: CreateSecurityGroup";
                const name = given.name ?? nameFrom(given.namePrefix ?? "terraform-");
                if (!vpcs.get(given.vpcId)) {
                    throw new AwsError(
                        operation,
                        "InvalidVpcID.NotFound",
                        `The vpc ID '${given.vpcId}' does not exist`,
                    );
                }
                const neighbours = securityGroups.all().filter(({ vpcId }) => vpcId === given.vpcId);
                if (neighbours.some((other) => other.name === name)) {
                    throw new AwsError(
                        operation,
                        "InvalidGroup.Duplicate",
                        `The security group '${name}' already exists for VPC '${given.vpcId}'`,
                    );
                }
                const id = newId("sg");
                securityGroups.put(id, {
                    ...{ urn: context.urn, region: given.region, id, vpcId: given.vpcId, name },
                });
                const account = accountFor(context);
                const arn = `arn:aws:ec2:${given.region}:${account}:security-group/${id}`;
                return { id, outputs: { arn, name, ownerId: account, tagsAll: given.tags ?? {} } };
            }),
        ),

    read: async ({ id, outputs }) => (securityGroups.get(id) ? outputs : undefined),
    update: async (_, given) => ({ tagsAll: given.tags ?? {} }),

    delete: ({ id }) =>
        doing(`deleting Security Group (${id})`, async () => {
            const deadline = Date.now() + unusedWaitMs;
            while (isUsed(id)) {
                if (Date.now() > deadline) {
                    throw new AwsError(
                        "EC2: DeleteSecurityGroup",
                        "DependencyViolation",
                        `resource ${id} has a dependent object`,
                    );
                }
                await sleep(200);
            }
            await removeSecurityGroup(id);
        }),
});

/** Whether an instance or balancer has the group, or a rule of another names it. */
function isUsed(id: string): boolean {
    return (
        loadBalancers.all().some(({ securityGroupIds }) => securityGroupIds.includes(id)) ||
        securityRules.all().some((rule) => rule.peerGroupId === id && rule.groupId !== id) ||
        instances.all().some((instance) => {
            const template = templates.get(instance.templateId);
            const version = template?.versions.find(({ number }) => number === instance.templateVersion);
            return version?.securityGroupIds.includes(id) ?? false;
        })
    );
}

/** Removes a group with its rules. */
export async function removeSecurityGroup(id: string): Promise<void> {
    await exclusively(async () => {
        for (const rule of securityRules.all().filter(({ groupId }) => groupId === id)) {
            securityRules.remove(rule.id);
        }
        securityGroups.remove(id);
    });
}

const ruleInputs = z.strictObject({
    region,
    securityGroupId: text,
    ipProtocol: z.enum(["tcp", "udp", "icmp", "-1"], {
        error: (issue) => `Invalid value '${String(issue.input)}' for IP protocol.`,
    }),
    fromPort: z.int().min(-1).max(65_535).optional(),
    toPort: z.int().min(-1).max(65_535).optional(),
    cidrIpv4: cidr.optional(),
    cidrIpv6: z.string().optional(),
    referencedSecurityGroupId: text.optional(),
    description: z.string().max(255).regex(allowedCharacters, "Invalid rule description").optional(),
    tags: tags.optional(),
});
type RuleInputs = z.output<typeof ruleInputs>;

/** Refuses what the API does; gives the rule without its id. */
function admit(given: RuleInputs, direction: SecurityRuleRecord["direction"], urn: string) {
    const word = direction === "ingress" ? "Ingress" : "Egress";
    const operation = `EC2: AuthorizeSecurityGroup${word}`;
    const peers = [given.cidrIpv4, given.cidrIpv6, given.referencedSecurityGroupId].filter(
        (peer) => peer !== undefined,
    );
    if (peers.length !== 1) {
        throw new Error(
            "Invalid Attribute Combination: exactly one of cidr_ipv4, cidr_ipv6, referenced_security_group_id " +
                `must be specified; there are ${peers.length}`,
        );
    }
    const { fromPort = -1, toPort = -1 } = given;
    if (given.ipProtocol === "-1") {
        if (given.fromPort !== undefined || given.toPort !== undefined) {
            throw new AwsError(
                operation,
                "InvalidParameterValue",
                "You may not specify all (-1) protocols with specific ports.",
            );
        }
    } else if (given.fromPort === undefined || given.toPort === undefined) {
        throw new AwsError(
            operation,
            "InvalidParameterValue",
            `Invalid value for portRange. Must specify both from and to ports with ${given.ipProtocol.toUpperCase()}.`,
        );
    } else if (given.ipProtocol !== "icmp" && (fromPort < 0 || toPort < fromPort)) {
        throw new AwsError(
            operation,
            "InvalidParameterValue",
            `Invalid TCP/UDP port range (${fromPort}:${toPort})`,
        );
    }
    for (const id of [given.securityGroupId, given.referencedSecurityGroupId]) {
        if (id !== undefined && !securityGroups.get(id)) {
            throw new AwsError(
                operation,
                "InvalidGroup.NotFound",
                `The security group '${id}' does not exist`,
            );
        }
    }
    return {
        ...{ urn, region: given.region, direction, groupId: given.securityGroupId },
        ...{ protocol: given.ipProtocol, fromPort, toPort },
        cidr: given.cidrIpv4 ?? given.cidrIpv6,
        peerGroupId: given.referencedSecurityGroupId,
    };
}

function subjectOf(rule: Omit<SecurityRuleRecord, "id">): string {
    const { direction, groupId, protocol, fromPort, toPort, peerGroupId } = rule;
    return JSON.stringify([direction, groupId, protocol, fromPort, toPort, rule.cidr, peerGroupId]);
}

function put(id: string, rule: Omit<SecurityRuleRecord, "id">): void {
    const same = securityRules.all().some((other) => other.id !== id && subjectOf(other) === subjectOf(rule));
    if (same) {
        const word = rule.direction === "ingress" ? "Ingress" : "Egress";
        throw new AwsError(
            `EC2: AuthorizeSecurityGroup${word}`,
            "InvalidPermission.Duplicate",
            `the specified rule "peer: ${rule.cidr ?? rule.peerGroupId}, ${rule.protocol.toUpperCase()}, ` +
                `from port: ${rule.fromPort}, to port: ${rule.toPort}, ALLOW" already exists`,
        );
    }
    securityRules.put(id, { ...rule, id });
}

function ruleKind(word: "Ingress" | "Egress") {
    const direction = word === "Ingress" ? "ingress" : "egress";
    const outputsOf = (id: string, given: RuleInputs, account: string) => ({
        arn: `arn:aws:ec2:${given.region}:${account}:security-group-rule/${id}`,
        securityGroupRuleId: id,
        tagsAll: given.tags ?? {},
    });
    return resourceKind({
        type:
            word === "Ingress"
                ? "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
                : "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        inputs: ruleInputs,
        fromProvider: ["region"],

        create: (given, context) =>
            doing(`creating VPC Security Group ${word} Rule`, () =>
                exclusively(async () => {
                    const id = newId("sgr");
                    put(id, admit(given, direction, context.urn));
                    return { id, outputs: outputsOf(id, given, accountFor(context)) };
                }),
            ),

        read: async ({ id, outputs }) => (securityRules.get(id) ? outputs : undefined),

        update: ({ id }, given, context) =>
            doing(`updating VPC Security Group Rule (${id})`, () =>
                exclusively(async () => {
                    put(id, admit(given, direction, context.urn));
                    return outputsOf(id, given, accountFor(context));
                }),
            ),

        delete: async ({ id }) => securityRules.remove(id),
    });
}

export const ingressRule = ruleKind("Ingress");
export const egressRule = ruleKind("Egress");
