import {
    associations,
    budgets,
    eips,
    gateways,
    routeTables,
    securityGroups,
    securityRules,
    subnets,
    templates,
    vpcs,
} from "./cloud";
import { wakeDaemon } from "./daemon";
import { forgetGroup } from "./forget";
import { groups, listeners, loadBalancers, policies, targetGroups } from "./groups";
import { parameters } from "./parameters";
import { removeSecurityGroup } from "./securityGroup";
import { removeTargetGroup } from "./targetGroup";

/**
 * Removes what an interrupted run left; see `sweep`. What stays is brought to life again where the daemon has gone: the
 * lab may have been killed as a whole.
 */
export async function sweepCompute(known: ReadonlySet<string>): Promise<void> {
    const unknown = (type: string, ids: readonly string[]): string[] =>
        ids.filter((id) => !known.has(`aws:${type} ${id}`));

    const isGone = (group: string, policy: string): boolean =>
        !groups.get(group) || !known.has(`aws:autoscaling/policy:Policy ${policy}`);

    for (const name of unknown("autoscaling/group:Group", groups.ids())) {
        await forgetGroup(name);
    }
    for (const { arn } of policies.all().filter((one) => isGone(one.group, one.name))) {
        policies.remove(arn);
    }
    for (const arn of unknown("lb/loadBalancer:LoadBalancer", loadBalancers.ids())) {
        loadBalancers.remove(arn);
    }
    for (const arn of unknown("lb/listener:Listener", listeners.ids())) {
        listeners.remove(arn);
    }
    for (const arn of unknown("lb/targetGroup:TargetGroup", targetGroups.ids())) {
        await removeTargetGroup(arn);
    }
    for (const record of parameters.all()) {
        // Instances write parameters, too; those are nobody's to sweep.
        if (record.urn !== "" && !known.has(`aws:ssm/parameter:Parameter ${record.name}`)) {
            parameters.remove(`${record.region} ${record.name}`);
        }
    }
    for (const id of unknown("ec2/securityGroup:SecurityGroup", securityGroups.ids())) {
        await removeSecurityGroup(id);
    }
    const plain = [
        { type: "ec2/launchTemplate:LaunchTemplate", records: templates },
        { type: "ec2/eip:Eip", records: eips },
        { type: "ec2/routeTableAssociation:RouteTableAssociation", records: associations },
        { type: "ec2/routeTable:RouteTable", records: routeTables },
        { type: "ec2/internetGateway:InternetGateway", records: gateways },
        { type: "ec2/subnet:Subnet", records: subnets },
        { type: "ec2/vpc:Vpc", records: vpcs },
        { type: "budgets/budget:Budget", records: budgets },
    ];
    for (const { type, records } of plain) {
        for (const id of unknown(type, records.ids())) {
            records.remove(id);
        }
    }
    for (const rule of securityRules.all()) {
        const word = rule.direction === "ingress" ? "Ingress" : "Egress";
        if (!known.has(`aws:vpc/securityGroup${word}Rule:SecurityGroup${word}Rule ${rule.id}`)) {
            securityRules.remove(rule.id);
        }
    }
    if (groups.ids().length > 0) {
        await wakeDaemon();
    }
}
