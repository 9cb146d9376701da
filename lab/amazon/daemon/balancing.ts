import type { Balancer } from "../../network/state";
import type {
    InstanceRecord,
    ListenerRecord,
    LoadBalancerRecord,
    TargetGroupRecord,
    TargetRecord,
} from "../records";

interface Holdings {
    loadBalancers: readonly LoadBalancerRecord[];
    listeners: readonly ListenerRecord[];
    targetGroups: readonly TargetGroupRecord[];
    targets: readonly TargetRecord[];
    instances: readonly InstanceRecord[];
}

/** What the network is to do for the balancers there are: one entry for each fixed address and port. */
export function balancersOf(held: Holdings): Balancer[] {
    return held.listeners.flatMap((listener) => {
        const balancer = held.loadBalancers.find(({ arn }) => arn === listener.loadBalancerArn);
        const group = held.targetGroups.find(({ arn }) => arn === listener.targetGroupArn);
        return (balancer?.mappings ?? []).map(({ address, zone }) => {
            const registered = held.targets.flatMap((target) => {
                const instance = held.instances.find(({ id }) => id === target.instanceId);
                const here = balancer?.crossZone === true || instance?.zone === zone;
                return instance && here && target.targetGroupArn === group?.arn ? [{ target, instance }] : [];
            });
            return {
                address,
                port: listener.port,
                targets: chosen(registered)
                    .map(({ instance }) => ({ address: instance.address, port: group?.port ?? 0 }))
                    .sort((one, other) => one.address.localeCompare(other.address)),
            };
        });
    });
}

/** The healthy ones; with none healthy all that failed, since one of them may serve in spite of its check. */
function chosen<One extends { target: TargetRecord }>(registered: readonly One[]): One[] {
    const healthy = registered.filter(({ target }) => target.state === "healthy");
    return healthy.length > 0 ? healthy : registered.filter(({ target }) => target.state === "unhealthy");
}
