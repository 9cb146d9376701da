import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import { exclusively } from "../../cloud/records";
import { refuse } from "../errors";
import { cidr, region, tags, text } from "../inputs";
import { amazonKind, type AmazonContext } from "../kind";
import { ec2Arn, nameFrom, newId } from "../names";
import {
    instances,
    loadBalancers,
    securityGroups,
    securityRules,
    templateOf,
    vpcs,
    type SecurityRuleRecord,
} from "../records";
import { existing } from "./vpc";

/** How long a group's removal waits for instances that are going, in ms; the real provider waits 15 minutes. */
const unusedWaitMs = 120_000;

const allowedCharacters = /^[0-9A-Za-z_ .:/()#,@[\]+=&;{}!$*-]*$/;

export const securityGroup = amazonKind({
    type: "aws:ec2/securityGroup:SecurityGroup",
    title: "Security Group",
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
        tags: tags.optional(),
    }),
    records: securityGroups,
    idOf: ({ id }) => id,

    make({ region, vpcId, ...given }, { urn }) {
        const name = given.name ?? nameFrom(given.namePrefix);
        existing(vpcs.get(vpcId), "CreateSecurityGroup", "Vpc", vpcId);
        const neighbours = securityGroups.all().filter((other) => other.vpcId === vpcId);
        if (neighbours.some((other) => other.name === name)) {
            const said = `The security group '${name}' already exists for VPC '${vpcId}'`;
            refuse("EC2: CreateSecurityGroup", "InvalidGroup.Duplicate", said);
        }
        return { urn, region, id: newId("sg"), vpcId, name };
    },

    outputs: ({ id, region, name }, _, account) => ({
        arn: ec2Arn("security-group", region, account, id),
        name,
        ownerId: account,
    }),

    async checkDelete(id) {
        const deadline = Date.now() + unusedWaitMs;
        while (isUsed(id)) {
            if (Date.now() > deadline) {
                const said = `resource ${id} has a dependent object`;
                refuse("EC2: DeleteSecurityGroup", "DependencyViolation", said);
            }
            await sleep(200);
        }
    },
    remove: removeSecurityGroup,
});

/** Whether an instance or balancer has the group, or a rule of another names it. */
function isUsed(id: string): boolean {
    return (
        loadBalancers.all().some(({ securityGroupIds }) => securityGroupIds.includes(id)) ||
        securityRules.all().some((rule) => rule.peerGroupId === id && rule.groupId !== id) ||
        instances.all().some((instance) => templateOf(instance)?.securityGroupIds.includes(id) ?? false)
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

/** What the API says to ports that do not fit the protocol; undefined when they do. */
function portProblem({ ipProtocol, fromPort, toPort }: RuleInputs): string | undefined {
    if (ipProtocol === "-1") {
        const given = fromPort !== undefined || toPort !== undefined;
        return given ? "You may not specify all (-1) protocols with specific ports." : undefined;
    }
    if (fromPort === undefined || toPort === undefined) {
        return `Invalid value for portRange. Must specify both from and to ports with ${ipProtocol.toUpperCase()}.`;
    }
    const wrong = ipProtocol !== "icmp" && (fromPort < 0 || toPort < fromPort);
    return wrong ? `Invalid TCP/UDP port range (${fromPort}:${toPort})` : undefined;
}

function subjectOf(rule: SecurityRuleRecord): string {
    const { direction, groupId, protocol, fromPort, toPort, peerGroupId } = rule;
    return JSON.stringify([direction, groupId, protocol, fromPort, toPort, rule.cidr, peerGroupId]);
}

/** The rule, unless the API refuses it. */
function admitted(
    given: RuleInputs,
    own: Pick<SecurityRuleRecord, "id" | "urn" | "direction">,
): SecurityRuleRecord {
    const word = own.direction === "ingress" ? "Ingress" : "Egress";
    const operation = `EC2: AuthorizeSecurityGroup${word}`;
    const { securityGroupId: groupId, referencedSecurityGroupId: peerGroupId, cidrIpv4, cidrIpv6 } = given;
    const peers = [cidrIpv4, cidrIpv6, peerGroupId].filter((peer) => peer !== undefined);
    if (peers.length !== 1) {
        throw new Error(
            "Invalid Attribute Combination: exactly one of cidr_ipv4, cidr_ipv6, referenced_security_group_id " +
                `must be specified; there are ${peers.length}`,
        );
    }
    const problem = portProblem(given);
    if (problem !== undefined) {
        refuse(operation, "InvalidParameterValue", problem);
    }
    for (const id of [groupId, peerGroupId]) {
        if (id !== undefined && !securityGroups.get(id)) {
            refuse(operation, "InvalidGroup.NotFound", `The security group '${id}' does not exist`);
        }
    }
    const { region, ipProtocol: protocol, fromPort = -1, toPort = -1 } = given;
    const range = cidrIpv4 ?? cidrIpv6;
    const rule = { ...own, region, groupId, protocol, fromPort, toPort, cidr: range, peerGroupId };
    if (securityRules.all().some((other) => other.id !== own.id && subjectOf(other) === subjectOf(rule))) {
        const said =
            `the specified rule "peer: ${range ?? peerGroupId}, ${protocol.toUpperCase()}, ` +
            `from port: ${fromPort}, to port: ${toPort}, ALLOW" already exists`;
        refuse(operation, "InvalidPermission.Duplicate", said);
    }
    return rule;
}

function ruleParts(direction: SecurityRuleRecord["direction"], title: string) {
    return {
        title,
        inputs: ruleInputs,
        records: securityRules,
        idOf: ({ id }: SecurityRuleRecord) => id,
        make: (given: RuleInputs, { urn }: AmazonContext) =>
            admitted(given, { id: newId("sgr"), urn, direction }),
        change: ({ id, urn }: SecurityRuleRecord, given: RuleInputs) =>
            admitted(given, { id, urn, direction }),
        outputs: ({ id, region }: SecurityRuleRecord, _: RuleInputs, account: string) => ({
            arn: ec2Arn("security-group-rule", region, account, id),
            securityGroupRuleId: id,
        }),
    };
}

export const ingressRule = amazonKind({
    type: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    ...ruleParts("ingress", "VPC Security Group Ingress Rule"),
});

export const egressRule = amazonKind({
    type: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    ...ruleParts("egress", "VPC Security Group Egress Rule"),
});
