import { removeSecurityGroup } from "./compute/securityGroup";
import { removeTargetGroup } from "./compute/balancer";
import { ensureDaemon } from "./daemon";
import { removeGroupAtOnce } from "./daemon/changes";
import { removeUserPolicy } from "./iam/inlinePolicy";
import { removeAccessKey, removeUser } from "./iam/user";
import * as records from "./records";
import { sweepBuckets } from "./s3/bucket";

interface Row {
    type: string;
    records: { ids(): string[]; get(id: string): { urn: string } | undefined; remove(id: string): void };
    /** How one goes that is more than its record. */
    remove?(id: string): Promise<void>;
    /** Whether states know it by the second word of its record's id, its name. */
    byName?: boolean;
}

/** What can be swept, in the order in which it goes: instances before their roles, keys before their users. */
const rows: readonly Row[] = [
    { type: "autoscaling/group:Group", records: records.groups, remove: removeGroupAtOnce },
    { type: "autoscaling/policy:Policy", records: records.policies, byName: true },
    { type: "lb/loadBalancer:LoadBalancer", records: records.loadBalancers },
    { type: "lb/listener:Listener", records: records.listeners },
    { type: "lb/targetGroup:TargetGroup", records: records.targetGroups, remove: removeTargetGroup },
    { type: "ssm/parameter:Parameter", records: records.parameters, byName: true },
    { type: "ec2/securityGroup:SecurityGroup", records: records.securityGroups, remove: removeSecurityGroup },
    { type: "ec2/launchTemplate:LaunchTemplate", records: records.templates },
    { type: "ec2/eip:Eip", records: records.eips },
    { type: "ec2/routeTableAssociation:RouteTableAssociation", records: records.associations },
    { type: "ec2/routeTable:RouteTable", records: records.routeTables },
    { type: "ec2/internetGateway:InternetGateway", records: records.gateways },
    { type: "ec2/subnet:Subnet", records: records.subnets },
    { type: "ec2/vpc:Vpc", records: records.vpcs },
    { type: "budgets/budget:Budget", records: records.budgets },
    { type: "iam/accessKey:AccessKey", records: records.accessKeys, remove: removeAccessKey },
    { type: "iam/userPolicy:UserPolicy", records: records.userPolicies, remove: removeUserPolicy },
    { type: "iam/user:User", records: records.users, remove: removeUser },
    { type: "iam/instanceProfile:InstanceProfile", records: records.instanceProfiles },
    { type: "iam/rolePolicy:RolePolicy", records: records.rolePolicies },
    { type: "iam/role:Role", records: records.roles },
];

/**
 * Removes what an interrupted run left; see `sweep` in lab/cloud. What stays is brought to life again where the daemon
 * has gone: the lab may have been killed as a whole.
 */
export async function sweepAmazon(known: ReadonlySet<string>): Promise<void> {
    await sweepBuckets(known);
    for (const row of rows) {
        for (const id of row.records.ids()) {
            const isKnown = known.has(`aws:${row.type} ${row.byName ? id.replace(/^\S+ /, "") : id}`);
            // Instances write parameters, too; those are nobody's to sweep.
            if (!isKnown && row.records.get(id)?.urn !== "") {
                await (row.remove ? row.remove(id) : row.records.remove(id));
            }
        }
    }
    for (const { id, direction } of records.securityRules.all()) {
        const word = direction === "ingress" ? "Ingress" : "Egress";
        if (!known.has(`aws:vpc/securityGroup${word}Rule:SecurityGroup${word}Rule ${id}`)) {
            records.securityRules.remove(id);
        }
    }
    if (records.groups.ids().length > 0) {
        await ensureDaemon();
    }
}
