/**
 * Endpoints in DNS: each Relay, each Master, and the canary's addresses, which are a pool. One of these is in the pool of
 * the nearest region, too.
 *
 * @param canaryAddresses of its balancer, 0 without a canary.
 */
export function countEndpoints(
    pools: readonly { count: number }[],
    masters: number,
    canaryAddresses: number,
): number {
    const relays = pools.reduce((sum, { count }) => sum + count, 0);
    return relays + masters + (canaryAddresses > 0 ? canaryAddresses + 1 : 0);
}
