import { sweepAmazon } from "../amazon/sweep";
import { removeBalancer } from "../cloudflare/balancer";
import { balancers, monitors, names, pools } from "../cloudflare/cloud";
import { removeName } from "../cloudflare/dnsRecord";
import { removeMonitor } from "../cloudflare/monitor";
import { removePool } from "../cloudflare/pool";
import { droplets, firewalls, others, reservedIps, sshKeys, volumes, vpcs } from "../digitalocean/cloud";
import { removeDroplet } from "../digitalocean/droplet";
import { removeFirewall } from "../digitalocean/firewall";
import { removeReservedIp } from "../digitalocean/reservedIp";
import { removeVolume } from "../digitalocean/volume";

/**
 * Removes what the lab cloud holds and no state knows: an interrupted run made it. Each is known by its type and id,
 * `digitalocean:index/droplet:Droplet 400000001`. What the cloud made by itself stays.
 */
export async function sweep(known: ReadonlySet<string>): Promise<void> {
    await sweepNames(known);
    await sweepAmazon(known);
    const isOrphan = (kind: string, id: string | number): boolean =>
        !known.has(`digitalocean:index/${kind.charAt(0).toLowerCase()}${kind.slice(1)}:${kind} ${id}`);

    for (const { id } of firewalls.all().filter((record) => isOrphan("Firewall", record.id))) {
        await removeFirewall(id);
    }
    for (const { ip } of reservedIps.all().filter((record) => isOrphan("ReservedIp", record.ip))) {
        await removeReservedIp(ip);
    }
    for (const { id } of droplets.all().filter((record) => isOrphan("Droplet", record.id))) {
        await removeDroplet(id);
    }
    for (const { id } of volumes.all().filter((record) => isOrphan("Volume", record.id))) {
        await removeVolume(id);
    }
    for (const { id } of sshKeys.all().filter((record) => isOrphan("SshKey", record.id))) {
        sshKeys.remove(String(id));
    }
    for (const { id } of vpcs.all().filter((record) => !record.default && isOrphan("Vpc", record.id))) {
        vpcs.remove(id);
    }
    const knownIds = new Set([...known].map((entry) => entry.split(" ")[1] ?? ""));
    for (const { id } of others.all().filter((record) => !knownIds.has(record.id.replace(/^tag:/, "")))) {
        others.remove(id);
    }
}

/** Names go before the pools that they are answered with, and those before what checks them. */
async function sweepNames(known: ReadonlySet<string>): Promise<void> {
    const kinds = [
        { type: "loadBalancer:LoadBalancer", records: balancers, remove: removeBalancer },
        { type: "dnsRecord:DnsRecord", records: names, remove: removeName },
        { type: "loadBalancerPool:LoadBalancerPool", records: pools, remove: removePool },
        { type: "loadBalancerMonitor:LoadBalancerMonitor", records: monitors, remove: removeMonitor },
    ];
    for (const { type, records, remove } of kinds) {
        for (const id of records.ids().filter((one) => !known.has(`cloudflare:index/${type} ${one}`))) {
            await remove(id);
        }
    }
}
