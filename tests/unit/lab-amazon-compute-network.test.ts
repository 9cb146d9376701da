import {
    awsRegions,
    clientAddress,
    inRange,
    machineAddress,
    regionOf,
    regionRange,
    reservedRange,
    sites,
} from "../../lab/network/addresses";
import { ruleset } from "../../lab/network/ruleset";
import { interfaceName, type Balancer, type Endpoint, type NetworkState } from "../../lab/network/state";
import { awsRegions as catalogue } from "../../model/providerRegions";

const instance = "m-i-1";
const link = `"${interfaceName(instance)}"`;

function network(changes: Partial<NetworkState> & { endpoint?: Partial<Endpoint> } = {}): NetworkState {
    const { endpoint, ...rest } = changes;
    return {
        endpoints: { [instance]: { name: instance, address: "198.19.96.10", ...endpoint } },
        reserved: {},
        ...rest,
    };
}

/** The lines of one chain, without indentation. */
function chain(text: string, name: string): string[] {
    const lines = text.split("\n").map((line) => line.trim());
    const start = lines.indexOf(`chain ${name} {`);
    return start < 0 ? [] : lines.slice(start + 1, lines.indexOf("}", start));
}

describe("Amazon's regions", () => {
    it("are those of the catalogue, each with a range of its own", () => {
        expect([...awsRegions]).toEqual(Object.keys(catalogue));
        expect(regionRange("ap-northeast-1")).toBe("198.19.16.0/20");
        expect(regionRange("us-west-2")).toBe("198.19.224.0/20");
        for (const region of awsRegions) {
            for (const address of [
                machineAddress(region, 0),
                machineAddress(region, 2999),
                clientAddress(region),
            ]) {
                expect(regionOf(address)).toBe(region);
                expect(inRange(address, reservedRange)).toBe(false);
                expect(Object.values(sites)).not.toContain(address);
            }
        }
    });
});

describe("the balancer", () => {
    const balancer = (targets: Balancer["targets"]): Balancer => ({
        address: "198.19.0.1",
        port: 80,
        targets,
    });

    it("hands new connections to its targets by the client's address and port", () => {
        const targets = [
            { address: "198.19.96.10", port: 80 },
            { address: "198.19.96.11", port: 8080 },
        ];
        expect(chain(ruleset(network({ balancers: [balancer(targets)] })), "balancing")).toEqual([
            "type nat hook prerouting priority dstnat; policy accept;",
            "ip daddr 198.19.0.1 tcp dport 80 dnat to jhash ip saddr . tcp sport mod 2 map " +
                "{ 0 : 198.19.96.10 . 80, 1 : 198.19.96.11 . 8080 }",
        ]);
    });

    it("keeps translating known connections while it has no target for new ones", () => {
        expect(chain(ruleset(network({ balancers: [balancer([])] })), "balancing")).toEqual([
            "type nat hook prerouting priority dstnat; policy accept;",
        ]);
        expect(ruleset(network())).not.toContain("nat hook");
    });

    it("takes no text that is no address or port", () => {
        const one = { address: "198.19.96.10", port: 80 };
        for (const wrong of [
            { ...balancer([one]), address: "198.19.0.0/24" },
            { ...balancer([one]), port: 0 },
            balancer([{ ...one, address: "198.19.96.10 } accept" }]),
            balancer([{ ...one, port: 70_000 }]),
        ]) {
            expect(() => ruleset(network({ balancers: [wrong] }))).toThrow();
        }
    });
});

describe("the metadata service", () => {
    it("is unreachable for all but instances", () => {
        const unreachable = "reject with icmp type net-unreachable";
        expect(chain(ruleset(network()), "forward")).toContain(`ip daddr 169.254.169.254 ${unreachable}`);
        const rules = chain(ruleset(network({ endpoint: { metadataHops: 1 } })), "forward");
        expect(rules).toContain(`ip daddr 169.254.169.254 iifname != { ${link} } ${unreachable}`);
    });

    it("answers instances whatever their security groups say, for as many hops as they are set to", () => {
        const firewall = { inbound: [], outbound: [] };
        const rules = chain(ruleset(network({ endpoint: { metadataHops: 1, firewall } })), "forward");
        const accepted = rules.indexOf(
            `iifname { ${link} } ip daddr { 169.254.169.254, 198.19.255.53 } accept`,
        );
        expect(accepted).toBeGreaterThan(0);
        expect(accepted).toBeLessThan(rules.findIndex((rule) => rule.includes("jump out-")));
        const hops = rules.indexOf(`oifname ${link} ip saddr 169.254.169.254 ip ttl set 1`);
        expect(hops).toBeGreaterThan(0);
        // Answers belong to a known connection, and are changed before that lets them pass.
        expect(hops).toBeLessThan(rules.indexOf("ct state established,related accept"));
    });
});
