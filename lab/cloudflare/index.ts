import type { ProviderPackage } from "../cloud/kind";
import { loadBalancer } from "./balancer";
import { dnsRecord } from "./dnsRecord";
import { loadBalancerMonitor } from "./monitor";
import { loadBalancerPool } from "./pool";

export const cloudflare: ProviderPackage = {
    name: "cloudflare",
    kinds: [dnsRecord, loadBalancer, loadBalancerMonitor, loadBalancerPool],
};
