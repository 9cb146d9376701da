/** A small valid station; tests change one thing at a time. */
export function stationConfig(): Record<string, unknown> {
    return {
        name: "Radio Test",
        domain: "radio.test",
        channels: [{ id: "main", title: "Main" }],
        masters: [
            { id: "a", region: "ams3" },
            { id: "b", region: "fra1" },
        ],
        relays: [{ region: "nyc3", count: 2 }],
        backup: "none",
        dns: { accountId: "0".repeat(32), zoneId: "1".repeat(32) },
        tls: { acme: { email: "tech@radio.test" } },
        ssh: { allowedFrom: ["203.0.113.0/24"] },
    };
}
