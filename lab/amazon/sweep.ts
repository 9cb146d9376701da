import { removeOrphans, type Swept } from "../cloud/orphans";
import { removeSecurityGroup } from "./compute/securityGroup";
import { removeTargetGroup } from "./compute/balancer";
import { ensureDaemon } from "./daemon";
import { removeGroupAtOnce } from "./daemon/changes";
import { removeUserPolicy } from "./iam/inlinePolicy";
import { removeAccessKey, removeUser } from "./iam/user";
import * as records from "./records";
import { sweepBuckets } from "./s3/bucket";
import { removeObject } from "./s3/object";

/** A kind whose removal is that of its record, unless something else is given. */
function swept(
    type: string,
    table: { ids(): string[]; remove(id: string): void },
    more: Partial<Pick<Swept, "remove" | "knownAs">> = {},
): Swept {
    return { type: `aws:${type}`, records: table, remove: (id) => table.remove(id), ...more };
}

/** States know it by its name, the second word of its record's id. */
const knownAs = (id: string): string => id.replace(/^\S+ /, "");

/** Instances write parameters, too; those belong to no stack. */
function removeParameter(id: string): void {
    if (records.parameters.get(id)?.urn !== "") {
        records.parameters.remove(id);
    }
}

/** The rules of one direction, which is a kind of its own. */
function rules(direction: "ingress" | "egress"): Swept["records"] & { remove(id: string): void } {
    const { securityRules } = records;
    return {
        ids: () => securityRules.all().flatMap((rule) => (rule.direction === direction ? rule.id : [])),
        remove: (id) => securityRules.remove(id),
    };
}

/** Before the buckets that they are in: one with objects stays. */
const objects = swept("s3/bucketObjectv2:BucketObjectv2", records.objects, { remove: removeObject });

/** What can be swept, in the order in which it goes: instances before their roles, keys before their users. */
const kinds: readonly Swept[] = [
    swept("autoscaling/group:Group", records.groups, { remove: removeGroupAtOnce }),
    swept("autoscaling/policy:Policy", records.policies, { knownAs }),
    swept("lb/loadBalancer:LoadBalancer", records.loadBalancers),
    swept("lb/listener:Listener", records.listeners),
    swept("lb/targetGroup:TargetGroup", records.targetGroups, { remove: removeTargetGroup }),
    swept("ssm/parameter:Parameter", records.parameters, { knownAs, remove: removeParameter }),
    swept("ec2/securityGroup:SecurityGroup", records.securityGroups, { remove: removeSecurityGroup }),
    swept("ec2/launchTemplate:LaunchTemplate", records.templates),
    swept("ec2/eip:Eip", records.eips),
    swept("ec2/routeTableAssociation:RouteTableAssociation", records.associations),
    swept("ec2/routeTable:RouteTable", records.routeTables),
    swept("ec2/internetGateway:InternetGateway", records.gateways),
    swept("ec2/subnet:Subnet", records.subnets),
    swept("ec2/vpc:Vpc", records.vpcs),
    swept("budgets/budget:Budget", records.budgets),
    swept("iam/accessKey:AccessKey", records.accessKeys, { remove: removeAccessKey }),
    swept("iam/userPolicy:UserPolicy", records.userPolicies, { remove: removeUserPolicy }),
    swept("iam/user:User", records.users, { remove: removeUser }),
    swept("iam/instanceProfile:InstanceProfile", records.instanceProfiles),
    swept("iam/rolePolicy:RolePolicy", records.rolePolicies),
    swept("iam/role:Role", records.roles),
    swept("vpc/securityGroupIngressRule:SecurityGroupIngressRule", rules("ingress")),
    swept("vpc/securityGroupEgressRule:SecurityGroupEgressRule", rules("egress")),
];

/**
 * Removes what an interrupted run left; see `sweep` in lab/engine. What stays is brought to life again where the daemon
 * has gone: the lab may have been killed as a whole.
 */
export async function sweepAmazon(known: ReadonlySet<string>): Promise<void> {
    await removeOrphans(known, [objects]);
    await sweepBuckets(known);
    await removeOrphans(known, kinds);
    if (records.groups.ids().length > 0) {
        await ensureDaemon();
    }
}
