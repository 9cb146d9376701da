import { ruleset } from "../../lab/network/ruleset";
import { interfaceName, type Endpoint, type FirewallRules, type NetworkState } from "../../lab/network/state";

const relay = "m-1";
const other = "m-2";

function network(
    changes: { relay?: Partial<Endpoint>; other?: Partial<Endpoint>; reserved?: object } = {},
): NetworkState {
    return {
        endpoints: {
            [relay]: { name: relay, address: "198.18.0.10", ...changes.relay },
            [other]: { name: other, address: "198.18.112.10", ...changes.other },
        },
        reserved: { ...changes.reserved },
    };
}

/** The lines of one chain, without indentation. */
function chain(text: string, name: string): string[] {
    const lines = text.split("\n").map((line) => line.trim());
    const start = lines.indexOf(`chain ${name} {`);
    return start < 0 ? [] : lines.slice(start + 1, lines.indexOf("}", start));
}

function inbound(rules: FirewallRules["inbound"]): string[] {
    const text = ruleset(network({ relay: { firewall: { inbound: rules, outbound: [] } } }));
    return chain(text, `in-${interfaceName(relay)}`).filter((line) => !line.startsWith("#"));
}

describe("the router's rules", () => {
    it("replace the whole table in one transaction", () => {
        expect(ruleset(network()).split("\n").slice(0, 3)).toEqual([
            "table ip aerial {}",
            "delete table ip aerial",
            "table ip aerial {",
        ]);
    });

    it("let nobody send from an address of another", () => {
        const text = ruleset(network({ reserved: { "198.19.0.1": relay } }));
        expect(chain(text, "forward")).toContain(
            `iifname . ip saddr != { "${interfaceName(relay)}" . 198.18.0.10, ` +
                `"${interfaceName(relay)}" . 198.19.0.1, "${interfaceName(other)}" . 198.18.112.10 } counter drop`,
        );
    });

    it("lose everything of a machine that is cut off, known connections first", () => {
        const rules = chain(ruleset(network({ relay: { cut: "both ways" } })), "forward");
        const link = `{ "${interfaceName(relay)}" }`;
        expect(rules.slice(1, 3)).toEqual([`iifname ${link} counter drop`, `oifname ${link} counter drop`]);
        expect(rules.indexOf("ct state established,related accept")).toBeGreaterThan(2);
    });

    it("lose the packets of one direction only, where only that one is cut", () => {
        const links = [relay, other].map((name) => `"${interfaceName(name)}"`);
        const sent = network({ relay: { cut: "sent" } });
        expect(chain(ruleset(sent), "forward")[1]).toBe(`iifname { ${links[0]} } counter drop`);
        expect(ruleset(sent)).not.toContain("oifname");
        const received = network({ relay: { cut: "received" }, other: { cut: "both ways" } });
        expect(chain(ruleset(received), "forward").slice(1, 3)).toEqual([
            `iifname { ${links[1]} } counter drop`,
            `oifname { ${links.join(", ")} } counter drop`,
        ]);
    });

    it("leave a machine open that has no firewall", () => {
        expect(ruleset(network())).not.toContain("jump");
    });

    it("deny everything in a direction that an attached firewall has no rule for", () => {
        expect(inbound([])).toEqual(["counter drop"]);
        const rules = chain(
            ruleset(network({ relay: { firewall: { inbound: [], outbound: [] } } })),
            "forward",
        );
        expect(rules.slice(-2)).toEqual([
            `iifname "${interfaceName(relay)}" jump out-${interfaceName(relay)}`,
            `oifname "${interfaceName(relay)}" jump in-${interfaceName(relay)}`,
        ]);
    });

    it("permit by protocol, ports and source", () => {
        expect(
            inbound([
                { protocol: "tcp", ports: "22", sources: ["198.19.255.10/32"] },
                { protocol: "tcp", ports: "8000-9000", sources: ["0.0.0.0/0", "::/0"] },
                { protocol: "udp", ports: "all", sources: ["10.0.0.0/8", "198.18.0.0/15"] },
                { protocol: "icmp", ports: "all", sources: ["0.0.0.0/0"] },
            ]),
        ).toEqual([
            "ip saddr 198.19.255.10/32 tcp dport 22 return",
            "ip saddr 0.0.0.0/0 tcp dport 8000-9000 return",
            "ip saddr 10.0.0.0/8 ip protocol udp return",
            "ip saddr 198.18.0.0/15 ip protocol udp return",
            "ip saddr 0.0.0.0/0 ip protocol icmp return",
            "counter drop",
        ]);
    });

    it("name destinations in rules of the other direction", () => {
        const firewall: FirewallRules = {
            inbound: [],
            outbound: [{ protocol: "udp", ports: "53", destinations: ["9.9.9.9"] }],
        };
        const text = ruleset(network({ relay: { firewall } }));
        expect(chain(text, `out-${interfaceName(relay)}`)).toContain("ip daddr 9.9.9.9 udp dport 53 return");
    });

    it("permit ranges that overlap by a rule each, since nft refuses them in one set", () => {
        const sources = ["10.1.0.0/16", "10.0.0.0/8"];
        expect(inbound([{ protocol: "tcp", ports: "80", sources }])).toEqual([
            "ip saddr 10.1.0.0/16 tcp dport 80 return",
            "ip saddr 10.0.0.0/8 tcp dport 80 return",
            "counter drop",
        ]);
    });

    it("permit nothing by a rule that speaks of IPv6 only", () => {
        expect(inbound([{ protocol: "tcp", ports: "80", sources: ["::/0"] }])).toEqual(["counter drop"]);
    });

    it("refuse ports and ranges that are none", () => {
        for (const ports of ["", "0", "65536", "90-80", "80;drop", "1-2-3", "http", "80 accept"]) {
            expect(() => inbound([{ protocol: "tcp", ports, sources: ["0.0.0.0/0"] }])).toThrow(
                "is no port range",
            );
        }
        expect(() => inbound([{ protocol: "tcp", ports: "80", sources: ["10.0.0.0/8 } accept #"] }])).toThrow(
            "is not an IPv4 range",
        );
    });

    it("join private addresses of one network only", () => {
        const text = ruleset(
            network({
                relay: { private: { address: "10.1.0.2", vpcId: "a", vpcRange: "10.1.0.0/24" } },
                other: { private: { address: "10.2.0.2", vpcId: "b", vpcRange: "10.2.0.0/24" } },
            }),
        );
        const link = `{ "${interfaceName(relay)}" }`;
        const rules = chain(text, "forward");
        expect(rules).toContain(
            `iifname ${link} oifname ${link} ip saddr 10.1.0.0/24 ip daddr 10.1.0.0/24 meta mark set 1`,
        );
        expect(rules).toContain("meta mark != 1 ip daddr { 10.1.0.0/24, 10.2.0.0/24 } counter drop");
        expect(rules).toContain("meta mark != 1 ip saddr { 10.1.0.0/24, 10.2.0.0/24 } counter drop");
    });

    it("give interfaces names the kernel takes", () => {
        expect(interfaceName("m-a-very-long-name-of-a-machine")).toMatch(/^[a-z][a-z0-9]{1,14}$/);
    });
});
