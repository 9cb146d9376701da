import { removeOrphans } from "../cloud/orphans";
import { removeObject } from "./kind";
import { tables, type Lists } from "./records";

/** Removes what no state knows: names before the pools that they are answered with, and those before their monitors. */
export function sweepNames(known: ReadonlySet<string>): Promise<void> {
    const swept = (list: keyof Lists, type: string) => ({
        type: `cloudflare:index/${type}`,
        records: tables[list],
        remove: (id: string) => removeObject(list, id),
    });
    return removeOrphans(known, [
        swept("balancers", "loadBalancer:LoadBalancer"),
        swept("names", "dnsRecord:DnsRecord"),
        swept("pools", "loadBalancerPool:LoadBalancerPool"),
        swept("monitors", "loadBalancerMonitor:LoadBalancerMonitor"),
    ]);
}
