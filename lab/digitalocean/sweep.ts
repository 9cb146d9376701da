import { removeOrphans } from "../cloud/orphans";
import { removeDroplet } from "./droplet";
import { removeFirewall } from "./firewall";
import { droplets, firewalls, reservedIps, sshKeys, tags, volumes, vpcs } from "./records";
import { removeReservedIp } from "./reservedIp";
import { removeVolume } from "./volume";

/** Removes what no state knows; see `sweep`. */
export function sweepDroplets(known: ReadonlySet<string>): Promise<void> {
    const type = (kind: string): string => `digitalocean:index/${kind}`;
    return removeOrphans(known, [
        { type: type("firewall:Firewall"), records: firewalls, remove: removeFirewall },
        { type: type("reservedIp:ReservedIp"), records: reservedIps, remove: removeReservedIp },
        {
            type: type("droplet:Droplet"),
            records: { ids: () => droplets.ids().filter((id) => !isLeftBehind(id)) },
            remove: (id) => removeDroplet(Number(id)),
        },
        { type: type("volume:Volume"), records: volumes, remove: removeVolume },
        { type: type("sshKey:SshKey"), records: sshKeys, remove: (id) => sshKeys.remove(id) },
        { type: type("vpc:Vpc"), records: vpcs, remove: removeUnlessDefault },
        { type: type("tag:Tag"), records: tags, remove: (id) => tags.remove(id) },
    ]);
}

/** No state knows a droplet that was left behind to drain: the station's program finds it by its tag. */
function isLeftBehind(id: string): boolean {
    return droplets.get(id)?.tags.some((tag) => tag.endsWith("-draining")) ?? false;
}

/** A region's default network belongs to no stack: the cloud has made it. */
function removeUnlessDefault(vpcId: string): void {
    if (!vpcs.get(vpcId)?.default) {
        vpcs.remove(vpcId);
    }
}
